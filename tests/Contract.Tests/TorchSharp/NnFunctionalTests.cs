using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using static TorchSharp.torch.nn.functional;

namespace Contract.Tests.Torch;

public class NnFunctionalTests
{
    private static double[] Doubles(Tensor tensor) => tensor.detach().to(ScalarType.Float64).data<double>().ToArray();

    private static Tensor Image => arange(0, 16, ScalarType.Float64).reshape(1, 1, 4, 4);

    private static readonly double[] P = [Math.Log(0.2), Math.Log(0.8)], Q = [Math.Log(0.6), Math.Log(0.4)];

    [Fact]
    public void Kl_div_takes_targets_in_log_space_and_averages_over_all_elements()
    {
        double[] terms = [0.6 * (Q[0] - P[0]), 0.4 * (Q[1] - P[1])];
        var (input, target) = (tensor(P).reshape(1, 2), tensor(Q).reshape(1, 2));
        Assert.Equal(terms.Sum() / 2, kl_div(input, target).item<double>(), 12);
        Assert.Equal(terms.Sum() / 2, KLDivLoss().call(input, target).item<double>(), 12);
        Assert.Equal(terms.Sum(), kl_div(input, target, reduction: Reduction.Sum).item<double>(), 12);
        Assert.Equal(terms.Sum(), kl_div(input, target.exp(), log_target: false, reduction: Reduction.Sum).item<double>(), 12);
        Assert.Equal(terms[1], Doubles(kl_div(input, target, reduction: Reduction.None))[1], 12);
    }

    [Fact]
    public void Cross_entropy_takes_classes_or_probabilities()
    {
        double[,] logits = { { 1, 2, 4 }, { 0, 0, 0 } };
        var input = tensor(logits);
        double lse = Math.Log(Math.Exp(1) + Math.Exp(2) + Math.Exp(4));
        double[] losses = [lse - 1, Math.Log(3)];
        var labels = tensor(new long[] { 0, 2 });
        Assert.Equal(losses.Average(), cross_entropy(input, labels).item<double>(), 12);
        Assert.Equal(losses.Average(), CrossEntropyLoss().call(input, labels).item<double>(), 12);
        Assert.Equal(losses[0], Doubles(cross_entropy(input, labels, reduction: Reduction.None))[0], 12);
        Assert.Equal(losses[0], cross_entropy(input, labels, ignore_index: 2).item<double>(), 12);
        Assert.Equal(losses[0], CrossEntropyLoss(ignore_index: 2).call(input, labels).item<double>(), 12);
        double smooth = 0.9 * losses[0] + 0.1 * (lse - 7.0 / 3);
        Assert.Equal(smooth, Doubles(cross_entropy(input, labels, reduction: Reduction.None, label_smoothing: 0.1))[0], 12);
        var soft = tensor(new[,] { { 0.5, 0.5, 0 }, { 0, 0, 1 } });
        Assert.Equal((lse - 1.5 + losses[1]) / 2, cross_entropy(input, soft).item<double>(), 12);
        Assert.Equal(losses[0], nll_loss(log_softmax(input, 1), tensor(new long[] { 0, -100 })).item<double>(), 12);
        Assert.Equal(losses.Sum(), NLLLoss(reduction: Reduction.Sum).call(log_softmax(input, 1), labels).item<double>(), 12);
    }

    [Fact]
    public void Losses_between_numbers_follow_their_definitions()
    {
        var (a, b) = (tensor(new[] { 1.0, -2 }), tensor(new[] { 0.25, 0.5 }));
        double[] gaps = [0.75, 2.5];
        Assert.Equal(gaps.Average(gap => gap * gap), mse_loss(a, b).item<double>(), 12);
        Assert.Equal(gaps.Average(), l1_loss(a, b).item<double>(), 12);
        Assert.Equal((0.5 * 0.75 * 0.75 + 2.0) / 2, smooth_l1_loss(a, b).item<double>(), 12);
        Assert.Equal(gaps.Sum() - 0.5, smooth_l1_loss(a, b, Reduction.Sum, beta: 0.5).item<double>(), 12);
        Assert.Equal(gaps.Sum(gap => gap * gap), MSELoss(Reduction.Sum).call(a, b).item<double>(), 12);
        Assert.Equal(gaps, Doubles(L1Loss(Reduction.None).call(a, b)));
        Assert.Equal((0.5 * 0.75 * 0.75 + 2.0) / 2, SmoothL1Loss().call(a, b).item<double>(), 12);
        double Bce(double x, double y) => Math.Log(1 + Math.Exp(x)) - x * y;
        Assert.Equal((Bce(1, 0.25) + Bce(-2, 0.5)) / 2, binary_cross_entropy_with_logits(a, b).item<double>(), 12);
        Assert.Equal((Bce(1, 0.25) + Bce(-2, 0.5)) / 2, BCEWithLogitsLoss().call(a, b).item<double>(), 12);
    }

