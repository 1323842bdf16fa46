using System.Runtime.InteropServices;
using Ard.Tests;
using Ard.Trainers.Attacks;
using Ard.Trainers.Networks;
using Ard.Trainers.Tests.Fixtures;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Tests.Networks;

public sealed class BlockedLayoutTests
{
    [LayoutFact]
    public void It_is_for_many_float32_images_on_the_CPU_where_first_derivatives_are_enough()
    {
        using var scope = NewDisposeScope();
        var images = rand(16, 3, 8, 8);
        Assert.False(BlockedLayout.Suits(images));
        using (FirstOrder.Use())
        {
            Assert.True(BlockedLayout.Suits(images));
            Assert.False(BlockedLayout.Suits(images.narrow(0, 0, 15)));
            Assert.False(BlockedLayout.Suits(images.to(ScalarType.Float64)));
            AppContext.SetSwitch(BlockedLayout.Switch, false);
            Assert.False(BlockedLayout.Suits(images));
            AppContext.SetSwitch(BlockedLayout.Switch, true);
            Assert.True(BlockedLayout.Suits(images));
        }
        Assert.False(BlockedLayout.Suits(images));
    }

    [LayoutTheory]
    [InlineData("resnet18-8", true)]
    [InlineData("resnet18-8", false)]
    [InlineData("preactresnet18-8-bn", true)]
    [InlineData("preactresnet18-8-bn", false)]
    [InlineData("wideresnet-10-1", false)]
    [InlineData("mobilenetv2", false)]
    [InlineData("smallcnn-8", false)]
    [InlineData("smallcnn-8-bn", true)]
    [InlineData("tinycnn-8", false)]
    [InlineData("tinycnn-8-bn", true)]
    public void Logits_gradient_and_statistics_are_those_of_float64(string name, bool train)
    {
        using var scope = NewDisposeScope();
        using var network = NetworkSpec.Parse(name).Build(3);
        using var exact = NetworkSpec.Parse(name).Build(3);
        exact.to(ScalarType.Float64);
        var (images, labels) = (rand([24, 3, 32, 32], generator: new Generator(1)), arange(24) % 10);
        foreach (var one in new[] { network, exact })
        {
            one.train(train);
            foreach (var parameter in one.parameters()) parameter.requires_grad = false;
        }

        using var seen = new LayersSeen(network);
        var (logits, gradient) = Attacked(network, images, labels);
        Assert.True(seen.Any && seen.AllBlocked);
        var (expected, expectedGradient) = Attacked(exact, images.to(ScalarType.Float64), labels);
        Compare.Close(expected, logits, 1e-4, "logits");
        // Some units of float32 are on the other side of zero, and some images with them.
        var off = (gradient.to(ScalarType.Float64) - expectedGradient).flatten(1).norm(1) / expectedGradient.flatten(1).norm(1);
        Assert.InRange(off.median().item<double>(), 0, 0.02);
        foreach (var (key, value) in exact.state_dict())
        {
            if (key.Contains("running")) Compare.Close(value, network.state_dict()[key], 1e-4, key, absolute: 1e-6);
        }
        foreach (var (key, buffer) in network.named_buffers())
        {
            if (key.EndsWith("num_batches_tracked", StringComparison.Ordinal)) Assert.Equal(train ? 1 : 0, buffer.item<long>());
        }
    }

    [LayoutTheory]
    [InlineData("smallcnn-8", 255, false)]
    [InlineData("smallcnn-1", 256, false)]
    [InlineData("smallcnn-8", 256, true)]
    [InlineData("smallcnn-8-bn", 700, true)]
    [InlineData("tinycnn-4-bn", 256, true)]
    public void A_large_linear_layer_of_many_images_is_a_convolution_and_the_logits_are_those_of_float64(
        string name, int count, bool convolution)
    {
        using var scope = NewDisposeScope();
        using var threads = new TwoThreads();
        using var noGradient = no_grad();
        using var firstOrder = FirstOrder.Use();
        using var network = NetworkSpec.Parse(name).Build(3);
        network.eval();
        var images = rand([count, 3, 32, 32], generator: new Generator(1));
        Tensor logits;
        var linear = network.modules().OfType<Linear>().ToArray();
        using (var seen = new LayersSeen(linear))
        {
            logits = network.call(images);
            Assert.Equal(linear.Length - (convolution ? 1 : 0), seen.Count);
        }
        network.to(ScalarType.Float64);
        Compare.Close(network.call(images.to(ScalarType.Float64)), logits, 1e-4, "logits", absolute: 1e-6);
    }

