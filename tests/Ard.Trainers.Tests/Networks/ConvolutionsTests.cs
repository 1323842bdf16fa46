namespace Ard.Trainers.Tests.Networks;

public sealed class ConvolutionsTests
{
    [Theory]
    [InlineData("resnet18-4")]
    [InlineData("resnet-8-4")]
    [InlineData("preactresnet18-4-bn")]
    [InlineData("wideresnet-10-1")]
    [InlineData("mobilenetv2")]
    [InlineData("smallcnn-4-bn")]
    [InlineData("tinycnn-4-bn")]
    public void Folded_batch_normalisation_is_the_same_function_with_the_same_gradient(string name)
    {
        using var scope = NewDisposeScope();
        using var network = Evaluated(name);
        network.to(ScalarType.Float64);
        var images = Images(8).to(ScalarType.Float64);
        var (logits, gradient) = LogitsAndGradient(network, images);
        using var folded = new NormCalls(network);
        using var borrowed = ModelState.Borrow(network);
        var (foldedLogits, foldedGradient) = LogitsAndGradient(network, images);

        Assert.True(logits.allclose(foldedLogits, rtol: 1e-9, atol: 1e-11));
        Assert.True(gradient.allclose(foldedGradient, rtol: 1e-8, atol: 1e-11));
        Assert.True(folded.Calls < folded.Layers);
    }

    [Fact]
    public void Weights_may_change_before_and_after_but_not_within()
    {
        using var scope = NewDisposeScope();
        using var network = Evaluated("tinycnn-4-bn");
        using var noGradient = no_grad();
        using var calls = new NormCalls(network);
        var images = Images(8);
        var first = Borrowed();
        Assert.Equal(0, calls.Calls);
        foreach (var parameter in network.parameters()) parameter.mul_(1.5);
        var plain = network.call(images);
        Assert.Equal(calls.Layers, calls.Calls);
        Assert.False(first.allclose(plain));
        Assert.True(plain.allclose(Borrowed(), rtol: 1e-4, atol: 1e-5));

        // Two who have borrowed it at once, of whom one gives it back.
        using var outer = ModelState.Borrow(network);
        Compare.Same(Borrowed(), Borrowed(), "logits");
        network.call(images);
        Assert.Equal(calls.Layers, calls.Calls);

        Tensor Borrowed()
        {
            using var borrowed = ModelState.Borrow(network);
            return network.call(images);
        }
    }