    [Fact]
    public void Padding_begins_with_the_last_dimension()
    {
        var two = arange(0, 4, ScalarType.Float64).reshape(1, 1, 2, 2);
        Assert.Equal([0.0, 0, 1, 0, 2, 3, 0, 0, 0], Doubles(pad(two, (1, 0, 0, 1))));
        Assert.Equal([1, 1, 4, 7], pad(Image, (1, 2)).shape);
        Assert.Equal([3, 3, 6, 6], pad(Image, 1).shape);
        Assert.Equal([1, 1, 8, 6], pad(Image, new long[] { 1, 1, 2, 2 }, PaddingModes.Reflect).shape);
        Assert.Equal([3.0, 0, 1], Doubles(pad(arange(0, 4, ScalarType.Float64).reshape(1, 1, 4), (1, 0), PaddingModes.Circular))[..3]);
        Assert.Equal(120 + 9 * 7, pad(Image, (1, 0, 0, 1), PaddingModes.Constant, 7).sum().item<double>());
        Assert.Throws<ExternalException>(() => pad(Image, (1, 0, 0, 1), PaddingModes.Reflect, 7));
    }

    [Fact]
    public void Images_are_resized_and_sampled()
    {
        Assert.Equal([1, 1, 8, 6], interpolate(Image, scale_factor: [2, 1.5]).shape);
        Assert.Equal(586, interpolate(Image, [3, 5]).pow(2).sum().item<double>());
        Assert.Equal(1145.5344444444445, interpolate(Image, [3, 5], mode: InterpolationMode.Bilinear).pow(2).sum().item<double>(), 9);
        Assert.Equal(
            1220.625, interpolate(Image, [3, 5], mode: InterpolationMode.Bilinear, align_corners: true).pow(2).sum().item<double>(), 9);
        Assert.Equal([2.5, 4.5, 10.5, 12.5], Doubles(interpolate(Image, [2, 2], mode: InterpolationMode.Area)));
        Assert.Throws<ExternalException>(() => interpolate(Image));
        var shifted = affine_grid(tensor(new[,] { { 1, 0, 0.5 }, { 0, 1, 0 } }).unsqueeze(0), [1, 1, 4, 4]);
        Assert.Equal([1.0, 2, 3, 0], Doubles(grid_sample(Image, shifted))[..4], Near);
        Assert.Equal([1.0, 2, 3, 3], Doubles(grid_sample(Image, shifted, padding_mode: GridSamplePaddingMode.Border))[..4], Near);
        var patches = unfold(Image, 2);
        Assert.Equal([1, 4, 9], patches.shape);
        Assert.Equal(270, fold(patches, 4, 2).sum().item<double>());
    }

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-12;

