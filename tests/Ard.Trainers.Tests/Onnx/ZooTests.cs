using Ard.Trainers.Onnx;

namespace Ard.Trainers.Tests.Onnx;

/// <summary>Every built-in network in ONNX Runtime beside ours.</summary>
public sealed class ZooTests : IDisposable
{
    // The largest difference of two logits that is allowed.
    private const double Tolerance = 1e-4;

    private readonly string folder = Directory.CreateTempSubdirectory("ard-onnx-").FullName;

    private string FileName => Path.Combine(folder, "model.onnx");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("resnet8")]
    [InlineData("resnet20-8")]
    [InlineData("resnet18-8")]
    [InlineData("resnet34-4")]
    [InlineData("preactresnet18-8")]
    [InlineData("preactresnet34-4-bn")]
    [InlineData("wideresnet-10-2")]
    [InlineData("wideresnet-16-1-sub_block1")]
    [InlineData("mobilenetv2")]
    [InlineData("smallcnn-8")]
    [InlineData("smallcnn-8-bn")]
    [InlineData("tinycnn-8")]
    [InlineData("tinycnn-8-bn")]
    [InlineData("preactresnet18-8-input_shortcut")]
    [InlineData("torchvision/resnet18-8")]
    [InlineData("torchvision/resnet50-4")]
    [InlineData("torchvision/mobilenetv2")]
    [InlineData("robustbench/wideresnet-10-2")]
    [InlineData("robustbench/preactresnet18-8")]
    public void ONNX_Runtime_gives_our_logits_at_every_batch_size(string name)
    {
        var size = name.StartsWith("torchvision/", StringComparison.Ordinal) ? 64 : 16;
        SameLogits(NetworkSpec.Parse(name) with { Classes = 7, ImageSize = size }, 1, 7, 64);
    }

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("resnet18")]
    [InlineData("preactresnet18-bn")]
    [InlineData("wideresnet-28-10")]
    [InlineData("wideresnet-34-10")]
    public void ONNX_Runtime_gives_the_logits_of_networks_of_full_size(string name) => SameLogits(NetworkSpec.Parse(name), 1, 7, 64);

    [Fact]
    public void An_ensemble_of_teachers_is_one_model()
    {
        using var scope = NewDisposeScope();
        var teachers = new[] { "tinycnn-2-bn", "resnet8-4", "smallcnn-2" }
            .Select(name => Filled(NetworkSpec.Parse(name) with { ImageSize = 8 }));
        using var ensemble = new TeacherEnsemble([.. teachers]);
        SameLogits(ensemble, [3, 8, 8], 1, 5);
    }

    private void SameLogits(NetworkSpec spec, params int[] batches)
    {
        using var scope = NewDisposeScope();
        double[] mean = [0.4914, 0.4822, 0.4465], std = [0.2470, 0.2435, 0.2616];
        using var network = Filled(spec with { Mean = mean, Std = std });
        SameLogits(network, [3, spec.ImageSize, spec.ImageSize], batches);
    }

    private void SameLogits(Module<Tensor, Tensor> network, long[] image, params int[] batches)
    {
        OnnxExport.Write(FileName, network);
        network.eval();
        using var noGradient = no_grad();
        using var model = new OnnxRuntimeModel(FileName);
        using var generator = new Generator(3);
        foreach (var batch in batches)
        {
            using var batchScope = NewDisposeScope();
            var images = empty([batch, .. image]).uniform_(0, 1, generator);
            var (expected, found) = (network.call(images), model.Run(images));
            Assert.Equal(expected.shape, found.shape);
            // Logits that do not depend on the image would agree too easily.
            if (batch > 1) Assert.True(expected.std(0, unbiased: true).min().item<float>() > 1e-3);
            var difference = (expected - found).abs().max().item<float>();
            Assert.True(difference < Tolerance, $"batch {batch}: the logits differ by {difference:G3}");
        }
    }

    // BatchNorm layers with scales and shifts at random, and the running statistics of random images.
    private static Module<Tensor, Tensor> Filled(NetworkSpec spec)
    {
        var network = spec.Build(seed: 5);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var generator = new Generator(9);
        foreach (var norm in network.modules().OfType<BatchNorm>())
        {
            norm.weight!.uniform_(0.6, 1.4, generator);
            norm.bias!.uniform_(-0.2, 0.2, generator);
            norm.momentum = null; // the mean over all batches
        }
        network.train();
        for (var i = 0; i < 2; i++)
            network.call(empty([16, spec.InputChannels, spec.ImageSize, spec.ImageSize]).uniform_(0, 1, generator)).Dispose();
        return network;
    }
}
