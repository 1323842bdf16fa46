using Ard.Tests;
using Ard.Trainers.Networks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Tests.Networks;

public sealed class PreparedWeightsTests
{
    private static readonly Module<Tensor, Tensor> Layer = Linear(3, 2);

    [Fact]
    public void Who_keeps_them_has_them_made_once_for_each_layer_and_others_each_time()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var other = Linear(3, 2);
        using var weights = new PreparedWeights();
        Assert.Equal([1, 2], Made(Layer, Layer));
        using (weights.Keep()) Assert.Equal([3, 3, 4, 4, 3], Made(Layer, Layer, other, other, Layer));
        Assert.Equal([5], Made(Layer));
        using (weights.Keep()) Assert.Equal([3], Made(Layer));
        using (enable_grad())
        using (weights.Keep()) Assert.Equal([6], Made(Layer));
    }

    [Fact]
    public void Those_of_another_type_are_made_anew()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var weights = new PreparedWeights();
        using var kept = weights.Keep();
        foreach (var type in new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.Float64 })
        {
            var like = zeros(1, type);
            Assert.Equal(type, PreparedWeights.Of(Layer, like, () => (ones_like(like), ones_like(like))).Weight.dtype);
        }
    }

    [Fact]
    public void What_is_kept_outlives_the_scopes_of_the_calls_and_is_freed_with_it()
    {
        using var noGradient = no_grad();
        var weights = new PreparedWeights();
        Tensor weight, bias;
        using (NewDisposeScope())
        using (weights.Keep()) (weight, bias) = PreparedWeights.Of(Layer, ones(1), () => (ones(1), ones(1)));
        Assert.Equal(1, weight.item<float>() * bias.item<float>());
        weights.Dispose();
        Assert.True(weight.IsInvalid && bias.IsInvalid);
    }

    [Fact]
    public void A_network_computes_with_what_is_kept_and_else_with_its_weights_as_they_are()
    {
        using var scope = NewDisposeScope();
        using var threads = new TwoThreads();
        using var noGradient = no_grad();
        using var firstOrder = FirstOrder.Use();
        using var network = NetworkSpec.Parse("smallcnn-8").Build(3);
        network.eval();
        var images = rand([256, 3, 32, 32], generator: new Generator(1));
        var isPrepared = OneDnn.LayoutFault is null;
        using var weights = new PreparedWeights();
        using (weights.Keep())
        {
            var expected = network.call(images);
            var weight = network.modules().OfType<TorchSharp.Modules.Linear>().First().weight;
            weight.mul_(2);
            Assert.Equal(isPrepared, network.call(images).allclose(expected, rtol: 1e-5, atol: 1e-6));
            weight.div_(2);
            Assert.True(network.call(images).allclose(expected, rtol: 1e-5, atol: 1e-6));
            weight.mul_(2);
        }
        var changed = network.call(images);
        network.to(ScalarType.Float64);
        Assert.True(changed.to(ScalarType.Float64).allclose(network.call(images.to(ScalarType.Float64)), rtol: 1e-4, atol: 1e-5));
    }

    // Counted over the test.
    private int made;

    private List<int> Made(params Module<Tensor, Tensor>[] layers) =>
        [.. layers.Select(layer => (int)PreparedWeights.Of(layer, zeros(1), () => (tensor((float)++made), zeros(1))).Weight.item<float>())];
}
