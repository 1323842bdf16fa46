namespace Ard.Trainers.Tests.Networks;

// Others may draw from the global random state, so these tests run when no other does.
[Collection("global random state")]
public sealed class InitialisationTests
{
    public static TheoryData<string> Architectures =>
        ["resnet18-4", "resnet8-4", "preactresnet18-4-bn", "wideresnet-10-1-sub_block1", "mobilenetv2", "smallcnn-4", "tinycnn-4-bn"];

    [Theory]
    [MemberData(nameof(Architectures))]
    public void The_same_seed_gives_the_same_bits_and_another_seed_others(string name)
    {
        var spec = NetworkSpec.Parse(name);
        using var first = spec.Build(seed: 5);
        using var second = spec.Build(seed: 5);
        using var other = spec.Build(seed: 6);
        Assert.True(SameBits(first, second));
        Assert.False(SameBits(first, other));
    }

    [Fact]
    public void The_global_random_state_is_left_as_found_also_when_the_construction_fails()
    {
        using var before = get_rng_state();
        using var network = NetworkSpec.Parse("wideresnet-10-1").Build(seed: 5);
        Assert.Throws<InvalidOperationException>(() => Initialisation.Seeded<Module>(5, () =>
        {
            using var drawn = rand(3);
            throw new InvalidOperationException();
        }));
        using var after = get_rng_state();
        Assert.True(before.bytes.SequenceEqual(after.bytes));
    }

    [Fact]
    public void A_users_own_factory_is_seeded_the_same_way()
    {
        using var first = Initialisation.Seeded(9, () => Sequential(Linear(4, 3), ReLU(), Linear(3, 2)));
        using var second = Initialisation.Seeded(9, () => Sequential(Linear(4, 3), ReLU(), Linear(3, 2)));
        Assert.True(SameBits(first, second));
    }

    [Fact]
    public void A_network_built_inside_a_dispose_scope_outlives_it()
    {
        var spec = NetworkSpec.Parse("wideresnet-10-1") with { Mean = [0, 0, 0], Std = [1, 1, 1] };
        Module<Tensor, Tensor> network;
        using (NewDisposeScope()) network = spec.Build(seed: 5);
        using var scope = NewDisposeScope();
        Assert.Equal([1, 10], network.call(zeros(1, 3, 32, 32)).shape);
        network.Dispose();
    }

    [Fact]
    public void Weights_start_with_the_spread_that_the_definitions_name()
    {
        using var scope = NewDisposeScope();
        using var wide = NetworkSpec.Parse("wideresnet-10-4").Build(seed: 5);
        // N(0, 2/(9 * 256)) for 256 output channels; PyTorch's own would be half the variance by fan-in, 1/(3 * 9 * 128).
        Assert.Equal(Math.Sqrt(2.0 / (9 * 256)), Deviation(wide, "block3.layer.0.conv1.weight"), 3e-4);
        Assert.Equal(0, wide.get_parameter("fc.bias")!.abs().max().item<float>());

        using var thin = NetworkSpec.Parse("resnet-20").Build(seed: 5);
        // He: 2/fan-in.
        Assert.Equal(Math.Sqrt(2.0 / (9 * 64)), Deviation(thin, "layer3.2.conv2.weight"), 6e-4);

        using var resnet = NetworkSpec.Parse("resnet18-16").Build(seed: 5);
        // PyTorch's default, uniform within 1/sqrt(fan-in): variance 1/(3 fan-in).
        var bound = 1 / Math.Sqrt(9 * 128);
        Assert.Equal(bound / Math.Sqrt(3), Deviation(resnet, "layer4.1.conv2.weight"), 2e-4);
        Assert.InRange(resnet.get_parameter("layer4.1.conv2.weight")!.abs().max().item<float>(), 0.99 * bound, bound);
    }

    private static double Deviation(Module network, string name) => network.get_parameter(name)!.std().item<float>();

    private static bool SameBits(Module first, Module second)
    {
        var others = second.state_dict();
        return first.state_dict().All(pair => pair.Value.bytes.SequenceEqual(others[pair.Key].bytes));
    }
}
