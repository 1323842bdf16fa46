using Ard.Trainers.Tests.Attacks;

namespace Ard.Trainers.Tests.Checkpoints;

/// <summary>
/// Public checkpoints of others give the accuracies that are known of them, clean and under PGD-20, within a point. The figures come with
/// the files: the clean ones of all 10,000 CIFAR-10 test images (ResNet-20: of the first 500), those of PGD-20 of the first 500.
/// </summary>
public sealed class PublicCheckpointTests
{
    private const string ResNet20 = "data/checkpoints/resnet20-12fca82f.th";
    private const string ResNet4b = "data/checkpoints/abcrown_resnet4b.pth";
    private const string CnnA = "data/checkpoints/abcrown_cifar_cnn_a_adv4.model";

    [CheckpointFact(ResNet20)]
    public void ResNet_20_by_akamaster_is_recognised_and_classifies_as_published()
    {
        using var imported = ImportResNet20();
        var report = imported.Report;
        Assert.Equal((WeightsFormat.PytorchLegacy, "state_dict", "module."), (report.Format, report.Key, report.Prefix));
        Assert.Equal(91.0, Accuracy(imported.Network, 500), 1.0);
    }

    [CheckpointFact(ResNet20)]
    [Trait("Category", "Long")]
    public void ResNet_20_by_akamaster_has_no_robustness()
    {
        using var imported = ImportResNet20();
        Assert.Equal(0.0, Robust(imported.Network, 8), 1.0);
    }

    [CheckpointFact(CnnA)]
    public void Cnn_a_of_alpha_beta_CROWN_is_recognised_and_is_as_robust_as_published()
    {
        using var imported = ModelFile.Import(Shared.Path(CnnA), Recognised(CnnA, "smallcnn") with
        {
            Mean = [.4914, .4824, .4467],
            Std = [.2471, .2435, .2616],
        });
        Assert.Equal(56.5, Accuracy(imported.Network, 10_000), 1.0);
        Assert.Equal(22.2, Robust(imported.Network, 8), 1.0);
        Assert.Equal(47.4, Robust(imported.Network, 2), 1.0);
    }

    [CheckpointFact(ResNet4b)]
    public void ResNet4b_of_alpha_beta_CROWN_is_loaded_into_a_network_of_ones_own_and_is_as_robust_as_published()
    {
        using var network = new ResNet4bNetwork();
        var report = ModelFile.Load(Shared.Path(ResNet4b), network);
        network.eval();
        Assert.Equal((WeightsFormat.PytorchArchive, "state_dict", "", 26), (report.Format, report.Key, report.Prefix, report.Loaded));
        Assert.Empty(report.Skipped);
        Assert.Equal(77.2, Accuracy(network, 10_000), 1.0);
        Assert.Equal(15.8, Robust(network, 8), 1.0);
        Assert.Equal(61.2, Robust(network, 2), 1.0);

        // None of the built-in ones, and it is not taken for one.
        using var file = WeightsFile.Open(Shared.Path(ResNet4b));
        Assert.Null(NetworkRecogniser.Recognise(file.Tensors).Spec);
    }

