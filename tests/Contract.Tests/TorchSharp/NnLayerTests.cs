using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Contract.Tests.Torch;

public class NnLayerTests
{
    private static double[] Doubles(Tensor tensor) => tensor.detach().to(ScalarType.Float64).data<double>().ToArray();

    private static Tensor Image => arange(0, 16, ScalarType.Float64).reshape(1, 1, 4, 4);

    [Fact]
    public void Convolution_has_these_defaults()
    {
        using var layer = Conv2d(3, 4, 3);
        Assert.Equal([4, 3, 3, 3], layer.weight.shape);
        Assert.Equal([4], layer.bias!.shape);
        Assert.Equal([3, 3], layer.kernel_size);
        Assert.Equal([1, 1], layer.stride);
        Assert.Equal([0, 0], layer.padding!);
        Assert.Equal([1, 1], layer.dilation);
        Assert.Equal((3, 4, 1, PaddingModes.Zeros), (layer.in_channels, layer.out_channels, layer.groups, layer.padding_mode));
        Assert.Null(layer.padding_type);
        using var pair = Conv2d(4, 8, (3, 5), stride: (1, 2), padding: (1, 2), groups: 4, bias: false, dtype: ScalarType.Float64);
        Assert.Equal([8, 1, 3, 5], pair.weight.shape);
        Assert.Null(pair.bias);
        Assert.Equal([2, 8, 6, 3], pair.call(zeros(2, 4, 6, 6, ScalarType.Float64)).shape);
        Assert.Equal([8, 6, 3], pair.call(zeros([4, 6, 6], ScalarType.Float64)).shape);
    }

    [Theory]
    [InlineData(PaddingModes.Zeros)]
    [InlineData(PaddingModes.Reflect)]
    public void Convolution_pads_as_told(PaddingModes mode)
    {
        using var same = Conv2d(1, 1, 3, padding: Padding.Same, padding_mode: mode, bias: false, dtype: ScalarType.Float64);
        using var one = Conv2d(1, 1, 3, padding: 1, padding_mode: mode, bias: false, dtype: ScalarType.Float64);
        init.ones_(same.weight);
        init.ones_(one.weight);
        double corner = mode == PaddingModes.Zeros ? 0 + 1 + 4 + 5 : 0 + 1 + 1 + 4 + 4 + 5 + 5 + 5 + 5;
        Assert.Equal([1, 1, 4, 4], same.call(Image).shape);
        Assert.Equal(corner, Doubles(same.call(Image))[0]);
        Assert.Equal(Doubles(same.call(Image)), Doubles(one.call(Image)));
        using var valid = Conv2d(1, 1, 3, padding: Padding.Valid, dtype: ScalarType.Float64);
        Assert.Equal([1, 1, 2, 2], valid.call(Image).shape);
    }

    [Fact]
    public void Convolution_refuses_what_it_cannot_do()
    {
        using var layer = Conv2d(3, 1, 3);
        Assert.Equal("Expected 3D (unbatched) or 4D (batched) input with 3 channels to Conv2d.",
            Assert.Throws<ArgumentException>(() => layer.call(ones(1, 1, 5, 5))).Message);
        Assert.Throws<ArgumentException>(() => Conv2d(1, 1, 3, padding: Padding.Same, stride: 2));
    }

    [Fact]
    public void Linear_maps_the_last_dimension()
    {
        using var layer = Linear(Parameter(tensor(new[,] { { 1.0, 2 }, { 3, 4 }, { 5, 6 } })));
        Assert.Equal((2, 3), (layer.in_features, layer.out_features));
        Assert.Null(layer.bias);
        Assert.Equal([3.0, 7, 11], Doubles(layer.call(ones(1, 2, ScalarType.Float64))));
    }

