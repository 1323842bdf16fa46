using Ard.Trainers.Networks;
using Ard.Trainers.Tests.Fixtures;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Tests.Networks;

/// <summary>Against the layer itself in float64.</summary>
public sealed class BatchNormalisationTests
{
    [Theory]
    [InlineData(64, 3, 17, 0.1)]
    [InlineData(32, 48, 32, 0.3)]
    [InlineData(16, 5, 1, 0.1)]
    [InlineData(8, 7, 2, null)]
    public void Output_gradients_and_running_statistics_are_the_layers(int images, int channels, int side, double? momentum)
    {
        using var scope = NewDisposeScope();
        using var norm = Layer(channels, momentum);
        using var exact = Layer(channels, momentum);
        exact.to(ScalarType.Float64);
        using var calls = new Calls(norm);
        for (var batch = 0; batch < 3; batch++)
        {
            var input = Input(images, channels, side, mean: 1.5);
            var (expected, expectedGradients) = Pass(exact, exact.call, input.to(ScalarType.Float64));
            var (found, gradients) = Pass(norm, norm.Normalise, SideBySide(input));

            Compare.Close(expected, found, 3e-6, "output");
            foreach (var (name, e, f) in expectedGradients.Zip(gradients, (e, f) => (e.Name, e.Gradient, f.Gradient)))
                Compare.Close(e, f, 3e-6, $"gradient of {name}");
        }
        Compare.Close(exact.running_mean!, norm.running_mean!, 1e-6, "running mean");
        Compare.Close(exact.running_var!, norm.running_var!, 3e-6, "running variance");
        Assert.Equal(3, norm.num_batches_tracked!.to(ScalarType.Int64).item<long>());
        Assert.Equal(0, calls.Count);
    }

