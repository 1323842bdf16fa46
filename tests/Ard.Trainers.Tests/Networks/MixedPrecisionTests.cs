namespace Ard.Trainers.Tests.Networks;

public sealed class MixedPrecisionTests
{
    [Theory]
    [InlineData("resnet18-4", true)]
    [InlineData("resnet18-4", false)]
    [InlineData("resnet-8-4", true)]
    [InlineData("preactresnet18-4-bn", true)]
    [InlineData("wideresnet-10-1", true)]
    [InlineData("mobilenetv2", false)]
    [InlineData("smallcnn-4-bn", true)]
    [InlineData("tinycnn-4", false)]
    public void Logits_and_gradients_are_those_of_full_precision_to_the_digits_of_bfloat16(string name, bool train)
    {
        using var scope = NewDisposeScope();
        using var network = NetworkSpec.Parse(name).Build(1);
        if (!train) network.eval();
        using var generator = new Generator(3);
        var images = rand([16, 3, 32, 32], generator: generator);
        var full = LogitsAndGradients();
        Tensor[] mixed;
        using (MixedPrecision.Use(true)) mixed = LogitsAndGradients();

        // The logits, the gradients of all parameters together, the gradient of the images.
        foreach (var (expected, found) in full.Zip(mixed))
        {
            Assert.Equal(ScalarType.Float32, found.dtype);
            Assert.True(Cosine(expected, found) > 0.9, $"{Cosine(expected, found)}");
            Assert.False(expected.eq(found).all().item<bool>());
        }
        Assert.InRange(Cosine(full[0], mixed[0]), 0.999, 1.001);
        Assert.True(full[0].eq(LogitsAndGradients()[0]).all().item<bool>());

        Tensor[] LogitsAndGradients()
        {
            network.zero_grad();
            var leaf = images.clone().requires_grad_();
            var logits = network.call(leaf);
            logits.square().sum().backward();
            return [logits.detach(), cat([.. network.parameters().Select(parameter => parameter.grad!.flatten())], 0), leaf.grad!.clone()];
        }

        static double Cosine(Tensor a, Tensor b) =>
            nn.functional.cosine_similarity(a.reshape(1, -1), b.reshape(1, -1)).item<float>();
    }

    [Fact]
    public void Double_precision_stays_double()
    {
        using var scope = NewDisposeScope();
        using var network = NetworkSpec.Parse("tinycnn-4-bn").Build(1);
        network.to(ScalarType.Float64);
        var images = rand([2, 3, 32, 32], ScalarType.Float64);
        var full = network.call(images);
        using var mixed = MixedPrecision.Use(true);
        Assert.True(full.eq(network.call(images)).all().item<bool>());
    }

    [Fact]
    public void It_ends_with_its_scope_and_is_the_thread_s_own()
    {
        using var scope = NewDisposeScope();
        var images = rand(2, 3, 32, 32);
        using (MixedPrecision.Use(true))
        {
            Assert.Equal(ScalarType.BFloat16, MixedPrecision.Reduced(images).dtype);
            using (MixedPrecision.Use(false)) Assert.Equal(ScalarType.Float32, MixedPrecision.Reduced(images).dtype);
            Assert.Equal(ScalarType.BFloat16, MixedPrecision.Reduced(images).dtype);
            var elsewhere = ScalarType.Byte;
            var thread = new Thread(() => elsewhere = MixedPrecision.Reduced(images).dtype);
            thread.Start();
            thread.Join();
            Assert.Equal(ScalarType.Float32, elsewhere);
        }
        Assert.Equal(ScalarType.Float32, MixedPrecision.Reduced(images).dtype);
    }
}
