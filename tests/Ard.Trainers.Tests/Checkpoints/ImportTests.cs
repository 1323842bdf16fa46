using static Ard.Trainers.Tests.Checkpoints.PytorchFileTests;

namespace Ard.Trainers.Tests.Checkpoints;

public sealed class ImportTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-import-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // What make_pytorch_fixtures.py prints.
    private static readonly float[] Logits =
        [-0.6619663f, 0.21496665f, 0.42517474f, 0.18104239f, -0.312583f, 0.073019385f, 0.008745119f, -0.03172949f];

    private static readonly float[] NormalisedLogits =
        [-0.0949662f, -0.29306126f, -0.6370298f, -0.14526154f, -0.6029521f, -0.50348914f, 0.14247802f, 0.10604617f];

    private static Tensor Images() => (arange(2 * 3 * 8 * 8, float32) % 251 / 251).reshape(2, 3, 8, 8);

    private static void AssertLogits(float[] expected, Module<Tensor, Tensor> network)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var found = network.call(Images()).flatten().data<float>().ToArray();
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], 1e-6f);
    }

    [Theory]
    [InlineData("checkpoint.pt")]
    [InlineData("checkpoint.legacy.pt")]
    public void A_checkpoint_is_one_line_with_the_network_recognised_and_the_rest_reported(string name)
    {
        using var scope = NewDisposeScope();
        using var imported = ModelFile.Import(Fixture(name));
        AssertLogits(Logits, imported.Network);
        Assert.Equal("tinycnn-2-bn", $"{imported.Spec}");
        Assert.Equal((4, 8, 3), (imported.Spec.Classes, imported.Spec.ImageSize, imported.Spec.InputChannels));
        var report = imported.Report;
        Assert.Equal(("state_dict", "module.", null, 20), (report.Key, report.Prefix, report.Naming, report.Loaded));
        var text = $"{report}";
        Assert.Contains("found under 'state_dict'", text);
        Assert.Contains("stripped the prefix 'module.'", text);
        Assert.Contains("looks like tinycnn-2-bn, 4 classes, 3 input channel(s)", text);
        Assert.Contains("no normalisation", text);
        Assert.False(imported.Network.training);
    }

    [Fact]
    public void A_normalisation_in_the_file_becomes_the_networks_and_its_wrapper_is_stripped()
    {
        using var scope = NewDisposeScope();
        using var imported = ModelFile.Import(Fixture("normalised.pt"));
        AssertLogits(NormalisedLogits, imported.Network);
        Assert.Equal([0.4914, 0.4822, 0.4465], imported.Spec.Mean);
        Assert.Equal([0.2471, 0.2435, 0.2616], imported.Spec.Std);
        Assert.Equal(["0.mean", "0.std"], imported.Report.Skipped);
        Assert.Equal(("net", "1."), (imported.Report.Key, imported.Report.Prefix));

        // It wins over one that the caller names, which is told.
        var spec = imported.Spec with { Mean = [0, 0, 0], Std = [1, 1, 1] };
        using var other = ModelFile.Import(Fixture("normalised.pt"), spec);
        AssertLogits(NormalisedLogits, other.Network);
        Assert.Contains("the normalisation given is not used: mean [0, 0, 0], std [1, 1, 1]", $"{other.Report}");
    }

    [Fact]
    public void Another_network_is_refused_with_all_names_and_what_the_file_looks_like()
    {
        var spec = NetworkSpec.Parse("smallcnn-4") with { Classes = 4, ImageSize = 8 };
        var message = Assert.Throws<DataFileException>(() => ModelFile.Import(Fixture("checkpoint.pt"), spec)).Message;
        Assert.Contains("missing", message);
        Assert.Contains("unexpected", message);
        Assert.Contains("of another shape: net.0.weight (expected [4,3,4,4], found [2,3,3,3])", message);
        Assert.Contains("The file looks like tinycnn-2-bn, 4 classes", message);
    }

    [Fact]
    public void What_is_not_recognised_is_said_in_a_sentence_with_the_way_to_load_it()
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(folder, "own.safetensors");
        Safetensors.Write(path, [("encoder.weight", zeros(3, 3))]);
        const string found = "is not recognised: the names are those of no built-in network; a module of your own takes them by "
            + "ModelFile.Load(path, yourModule).";
        Assert.Equal(
            $"{path}: expected a network that is named or can be recognised, found one that {found}",
            Assert.Throws<DataFileException>(() => ModelFile.Import(path)).Message);
        Assert.Equal(
            $"{path}: expected the metadata entry ard.network, which says what network it is, found a file without it, which {found}",
            Assert.Throws<DataFileException>(() => ModelFile.Read(path)).Message);
    }

    [Fact]
    public void A_TorchScript_program_is_run_only_when_that_is_asked_for()
    {
        var fault = Assert.Throws<DataFileException>(() => ModelFile.Import(Fixture("program.pt")));
        Assert.Contains(nameof(ModelFile.ReadTorchScript), fault.Message);
        Assert.Throws<DataFileException>(() => ModelFile.ReadTorchScript(Fixture("kinds.legacy.pt")));
        using var network = ModelFile.ReadTorchScript(Fixture("program.pt"));
        Assert.False(network.training);
        AssertLogits(Logits, network);
        Assert.Equal(11, network.parameters().Count());
        // It can be attacked: gradients go through it.
        using var scope = NewDisposeScope();
        var images = Images().requires_grad_();
        network.call(images).sum().backward();
        Assert.True(images.grad!.abs().sum().item<float>() > 0);
        network.Dispose();
        Assert.Throws<ObjectDisposedException>(() => network.call(images));
    }

    [Fact]
    public void Definitions_with_the_same_names_and_shapes_are_told_apart_by_the_metadata_alone()
    {
        using var scope = NewDisposeScope();
        var (plain, other) = (NetworkSpec.Parse("preactresnet18-2"), NetworkSpec.Parse("preactresnet18-2-input_shortcut"));
        var path = Path.Combine(folder, "preact.safetensors");
        foreach (var (written, wrong) in new[] { (other, plain), (plain, other) })
        {
            using var network = written.Build(seed: 1);
            ModelFile.Write(path, network);
            using var imported = ModelFile.Import(path, written);
            Assert.Equal(written, imported.Spec);
            using var built = wrong.Build(seed: 2);
            foreach (var read in new Action[] { () => ModelFile.Import(path, wrong), () => ModelFile.Load(path, built) })
            {
                var fault = Assert.Throws<DataFileException>(read);
                Assert.Equal(($"weights of {wrong}", $"those of {written}, as the metadata say"), (fault.Expected, fault.Found));
            }
            // Without metadata it is taken for the more usual one, and that is said, whether it was named or recognised.
            Safetensors.Write(path, network.state_dict());
            foreach (var spec in new[] { null, plain })
            {
                using var recognised = ModelFile.Import(path, spec);
                Assert.Equal(plain, recognised.Spec);
                Assert.Contains(recognised.Report.Notes, note => note.Contains($"{other} has the same names and shapes"));
            }
        }
    }

    [Fact]
    public void RobustBenchs_normalisation_goes_by_the_classes_and_channels_that_are_set_later()
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(folder, "robustbench.safetensors");
        var parsed = NetworkSpec.Parse("robustbench/preactresnet18-2");
        foreach (var (spec, mean) in new (NetworkSpec, double[]?)[]
        {
            (parsed, [0.4914, 0.4822, 0.4465]), (parsed with { Classes = 100 }, [0.5071, 0.4865, 0.4409]),
            (parsed with { InputChannels = 1 }, null), (parsed with { Classes = 100, Mean = [0, 0, 0] }, [0, 0, 0]),
        })
        {
            using (var network = (spec with { Mean = null, Std = null }).Build(seed: 1)) Safetensors.Write(path, network.state_dict());
            using var imported = ModelFile.Import(path, spec);
            Assert.Equal(mean, imported.Spec.Mean);
        }
    }

    [Fact]
    public void A_training_checkpoint_gives_the_last_weights_and_says_which_others_there_are()
    {
        using var scope = NewDisposeScope();
        var spec = NetworkSpec.Parse("tinycnn-1") with { Classes = 2, ImageSize = 4 };
        using var network = spec.Build(seed: 1);
        var path = Path.Combine(folder, "last.safetensors");
        var names = new[] { "student", "average", "best" };
        Safetensors.Write(
            path, names.Index().SelectMany(part => network.state_dict().Select(pair =>
                ($"{part.Item}.{pair.Key}", pair.Value.is_floating_point() ? full_like(pair.Value, part.Index) : pair.Value))),
            new Dictionary<string, string> { ["ard.network"] = spec.ToJson() });
        using var last = ModelFile.Import(path);
        Assert.Equal(0, last.Network.parameters().First().sum().item<float>());
        Assert.Contains(last.Report.Notes, note => note.Contains("averaged ones are there too, and the key 'average' takes them"));
        Assert.Contains(last.Report.Notes, note => note.Contains("those of the best epoch are there too, and the key 'best' takes them"));
        foreach (var (index, key) in names.Index())
        {
            using var imported = ModelFile.Import(path, key: key);
            Assert.All(imported.Network.parameters(), weight => Assert.True(weight.eq(index).all().item<bool>()));
            Assert.Equal((key, spec), (imported.Report.Key, imported.Spec));
            Assert.DoesNotContain(imported.Report.Notes, note => note.Contains("the last ones"));
            ModelFile.Load(path, network, key);
            Assert.Equal(index, network.parameters().First().mean().item<float>());
        }
        Assert.Contains("tensors under 'averag'", Assert.Throws<DataFileException>(() => ModelFile.Import(path, key: "averag")).Message);
    }
}
