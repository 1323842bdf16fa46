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

    [Theory]
    [InlineData("smallcnn-8")]
    [InlineData("tinycnn-8-bn")]
    [InlineData("resnet-8-4")]
    public void Networks_that_keep_them_have_the_same_logits_also_after_a_change_of_type(string name)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var firstOrder = FirstOrder.Use();
        using var network = NetworkSpec.Parse(name).Build(3);
        network.eval();
        var images = rand([256, 3, 32, 32], generator: new Generator(1));
        var expected = network.call(images);
        using var weights = new PreparedWeights();
        using var kept = weights.Keep();
        for (var pass = 0; pass < 2; pass++) Assert.True(network.call(images).allclose(expected, rtol: 1e-5, atol: 1e-6));
        network.to(ScalarType.Float64);
        Assert.True(network.call(images.to(ScalarType.Float64)).allclose(expected.to(ScalarType.Float64), rtol: 1e-4, atol: 1e-5));
    }

    // Counted over the test.
    private int made;

    private List<int> Made(params Module<Tensor, Tensor>[] layers) =>
        [.. layers.Select(layer => (int)PreparedWeights.Of(layer, zeros(1), () => (tensor((float)++made), zeros(1))).Weight.item<float>())];
}