    [Fact]
    public void BatchNorm_uses_the_batch_in_training_and_follows_it()
    {
        using var layer = BatchNorm2d(1).to(ScalarType.Float64);
        var input = arange(0, 8, ScalarType.Float64).reshape(2, 1, 2, 2);
        var output = Doubles(layer.call(input));
        Assert.Equal(-3.5 / Math.Sqrt(5.25 + 1e-5), output[0], 12);
        Assert.Equal(0.35, layer.running_mean!.item<double>(), 12);
        Assert.Equal(0.9 + 0.1 * 6, layer.running_var!.item<double>(), 12);
        Assert.Equal(1, layer.num_batches_tracked!.item<long>());
        layer.eval();
        Assert.Equal(-0.35 / Math.Sqrt(1.5 + 1e-5), Doubles(layer.call(input))[0], 12);
        Assert.Equal(1, layer.num_batches_tracked!.item<long>());
        Assert.Equal((0.1, 1e-5, 1L), (layer.momentum, layer.eps, layer.num_features));
        Assert.Equal([], layer.num_batches_tracked!.shape);
    }

    [Fact]
    public void BatchNorm_without_momentum_averages_all_batches()
    {
        using var layer = BatchNorm2d(1).to(ScalarType.Float64);
        layer.momentum = null;
        var input = arange(0, 8, ScalarType.Float64).reshape(2, 1, 2, 2);
        layer.call(input);
        layer.call(input * 3);
        Assert.Equal(7, layer.running_mean!.item<double>(), 12);
        Assert.Equal(30, layer.running_var!.item<double>(), 12);
        layer.reset_running_stats();
        Assert.Equal((0.0, 1.0, 0L),
            (layer.running_mean!.item<double>(), layer.running_var!.item<double>(), layer.num_batches_tracked!.item<long>()));
    }

    // The real package counts in the type of the layer, where one is given at construction.
    [Fact]
    public void BatchNorm_counts_batches_in_whole_numbers_unless_built_with_a_type()
    {
        Assert.Equal(ScalarType.Int64, BatchNorm2d(1).num_batches_tracked!.dtype);
        Assert.Equal(ScalarType.Int64, BatchNorm2d(1).to(ScalarType.Float64).num_batches_tracked!.dtype);
        Assert.Equal(ScalarType.Float64, BatchNorm2d(1, dtype: ScalarType.Float64).num_batches_tracked!.dtype);
    }

    [Fact]
    public void BatchNorm_keeps_only_what_it_is_told_to()
    {
        using var plain = BatchNorm2d(2, affine: false);
        Assert.Equal(["running_mean", "running_var", "num_batches_tracked"], plain.state_dict().Keys);
        using var stateless = BatchNorm2d(1, track_running_stats: false);
        Assert.Equal(["weight", "bias"], stateless.state_dict().Keys);
        stateless.eval();
        Assert.Equal(0, Doubles(stateless.call(arange(0, 4, ScalarType.Float32).reshape(1, 1, 2, 2))).Sum(), 5);
        Assert.Equal("expected 4D input, but got 3D input.", Assert.Throws<ArgumentException>(() => plain.call(ones(1, 2, 3))).Message);
        Assert.Equal("expected 2D or 3D input, but got 4D input.",
            Assert.Throws<ArgumentException>(() => BatchNorm1d(2).call(ones(1, 2, 3, 3))).Message);
    }

    [Fact]
    public void BatchNorm_leaves_nothing_in_the_scope_but_its_result()
    {
        using var layer = BatchNorm1d(2);
        using var scope = NewDisposeScope();
        var input = rand(3, 2);
        layer.call(input);
        Assert.Equal(2, scope.DisposablesCount);
    }

    [Fact]
    public void LayerNorm_and_GroupNorm_normalise_each_example()
    {
        using var layer = LayerNorm([4], dtype: ScalarType.Float64);
        Assert.Equal(["weight", "bias"], layer.state_dict().Keys);
        double expected = -1.5 / Math.Sqrt(1.25 + 1e-5);
        Assert.Equal(expected, Doubles(layer.call(Image))[0], 12);
        using var groups = GroupNorm(2, 4, dtype: ScalarType.Float64);
        Assert.Throws<ArgumentException>(() => groups.call(ones(1, 4, ScalarType.Float64)));
        // The real package leaves them uninitialised.
        init.ones_(groups.weight);
        init.zeros_(groups.bias);
        Assert.Equal(-0.5 / Math.Sqrt(0.25 + 1e-5), Doubles(groups.call(arange(0, 4, ScalarType.Float64).reshape(1, 4, 1)))[0], 12);
    }

