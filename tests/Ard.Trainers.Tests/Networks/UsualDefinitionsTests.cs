namespace Ard.Trainers.Tests.Networks;

/// <summary>The built-in networks are those of the usual PyTorch definitions: names, shapes, function and gradient.</summary>
public sealed class UsualDefinitionsTests
{
    [Theory]
    [InlineData("resnet18", 11_173_962)]
    [InlineData("resnet34", 21_282_122)]
    [InlineData("resnet20", 269_722)]
    [InlineData("resnet56", 853_018)]
    [InlineData("preactresnet18", 11_171_146)]
    [InlineData("preactresnet18-bn", 11_172_170)]
    [InlineData("mobilenetv2", 2_296_922)]
    [InlineData("wideresnet-16-2-sub_block1", 724_666)]
    [InlineData("wideresnet-34-10-sub_block1", 48_262_586)]
    [InlineData("preactresnet18-input_shortcut", 11_171_146)]
    [InlineData("torchvision/resnet18", 11_181_642)]
    [InlineData("torchvision/resnet34", 21_289_802)]
    [InlineData("torchvision/resnet50", 23_528_522)]
    [InlineData("torchvision/mobilenetv2", 2_236_682)]
    [InlineData("robustbench/wideresnet-16-2", 691_674)]
    [InlineData("robustbench/preactresnet18", 12_548_426)]
    public void The_state_dict_has_the_names_and_shapes_of_the_usual_definition(string name, long parameters)
    {
        var fixture = new Fixture(name);
        using var network = NetworkSpec.Parse(name).Build(seed: 1);
        // As sets: TorchSharp lists the parameters before the buffers.
        var found = network.state_dict().Select(pair => $"{pair.Key} [{string.Join(",", pair.Value.shape)}]");
        Assert.Equal(fixture.StateDict.Order(), found.Order());
        Assert.Equal(fixture.Parameters, Weights.Count(network));
        Assert.Equal(parameters, Weights.Count(network));
    }

    [Theory]
    [InlineData("wideresnet-34-10", 46_160_474)]
    [InlineData("wideresnet-10-1-sub_block1", 82_522)]
    [InlineData("resnet-32", 464_154)]
    [InlineData("resnet-44", 658_586)]
    [InlineData("resnet-110", 1_727_962)]
    [InlineData("smallcnn-16", 214_918)]
    public void The_number_of_parameters_is_the_published_one(string name, long parameters)
    {
        using var network = NetworkSpec.Parse(name).Build(seed: 1);
        Assert.Equal(parameters, Weights.Count(network));
    }

    [Theory]
    [InlineData("resnet18-4")]
    [InlineData("resnet8-4")]
    [InlineData("preactresnet18-4-bn")]
    [InlineData("mobilenetv2")]
    [InlineData("wideresnet-10-1-sub_block1")]
    [InlineData("smallcnn-4-bn")]
    [InlineData("tinycnn-4-bn")]
    [InlineData("torchvision/resnet50-4")]
    [InlineData("torchvision/mobilenetv2")]
    [InlineData("robustbench/wideresnet-10-1")]
    [InlineData("robustbench/preactresnet18-4")]
    public void Inside_another_module_the_names_have_a_prefix_and_every_tensor_has_one_name(string name)
    {
        using var scope = NewDisposeScope();
        var spec = NetworkSpec.Parse(name) with { Mean = [0.5, 0.5, 0.5], Std = [1, 1, 1] };
        var network = spec.Build(seed: 1);
        var expected = network.state_dict().Keys.Select(key => $"inner.{key}").ToArray();
        using var outer = Sequential(("inner", network));
        Assert.Equal(expected, outer.state_dict().Keys);
        Assert.Equal(Weights.Count(network), Weights.Count(outer));
        outer.to(ScalarType.Float64);
        Assert.Equal(ScalarType.Float64, outer.call(zeros([2, 3, 32, 32], dtype: ScalarType.Float64)).dtype);
    }

    [Theory]
    [InlineData("resnet18")]
    [InlineData("resnet20")]
    [InlineData("preactresnet18")]
    [InlineData("preactresnet18-bn")]
    [InlineData("mobilenetv2")]
    [InlineData("wideresnet-16-2-sub_block1")]
    [InlineData("preactresnet18-input_shortcut")]
    [InlineData("torchvision/resnet18")]
    [InlineData("torchvision/resnet50")]
    [InlineData("torchvision/mobilenetv2")]
    [InlineData("robustbench/wideresnet-16-2")]
    [InlineData("robustbench/preactresnet18")]
    public void Logits_and_input_gradients_are_those_of_the_usual_definition(string name)
    {
        var fixture = new Fixture(name);
        using var scope = NewDisposeScope();
        using var network = NetworkSpec.Parse(name).Build(seed: 1).to(ScalarType.Float64);
        Fixture.Fill(network);
        foreach (var mode in new[] { "eval", "train" })
        {
            network.train(mode == "train");
            foreach (var dropout in network.modules().OfType<TorchSharp.Modules.Dropout>()) dropout.eval();
            var images = Images(name).requires_grad_();
            var logits = network.call(images);
            var loss = functional.cross_entropy(logits, tensor(new[] { 3L, 7L }), reduction: Reduction.Sum);
            var gradient = autograd.grad([loss], [images])[0].flatten();
            AssertClose(fixture[$"{mode}.logits"], logits);
            AssertClose(fixture[$"{mode}.input_gradient"], gradient.index_select(0, arange(0, gradient.shape[0], 307)));
        }
        // The forward pass in train mode has moved the running statistics once.
        network.eval();
        AssertClose(fixture["after.logits"], network.call(Images(name)));
    }

    private static Tensor Images(string name) => name.StartsWith("torchvision/") ? Fixture.Images(64, 96) : Fixture.Images();

    // Relative to the largest number: both are float64, but of different libraries' kernels.
    private static void AssertClose(double[] expected, Tensor found)
    {
        var values = found.detach().flatten().data<double>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        var scale = expected.Max(Math.Abs);
        for (var i = 0; i < values.Length; i++) Assert.Equal(expected[i], values[i], 1e-9 * scale);
    }
}
