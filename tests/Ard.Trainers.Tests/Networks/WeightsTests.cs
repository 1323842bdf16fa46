namespace Ard.Trainers.Tests.Networks;

public sealed class WeightsTests
{
    [Fact]
    public void A_copy_computes_the_same_and_shares_nothing()
    {
        using var scope = NewDisposeScope();
        using var source = NetworkSpec.Parse("resnet8-4").Build(seed: 1);
        using var target = NetworkSpec.Parse("resnet8-4").Build(seed: 2);
        var images = rand(2, 3, 32, 32, generator: new Generator(3));
        source.call(images);    // moves the running statistics, which are part of the copy
        Weights.Copy(source, target);
        source.eval();
        target.eval();
        var expected = source.call(images).data<float>().ToArray();
        Assert.Equal(expected, target.call(images).data<float>().ToArray());
        using (no_grad()) source.get_parameter("linear.bias")!.add_(1);
        Assert.Equal(expected, target.call(images).data<float>().ToArray());
    }

    [Fact]
    public void Tensors_under_a_prefix_and_of_another_dtype_are_loaded()
    {
        using var scope = NewDisposeScope();
        using var source = NetworkSpec.Parse("tinycnn-4-bn").Build(seed: 1);
        using var target = NetworkSpec.Parse("tinycnn-4-bn").Build(seed: 2);
        var tensors = source.state_dict().ToDictionary(pair => $"module.{pair.Key}", pair => pair.Value.to(ScalarType.Float64));
        tensors["epoch"] = tensor(3);
        Weights.Load(target, tensors, "module.");
        var (expected, found) = (source.get_parameter("net.0.weight")!, target.get_parameter("net.0.weight")!);
        Assert.Equal(expected.data<float>().ToArray(), found.data<float>().ToArray());
        Assert.Equal(ScalarType.Float32, found.dtype);
        Assert.True(found.requires_grad);
    }

    [Fact]
    public void Checkpoints_without_batch_counters_are_loaded_with_the_counters_at_zero()
    {
        using var scope = NewDisposeScope();
        using var network = NetworkSpec.Parse("tinycnn-4-bn").Build(seed: 1);
        network.call(zeros(2, 3, 32, 32));
        Assert.Equal(1, network.state_dict()["net.1.num_batches_tracked"].item<long>());
        Weights.Load(network, network.state_dict().Where(pair => !pair.Key.EndsWith("num_batches_tracked")).ToDictionary());
        Assert.Equal(0, network.state_dict()["net.1.num_batches_tracked"].item<long>());
    }

    [Fact]
    public void Other_names_and_shapes_are_refused_together_and_nothing_is_copied()
    {
        using var scope = NewDisposeScope();
        using var network = NetworkSpec.Parse("tinycnn-4").Build(seed: 1);
        var before = network.get_parameter("net.2.weight")!.data<float>().ToArray();
        var tensors = network.state_dict().ToDictionary(pair => pair.Key, pair => zeros_like(pair.Value));
        tensors.Remove("net.0.bias");
        tensors["net.9.bias"] = zeros(3);
        tensors["net.7.weight"] = zeros(2, 2);
        var message = Assert.Throws<ArgumentException>(() => Weights.Load(network, tensors)).Message;
        Assert.Contains("tinycnn-4: 1 tensor(s) missing: net.0.bias; 1 tensor(s) unexpected: net.9.bias; "
            + "1 tensor(s) of another shape: net.7.weight (expected [10,1024], found [2,2])", message);
        Assert.Equal(before, network.get_parameter("net.2.weight")!.data<float>().ToArray());
    }
}