    [Fact]
    public void Pooling_has_these_defaults()
    {
        using var max = MaxPool2d(2);
        Assert.Equal([2, 2], max.kernel_size);
        Assert.Equal([2, 2], max.stride);
        Assert.Equal([0, 0], max.padding);
        Assert.Equal([5.0, 7, 13, 15], Doubles(max.call(Image)));
        Assert.Equal([2.5, 4.5, 10.5, 12.5], Doubles(AvgPool2d(2).call(Image)));
        Assert.Equal([7.5], Doubles(AdaptiveAvgPool2d(1).call(Image)));
        Assert.Equal([3.5, 11.5], Doubles(AdaptiveAvgPool2d((2, 1)).call(Image)));
        Assert.Equal([1, 1, 2, 2], MaxPool2d(3, stride: 2, padding: 1).call(Image).shape);
        Assert.Equal([1, 1, 2, 2], AvgPool2d(3, stride: 2, padding: 1).call(Image).shape);
        Assert.Equal(9.0 / 9 + 1.0 / 9, Doubles(AvgPool2d(3, stride: 2, padding: 1).call(Image))[0], 12);
    }

    [Fact]
    public void Small_layers_return_tensors_of_their_own()
    {
        var input = ones(2, 3);
        foreach (var layer in new Module<Tensor, Tensor>[] { Identity(), Flatten(), ReLU(), ReLU(inplace: true), Dropout(0) })
            Assert.NotSame(input, layer.call(input));
        Assert.Equal([2, 3], Flatten().call(ones(2, 3, 1)).shape);
        Assert.Equal([6], Flatten(0).call(input).shape);
        Assert.Equal([2, 3, 1], Unflatten(1, [3, 1]).call(input).shape);
        Assert.Equal([1, 1, 4, 7], ZeroPad2d((1, 2, 0, 0)).call(Image).shape);
        Assert.Equal([1, 1, 6, 6], ZeroPad2d(1).call(Image).shape);
    }

    [Fact]
    public void Dropout_scales_what_it_keeps_and_does_nothing_in_evaluation()
    {
        using var layer = Dropout(0.5);
        Assert.Subset(new HashSet<double> { 0, 2 }, Doubles(layer.call(ones(100))).ToHashSet());
        layer.eval();
        Assert.All(Doubles(layer.call(ones(100))), value => Assert.Equal(1, value));
    }

    [Fact]
    public void Activations_follow_their_definitions()
    {
        double[] points = [-4, -0.5, 2, 7];
        var input = tensor(points);
        void Check(Module<Tensor, Tensor> layer, Func<double, double> expected) =>
            Assert.All(points.Zip(Doubles(layer.call(input))), pair => Assert.Equal(expected(pair.First), pair.Second, 12));
        double Sigma(double x) => 1 / (1 + Math.Exp(-x));
        Check(ReLU(), x => Math.Max(x, 0));
        Check(ReLU6(), x => Math.Clamp(x, 0, 6));
        Check(LeakyReLU(), x => x < 0 ? 0.01 * x : x);
        Check(LeakyReLU(0.2), x => x < 0 ? 0.2 * x : x);
        Check(Sigmoid(), Sigma);
        Check(torch.nn.Tanh(), Math.Tanh);
        Check(SiLU(), x => x * Sigma(x));
        Check(Hardsigmoid(), x => Math.Clamp(x / 6 + 0.5, 0, 1));
        Check(Hardswish(), x => x * Math.Clamp(x / 6 + 0.5, 0, 1));
        Check(Softplus(), x => Math.Log(1 + Math.Exp(x)));
        double total = points.Sum(Math.Exp);
        Check(Softmax(0), x => Math.Exp(x) / total);
        Check(LogSoftmax(0), x => x - Math.Log(total));
        Assert.Equal([-0.00012668496733247991, -0.15426876936299344], Doubles(GELU().call(input))[..2], Near);
    }

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-14;
}