    [Fact]
    public void Second_derivatives_are_the_layers()
    {
        using var scope = NewDisposeScope();
        using var norm = Layer(3, 0.1);
        using var exact = Layer(3, 0.1);
        exact.to(ScalarType.Float64);
        var input = Input(4, 3, 3, mean: 1);
        foreach (var (expected, found) in Penalty(exact, exact.call, input.to(ScalarType.Float64)).Zip(
            Penalty(norm, norm.Normalise, SideBySide(input))))
            Compare.Close(expected, found, 1e-4, "gradient of a penalty on the gradient");

        static IList<Tensor> Penalty(BatchNorm2d norm, Func<Tensor, Tensor> normalise, Tensor input)
        {
            var leaf = input.detach().requires_grad_();
            var gradient = autograd.grad([normalise(leaf).pow(3).sum()], [leaf], retain_graph: true, create_graph: true)[0];
            return autograd.grad([gradient.square().sum()], [leaf, norm.weight!]);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(0, 3)]
    public void Less_than_two_values_a_channel_are_the_layers_own(int images, int side)
    {
        using var scope = NewDisposeScope();
        using var norm = Layer(4, 0.1);
        using var calls = new Calls(norm);
        norm.Normalise(zeros(images, side, side, 4).permute(0, 3, 1, 2));
        Assert.Equal(1, calls.Count);
    }

    [Fact]
    public void Statistics_have_the_digits_of_float32()
    {
        using var scope = NewDisposeScope();
        using var norm = Layer(32, 1);
        using var own = Layer(32, 1);
        using var exact = Layer(32, 1);
        exact.to(ScalarType.Float64);
        var input = Input(32, 32, 32, mean: 2);
        exact.call(input.to(ScalarType.Float64));
        norm.Normalise(SideBySide(input));
        Compare.Close(exact.running_mean!, norm.running_mean!, 3e-7, "mean");
        Compare.Close(exact.running_var!, norm.running_var!, 1e-6, "variance");
    }

    [Fact]
    public void A_mean_far_above_the_deviation_is_left_to_the_layer()
    {
        using var scope = NewDisposeScope();
        using var norm = Layer(4, 0.1);
        using var exact = Layer(4, 0.1);
        exact.to(ScalarType.Float64);
        using var calls = new Calls(norm);
        var input = Input(16, 4, 8, mean: 0);
        input.select(1, 2).add_(1000);
        var (expected, expectedGradients) = Pass(exact, exact.call, input.to(ScalarType.Float64));
        var (found, gradients) = Pass(norm, norm.Normalise, SideBySide(input));

        Assert.Equal(1, calls.Count);
        Compare.Close(expected, found, 1e-4, "output");
        Compare.Close(expectedGradients[0].Gradient, gradients[0].Gradient, 1e-4, "gradient");
        Compare.Close(exact.running_var!, norm.running_var!, 1e-5, "running variance");
        Assert.Equal(1, norm.num_batches_tracked!.to(ScalarType.Int64).item<long>());
    }

    [Fact]
    public void A_channel_that_is_constant_gives_its_shift()
    {
        using var scope = NewDisposeScope();
        using var norm = Layer(4, 0.1);
        var input = Input(16, 4, 8, mean: 0);
        input.select(1, 2).zero_();
        input.select(1, 3).fill_(3);
        var output = norm.Normalise(SideBySide(input)).detach();
        foreach (var channel in new[] { 2, 3 })
            Assert.True(output.select(1, channel).allclose(norm.bias!.detach()[channel], rtol: 0, atol: 1e-3));
    }

    [Fact]
    public void Planes_float64_eval_mode_and_layers_without_statistics_are_the_layers_own()
    {
        using var scope = NewDisposeScope();
        using var norm = Layer(4, 0.1);
        using var calls = new Calls(norm);
        var input = Input(8, 4, 8, mean: 0);
        norm.Normalise(input);
        Assert.Equal(1, calls.Count);
        norm.eval();
        norm.Normalise(SideBySide(input));
        Assert.Equal(2, calls.Count);
        norm.train();
        norm.to(ScalarType.Float64);
        norm.Normalise(SideBySide(input.to(ScalarType.Float64)));
        Assert.Equal(3, calls.Count);

        using var bare = BatchNorm2d(4, track_running_stats: false);
        using var bareCalls = new Calls(bare);
        bare.Normalise(SideBySide(input));
        Assert.Equal(1, bareCalls.Count);
    }

    // One layer for both sides, of the same scales and shifts.
    private static BatchNorm2d Layer(int channels, double? momentum)
    {
        var norm = BatchNorm2d(channels);
        norm.momentum = momentum;
        using var generator = new Generator(1);
        using var noGradient = no_grad();
        norm.weight!.copy_(rand(channels, generator: generator) + 0.5);
        norm.bias!.copy_(randn(channels, generator: generator));
        return norm;
    }

    private static Tensor Input(int images, int channels, int side, double mean)
    {
        using var generator = new Generator(2);
        return randn([images, channels, side, side], generator: generator)
            * rand([1, channels, 1, 1], generator: generator).add(0.5) + mean;
    }

    private static Tensor SideBySide(Tensor input) => input.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    private static (Tensor Output, (string Name, Tensor Gradient)[] Gradients) Pass(
        BatchNorm2d norm, Func<Tensor, Tensor> normalise, Tensor input)
    {
        var leaf = input.detach().requires_grad_();
        var output = normalise(leaf);
        // A loss with gradients of all sizes, which depends on the output in more than its mean and square.
        var weights = arange(output.numel(), dtype: ScalarType.Float64).view(output.shape).mul(0.37).sin().to(output.dtype);
        var (names, variables) = norm.weight!.requires_grad
            ? (new[] { "input", "weight", "bias" }, new[] { leaf, norm.weight!, norm.bias! })
            : (["input"], [leaf]);
        var gradients = autograd.grad([(weights * output + output.pow(3) * 0.1).sum()], variables);
        return (output.detach(), [.. names.Zip(gradients)]);
    }

    private sealed class Calls : IDisposable
    {
        private readonly Action remove;

        public Calls(BatchNorm2d norm) => remove = norm.register_forward_hook(_ => Count++).remove;

        public int Count { get; private set; }

        public void Dispose() => remove();
    }
}