    [Fact]
    public void Batch_normalisation_that_is_frozen_within_a_network_in_train_mode_has_its_gradient()
    {
        using var scope = NewDisposeScope();
        using var network = NetworkSpec.Parse("preactresnet18-8-bn").Build(3);
        using var exact = NetworkSpec.Parse("preactresnet18-8-bn").Build(3);
        exact.to(ScalarType.Float64);
        foreach (var one in new[] { network, exact })
        {
            one.train();
            foreach (var norm in one.modules().OfType<BatchNorm2d>()) norm.eval();
        }
        var (images, labels) = (rand([16, 3, 32, 32], generator: new Generator(1)), arange(16) % 10);
        var (logits, gradient) = Attacked(network, images, labels);
        var (expected, expectedGradient) = Attacked(exact, images.to(ScalarType.Float64), labels);
        Compare.Close(expected, logits, 1e-4, "logits");
        Compare.Close(expectedGradient, gradient, 1e-2, "gradient");
    }

    [Theory]
    [InlineData("wideresnet-10-1")]
    [InlineData("mobilenetv2")]
    public void Networks_whose_statistics_would_lose_too_much_stay_dense_in_train_mode(string name)
    {
        using var scope = NewDisposeScope();
        using var network = NetworkSpec.Parse(name).Build(3);
        using var seen = new LayersSeen(network);
        network.train();
        Attacked(network, rand(16, 3, 32, 32), zeros([16], ScalarType.Int64));
        Assert.True(seen.Any && seen.NoneBlocked);
    }

    [Fact]
    public void A_network_that_is_called_directly_has_second_derivatives_and_layers_that_can_be_read()
    {
        using var scope = NewDisposeScope();
        using var network = NetworkSpec.Parse("resnet18-8").Build(3);
        using var seen = new LayersSeen(network);
        foreach (var parameter in network.parameters()) parameter.requires_grad = false;
        var leaf = rand([16, 3, 32, 32], requires_grad: true);
        var gradient = autograd.grad([network.call(leaf).square().sum()], [leaf], retain_graph: true, create_graph: true)[0];
        Assert.True(autograd.grad([gradient.square().sum()], [leaf])[0].abs().sum().item<float>() > 0);
        Assert.True(seen.Any && seen.NoneBlocked);
    }

    [LayoutFact]
    public void A_network_that_a_hook_of_another_calls_has_its_own_layout()
    {
        using var scope = NewDisposeScope();
        using var network = NetworkSpec.Parse("resnet18-8").Build(3);
        using var other = NetworkSpec.Parse("preactresnet18-8-bn").Build(4);
        network.eval();
        other.eval();
        var images = rand(16, 3, 32, 32);
        var hook = network.modules().OfType<Block>().First().register_forward_hook((_, _, output) =>
        {
            other.call(images.narrow(0, 0, 8)).Dispose(); // Too few for this layout.
            return output;
        });
        using var firstOrder = FirstOrder.Use();
        using var seen = new LayersSeen(network);
        using var otherSeen = new LayersSeen(other);
        network.call(images);
        hook.remove();
        Assert.True(seen.Any && seen.AllBlocked);
        Assert.True(otherSeen.Any && otherSeen.NoneBlocked);
    }

    private static (Tensor Logits, Tensor Gradient) Attacked(Module<Tensor, Tensor> network, Tensor images, Tensor labels)
    {
        Tensor? logits = null;
        var gradient = Pgd.Gradient(points => functional.cross_entropy(logits = network.call(points), labels), images);
        return (logits!.detach(), gradient);
    }

    private sealed class LayoutFactAttribute : FactAttribute
    {
        public LayoutFactAttribute() => Skip = OneDnn.LayoutFault;
    }

    private sealed class LayoutTheoryAttribute : TheoryAttribute
    {
        public LayoutTheoryAttribute() => Skip = OneDnn.LayoutFault;
    }

    /// <summary>Whether what layers give to one another can be read.</summary>
    private sealed class LayersSeen : IDisposable
    {
        private readonly List<Action> removals = [];
        private int blocked, dense;

        public LayersSeen(Module network) : this(BlocksOrConvolutions(network))
        {
        }

        public LayersSeen(IEnumerable<Module<Tensor, Tensor>> layers)
        {
            foreach (var layer in layers)
            {
                var hook = layer.register_forward_hook((_, _, output) =>
                {
                    if (CanBeRead(output)) dense++;
                    else blocked++;
                    return output;
                });
                removals.Add(hook.remove);
            }
        }

        public int Count => blocked + dense;

        public bool Any => Count > 0;

        public bool AllBlocked => dense == 0;

        public bool NoneBlocked => blocked == 0;

        public void Dispose() => removals.ForEach(remove => remove());

        private static IEnumerable<Module<Tensor, Tensor>> BlocksOrConvolutions(Module network)
        {
            IEnumerable<Module<Tensor, Tensor>> blocks = network.modules().OfType<Block>();
            return blocks.Any() ? blocks : network.modules().OfType<Conv2d>();
        }

        private static bool CanBeRead(Tensor output)
        {
            try
            {
                output.detach().flatten()[0].item<float>();
                return true;
            }
            catch (ExternalException)
            {
                return false;
            }
        }
    }
}