    [Fact]
    public void Functions_take_the_arguments_of_layers()
    {
        Assert.Equal([1, 1, 3, 3], conv2d(Image, ones(1, 1, 2, 2, ScalarType.Float64)).shape);
        Assert.Equal([1, 1, 3, 3], conv2d(Image, ones(1, 1, 2, 2, ScalarType.Float64), null, [2, 2], [1, 1], [1, 1], 1).shape);
        Assert.Equal([2.0, 2, 2], Doubles(linear(ones(1, 2), ones(3, 2))));
        Assert.Equal(0, batch_norm(Image, null!, null!, training: true).sum().item<double>(), 10);
        Assert.Equal(Doubles(Image), Doubles(batch_norm(Image, zeros(1, ScalarType.Float64), ones(1, ScalarType.Float64), eps: 0)), Near);
        Assert.Equal([2.5, 4.5, 10.5, 12.5], Doubles(avg_pool2d(Image, 2)));
        Assert.Equal([5.0, 7, 13, 15], Doubles(max_pool2d(Image, 2)));
        Assert.Equal([7.5], Doubles(adaptive_avg_pool2d(Image, 1)));
        Assert.Equal([0.6, 0.8, 0, 0], Doubles(normalize(tensor(new double[,] { { 3, 4 }, { 0, 0 } }))), Near);
        Assert.Equal([1.0, 0, 0, 0, 0, 1], Doubles(one_hot(tensor(new long[] { 0, 2 }))));
        Assert.Equal([1, 3], one_hot(tensor(new long[] { 1 }), 3).shape);
        Assert.Equal(0.6, cosine_similarity(tensor(new double[,] { { 3, 4 } }), tensor(new double[,] { { 1, 0 } })).item<double>(), 12);
        var input = ones(2);
        Assert.NotSame(input, relu(input, inplace: true));
        Assert.Throws<ExternalException>(() => dropout(ones(2), -1));
        Assert.Equal([1.0, 1], Doubles(dropout(ones(2), 0.5, training: false)));
    }

    [Fact]
    public void Gradients_are_clipped_by_their_common_norm_or_by_value()
    {
        var parameter = Parameter(tensor(new[] { 1.0, 2 }));
        parameter.grad = tensor(new[] { 3.0, 4 });
        Assert.Equal(5, nn.utils.clip_grad_norm_([parameter], 10), 12);
        Assert.Equal([3.0, 4], Doubles(parameter.grad!));
        Assert.Equal(5, nn.utils.clip_grad_norm_([parameter], 1), 12);
        Assert.Equal(3 / (5 + 1e-6), Doubles(parameter.grad!)[0], 12);
        parameter.grad = tensor(new[] { 3.0, -4 });
        Assert.Equal(4, nn.utils.clip_grad_norm_([parameter], 100, double.PositiveInfinity), 12);
        nn.utils.clip_grad_value_([parameter], 1);
        Assert.Equal([1.0, -1], Doubles(parameter.grad!));
        Assert.Equal(0, nn.utils.clip_grad_norm_([Parameter(ones(1))], 1));
    }

    [Fact]
    public void Parameters_become_one_vector_and_come_back()
    {
        var (one, two) = (Parameter(tensor(new[] { 1.0, 2 })), Parameter(tensor(new[,] { { 3.0 } })));
        Assert.Equal([1.0, 2, 3], Doubles(nn.utils.parameters_to_vector([one, two])));
        nn.utils.vector_to_parameters(tensor(new[] { 5.0, 6, 7 }), [one, two]);
        Assert.Equal([5.0, 6, 7], Doubles(one).Concat(Doubles(two)));
        Assert.True(one.requires_grad);
    }

    [Fact]
    public void BatchNorm_folds_into_the_layer_before()
    {
        using var linear = Linear(3, 2);
        using var norm = BatchNorm1d(2);
        init.constant_(norm.running_mean, 0.5);
        init.constant_(norm.running_var, 4);
        init.constant_(norm.weight, 2);
        Assert.Throws<InvalidOperationException>(() => nn.utils.fuse_linear_bn_eval(linear, norm));
        linear.eval();
        norm.eval();
        var input = rand(4, 3);
        Assert.Equal(Doubles(norm.call(linear.call(input))),
            Doubles(nn.utils.fuse_linear_bn_eval(linear, norm).call(input)), (a, b) => Math.Abs(a - b) < 1e-5);
        using var convolution = Conv2d(1, 2, 2);
        var (weight, bias) = nn.utils.fuse_conv_bn_weights(
            convolution.weight, convolution.bias, norm.running_mean!, norm.running_var!, norm.eps, norm.weight, norm.bias);
        using var norm2 = BatchNorm2d(2);
        norm2.load_state_dict(norm.state_dict());
        norm2.eval();
        var image = Image.to(ScalarType.Float32);
        Assert.Equal(Doubles(norm2.call(convolution.call(image))), Doubles(conv2d(image, weight, bias)), (a, b) => Math.Abs(a - b) < 1e-5);
    }
}
