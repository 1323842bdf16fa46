namespace Ard.Trainers.Tests.Networks;

public sealed class NormalisationTests
{
    [Fact]
    public void It_subtracts_the_mean_and_divides_by_the_deviation_of_each_channel()
    {
        using var scope = NewDisposeScope();
        using var layer = new Normalisation([0.25, 0.5], [0.5, 0.125]);
        var images = tensor(new[] { 0f, 1f, 0.25f, 0.5f, 0.5f, 1f, 0f, 0.625f }).reshape(1, 2, 2, 2).requires_grad_();
        Assert.Equal([-0.5f, 1.5f, 0f, 0.5f, 0f, 4f, -4f, 1f], layer.call(images).data<float>().ToArray());
        Assert.Equal([0f, 1f, 0.25f, 0.5f, 0.5f, 1f, 0f, 0.625f], images.data<float>().ToArray());
        var gradient = autograd.grad([layer.call(images).sum()], [images])[0];
        Assert.Equal([2f, 2f, 2f, 2f, 8f, 8f, 8f, 8f], gradient.data<float>().ToArray());
    }

    [Fact]
    public void It_adds_nothing_to_the_state_dict_and_follows_the_network_to_another_dtype()
    {
        using var scope = NewDisposeScope();
        using var network = (NetworkSpec.Parse("tinycnn-4") with { Mean = [0.5, 0.5, 0.5], Std = [1, 1, 1] }).Build(seed: 1);
        using var plain = NetworkSpec.Parse("tinycnn-4").Build(seed: 1);
        Assert.Equal(plain.state_dict().Keys, network.state_dict().Keys);
        Assert.Equal(Weights.Count(plain), Weights.Count(network));
        var images = full([1, 3, 32, 32], 0.75, dtype: ScalarType.Float64);
        network.to(ScalarType.Float64);
        plain.to(ScalarType.Float64);
        Assert.Equal(plain.call(images - 0.5).data<double>().ToArray(), network.call(images).data<double>().ToArray());
    }

    [Fact]
    public void It_computes_in_the_precision_of_the_images()
    {
        using var scope = NewDisposeScope();
        using var layer = new Normalisation([0.1], [0.3]);
        foreach (var type in new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.Float32 })
        {
            var found = layer.call(full([1, 1, 1, 1], 0.7, dtype: type));
            Assert.Equal(type, found.dtype);
            var expected = type == ScalarType.Float64 ? (0.7 - 0.1) / 0.3 : (0.7f - 0.1f) / 0.3f;
            Assert.Equal(expected, found.to(ScalarType.Float64).item<double>());
        }
    }

    [Fact]
    public void Its_constants_are_made_once_for_a_type()
    {
        using var scope = NewDisposeScope();
        using var layer = new Normalisation([0.1], [0.3]);
        var images = rand([1, 1, 2, 2], dtype: ScalarType.Float64);
        layer.call(images).Dispose();
        var before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        layer.call(images).Dispose();
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void All_faults_are_in_one_message()
    {
        var message = Assert.Throws<ArgumentException>(() => new Normalisation([0.5, double.NaN], [0.0])).Message;
        Assert.Contains("mean has 2 and std 1 values", message);
        Assert.Contains("mean [0.5, NaN]", message);
        Assert.Contains("std [0]", message);
    }
}