    [Fact]
    public void In_train_mode_and_where_its_parameters_learn_nothing_is_folded()
    {
        using var scope = NewDisposeScope();
        using var network = Evaluated("tinycnn-4-bn");
        using var calls = new NormCalls(network);
        using var folded = FoldedNorm.Fold(network);
        network.call(Images(8));
        Assert.Equal(3, calls.Calls);

        using var noGradient = no_grad();
        var before = network.call(Images(8));
        Assert.Equal(3, calls.Calls);
        // A network that learns all the same, as some do that adapt themselves to what they are shown.
        network.train();
        var mean = network.state_dict()["net.1.running_mean"].clone();
        network.call(Images(8));
        Assert.Equal(6, calls.Calls);
        Assert.False(mean.allclose(network.state_dict()["net.1.running_mean"]));

        network.eval();
        var after = network.call(Images(8));
        Assert.Equal(6, calls.Calls);
        Assert.False(before.allclose(after));
        folded.Dispose();
        Assert.True(after.allclose(network.call(Images(8)), rtol: 1e-4, atol: 1e-5));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Channels_lie_side_by_side_in_eval_mode_in_float32_and_as_planes_otherwise(int channels)
    {
        using var scope = NewDisposeScope();
        using var network = (NetworkSpec.Parse("tinycnn-4") with { InputChannels = channels, ImageSize = 8 }).Build(1);
        var found = Array.Empty<long>();
        network.modules().OfType<Conv2d>().First().register_forward_pre_hook((_, input) =>
        {
            found = input.stride();
            return input;
        });
        var images = zeros(2, channels, 8, 8);
        network.eval();
        network.call(images);
        Assert.Equal([64L * channels, 1, 8 * channels, channels], found);
        network.train();
        network.call(images);
        Assert.Equal([64L * channels, 64, 8, 1], found);
        network.eval();
        network.to(ScalarType.Float64);
        network.call(images.to(ScalarType.Float64));
        Assert.Equal([64L * channels, 64, 8, 1], found);
    }

    [Fact]
    public void A_network_that_a_module_changes_in_its_forward_is_not_folded()
    {
        using var scope = NewDisposeScope();
        using var adapting = new Adapting(Evaluated("tinycnn-4-bn"));
        var (first, second) = (Images(8), Images(4) + 1);
        adapting.call(first);
        var expected = adapting.call(second);
        using var borrowed = ModelState.Borrow(adapting);
        adapting.call(first);
        Compare.Same(expected, adapting.call(second), "logits");
    }

    // The statistics of its first layer become the mean of what it is shown.
    private sealed class Adapting : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> inner;

        public Adapting(Module<Tensor, Tensor> inner) : base(nameof(Adapting))
        {
            this.inner = inner;
            RegisterComponents();
        }

        public override Tensor forward(Tensor images)
        {
            using var noGradient = no_grad();
            inner.modules().OfType<BatchNorm2d>().First().running_mean!.copy_(images.mean());
            return inner.call(images);
        }
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(null)]
    public void Batch_normalisation_in_train_mode_is_the_layers_own_and_counts_once(double? momentum)
    {
        using var scope = NewDisposeScope();
        using var norm = BatchNorm2d(3);
        using var own = BatchNorm2d(3);
        (norm.momentum, own.momentum) = (momentum, momentum);
        foreach (var images in new[] { Images(4), Images(4) + 1 })
        {
            Compare.Same(own.call(images), images.Then(norm), "output");
            foreach (var (name, value) in own.state_dict()) Compare.Same(value, norm.state_dict()[name], name);
        }
        Assert.Equal(2, norm.num_batches_tracked!.to(ScalarType.Int64).item<long>());
        Assert.Equal(momentum, norm.momentum);
        // An error leaves the counter where it was.
        Assert.ThrowsAny<Exception>(() => zeros(2, 5, 4, 4).Then(norm));
        Assert.NotNull(norm.num_batches_tracked);
    }

    // Eval mode, with running statistics, scales and shifts that are not those of the beginning.
    private static Module<Tensor, Tensor> Evaluated(string name)
    {
        var network = NetworkSpec.Parse(name).Build(1);
        foreach (var norm in network.modules().OfType<BatchNorm2d>()) Shake(norm);
        network.eval();
        return network;
    }

    private static void Shake(BatchNorm2d norm)
    {
        using var noGradient = no_grad();
        norm.running_mean!.normal_(0, 0.2);
        norm.running_var!.uniform_(0.5, 2);
        norm.weight!.uniform_(0.5, 2);
        norm.bias!.normal_(0, 0.2);
    }

    private static Tensor Images(int count)
    {
        using var generator = new Generator(3);
        return rand([count, 3, 32, 32], generator: generator);
    }

    private static (Tensor Logits, Tensor Gradient) LogitsAndGradient(Module<Tensor, Tensor> network, Tensor images)
    {
        var leaf = images.clone().requires_grad_();
        var logits = network.call(leaf);
        return (logits.detach(), autograd.grad([logits.square().sum()], [leaf])[0]);
    }

    /// <summary>How often batch normalisation is computed as a layer of its own.</summary>
    private sealed class NormCalls : IDisposable
    {
        private readonly List<IDisposable> hooks = [];

        public NormCalls(Module network)
        {
            foreach (var norm in network.modules().OfType<BatchNorm2d>())
            {
                Layers++;
                var hook = norm.register_forward_hook(_ => Calls++);
                hooks.Add(new Remover(hook.remove));
            }
        }

        public int Layers { get; }

        public int Calls { get; private set; }

        public void Dispose() => hooks.ForEach(hook => hook.Dispose());

        private sealed class Remover(Action remove) : IDisposable
        {
            public void Dispose() => remove();
        }
    }
}