    [CnnAFact]
    public void The_network_of_the_traces_is_recognised_with_its_normalisation_and_has_their_accuracies()
    {
        using var scope = NewDisposeScope();
        var trace = Fixture.Trace("cnn_a_weights");
        var path = Path.Combine(Path.GetTempPath(), $"ard-{Guid.NewGuid():N}.safetensors");
        try
        {
            Safetensors.Write(path, trace.All.Where(pair => pair.Key.Contains('.') && !pair.Key.StartsWith("clean."))
                .ToDictionary(pair => pair.Key, pair => pair.Value));
            using var imported = ModelFile.Import(path);
            Assert.Equal("smallcnn", $"{imported.Spec}");
            Assert.Equal(["normalisation.mean", "normalisation.std"], imported.Report.Skipped.Order());
            using var test = TestImages();
            var (images, labels) = (Images(test, 0, 256), test.Labels.narrow(0, 0, 256));
            var points = AttackCatalog.ByName("pgd-20").Perturb(imported.Network, images, labels, ThreatModel.Cifar10);
            using var _ = no_grad();
            Assert.Equal(146, imported.Network.call(images).argmax(1).eq(labels).sum().item<long>());
            Assert.InRange(imported.Network.call(points).argmax(1).eq(labels).sum().item<long>(), 50, 53);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static ImportedNetwork ImportResNet20() => ModelFile.Import(Shared.Path(ResNet20), Recognised(ResNet20, "resnet20") with
    {
        Mean = [.485, .456, .406],
        Std = [.229, .224, .225],
    });

    private static NetworkSpec Recognised(string file, string name)
    {
        using var opened = WeightsFile.Open(Shared.Path(file));
        var recognised = NetworkRecogniser.Recognise(opened.Tensors);
        Assert.Equal($"looks like {name}, 10 classes, 3 input channel(s)", recognised.Description);
        return recognised.Spec!;
    }

    private static double Accuracy(Module<Tensor, Tensor> network, int count)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var test = TestImages();
        long right = 0;
        for (var first = 0; first < count; first += 500)
        {
            using var batch = NewDisposeScope();
            right += network.call(Images(test, first, 500)).argmax(1).eq(test.Labels.narrow(0, first, 500)).sum().item<long>();
        }
        return 100.0 * right / count;
    }

    private static double Robust(Module<Tensor, Tensor> network, double epsilon)
    {
        using var scope = NewDisposeScope();
        using var test = TestImages();
        var labels = test.Labels.narrow(0, 0, 500);
        var points = AttackCatalog.ByName("pgd-20").Perturb(network, Images(test, 0, 500), labels, ThreatModel.Linf(epsilon / 255));
        using var _ = no_grad();
        return 100.0 * network.call(points).argmax(1).eq(labels).sum().item<long>() / 500;
    }

    private static ImageDataset TestImages() => Cifar.Load(Path.GetDirectoryName(CnnAFactAttribute.TestBatch)!, DataSplit.Test);

    private static Tensor Images(ImageDataset test, long first, long count) =>
        test.Images.narrow(0, first, count).to(ScalarType.Float32) / 255;

    /// <summary>
    /// The network of alpha-beta-CROWN's resnet4b: convolutions with bias and no BatchNorm; the stem and both stages stride by 2.
    /// </summary>
    private sealed class ResNet4bNetwork : Module<Tensor, Tensor>
    {
        private readonly Normalisation normalisation = new([.4914, .4822, .4465], [.2471, .2435, .2616]);
        private readonly Conv2d conv1 = Conv2d(3, 16, 3, stride: 2, padding: 1);
        private readonly Sequential layer1 = Sequential(new Residual(16, 32, 2), new Residual(32, 32, 1));
        private readonly Sequential layer2 = Sequential(new Residual(32, 32, 2), new Residual(32, 32, 1));
        private readonly Linear linear1 = Linear(512, 100), linear2 = Linear(100, 10);

        public ResNet4bNetwork() : base("resnet4b") => RegisterComponents();

        public override Tensor forward(Tensor images)
        {
            var x = layer2.call(layer1.call(conv1.call(normalisation.call(images)).relu()));
            return linear2.call(linear1.call(x.flatten(1)).relu());
        }

        private sealed class Residual : Module<Tensor, Tensor>
        {
            private readonly Conv2d conv1, conv2;
            private readonly Sequential shortcut = Sequential();

            public Residual(int input, int output, int stride) : base(nameof(Residual))
            {
                conv1 = Conv2d(input, output, 3, stride: stride, padding: 1);
                conv2 = Conv2d(output, output, 3, padding: 1);
                if (stride != 1) shortcut = Sequential(Conv2d(input, output, 1, stride: stride));
                RegisterComponents();
            }

            public override Tensor forward(Tensor input) => (conv2.call(conv1.call(input).relu()) + shortcut.call(input)).relu();
        }
    }

    /// <summary>A test that needs one of the checkpoints and the CIFAR-10 test batch.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class CheckpointFactAttribute : FactAttribute
    {
        public CheckpointFactAttribute(string file)
        {
            string[] needed = [Shared.Path(file), CnnAFactAttribute.TestBatch];
            var missing = needed.Where(path => !File.Exists(path)).ToArray();
            if (missing.Length > 0) Skip = $"needs {string.Join(", ", missing)} (ARD_SHARED and ARD_DATA name their folders)";
        }
    }
}
