using System.Runtime.CompilerServices;

namespace Ard.MLNet.Tests;

public sealed class TeacherFileTests
{
    private static string Fixture(string name, [CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(
        Path.GetDirectoryName(here)!, "..", "Ard.Trainers.Tests", "Checkpoints", "Fixtures", name));

    [Fact]
    public void A_teacher_may_be_a_checkpoint_of_PyTorch()
    {
        using var scope = NewDisposeScope();
        var spec = NetworkSpec.Parse("tinycnn-2-bn") with { Classes = 4, ImageSize = 8 };
        var images = rand([3, 3, 8, 8]);
        using var expected = ModelFile.Import(Fixture("checkpoint.pt"));
        foreach (var name in new[] { "checkpoint.pt", "checkpoint.legacy.pt" })
        {
            var (network, owned, _) = TeacherNetwork.FromFile(Fixture(name), spec).Open();
            using (owned)
            using (no_grad())
                Assert.Equal(expected.Network.call(images).data<float>().ToArray(), network.call(images).data<float>().ToArray());
        }
        // With what the file's network normalises images is its own word.
        using var normalised = ModelFile.Import(Fixture("normalised.pt"));
        var (filled, toDispose, notes) =
            TeacherNetwork.FromFile(Fixture("normalised.pt"), spec with { Mean = [0, 0, 0], Std = [1, 1, 1] }).Open();
        using (toDispose)
        using (no_grad())
            Assert.Equal(normalised.Network.call(images).data<float>().ToArray(), filled.call(images).data<float>().ToArray());
        Assert.Contains(notes, note => note.Contains("normalised.pt: normalisation from the file's ", StringComparison.Ordinal));
        // Whoever trains is told, too.
        var ml = new MLContext(1);
        var told = new List<string>();
        ml.Log += (_, line) => told.Add(line.RawMessage);
        var gray = NetworkSpec.Parse("tinycnn-2-bn") with { InputChannels = 1, ImageSize = 16, Mean = [0.5], Std = [2] };
        var path = Path.Combine(Tiny.Folder(), "weights.safetensors");
        using (var network = gray.Build(seed: 1)) Safetensors.Write(path, network.state_dict());
        new ArdTrainer(ml, new() { Network = "tinycnn-2", Teacher = TeacherNetwork.FromFile(path, gray), Training = Tiny.Training() })
            .Fit(Tiny.Glyphs(ml, 20)).Dispose();
        Assert.Contains($"{path}: normalisation as given, for the file does not tell: mean [0.5], std [2].", told);
        Assert.Single(told, line => line.StartsWith("The teacher, on 20 training images: ", StringComparison.Ordinal));
        // Without the network: PyTorch's files do not say what they are, but they look like something.
        var fault = Assert.Throws<DataFileException>(() => TeacherNetwork.FromFile(Fixture("checkpoint.pt")).Open());
        Assert.Contains("looks like tinycnn-2-bn, 4 classes", fault.Message);
    }

    [Fact]
    public void What_is_left_out_of_the_file_of_a_network_of_ones_own_is_said()
    {
        using var scope = NewDisposeScope();
        var own = NetworkDefinition.Custom("own", () => nn.Sequential(("flatten", nn.Flatten()), ("fc", nn.Linear(12, 2))));
        var path = Path.Combine(Tiny.Folder(), "own.safetensors");
        using var network = own.Build(seed: 1);
        Safetensors.Write(
            path, [("0.mean", zeros(3)), ("0.std", ones(3)), .. network.state_dict().Select(pair => ($"1.{pair.Key}", pair.Value))]);
        using (var teacher = TeacherNetwork.FromFile(path, own).Open())
            Assert.StartsWith($"{path}: 0.mean is left out: ", Assert.Single(teacher.Notes), StringComparison.Ordinal);
        // Of a file that says itself what it holds, too.
        using var built = (NetworkSpec.Parse("tinycnn-1") with { Mean = [0.5, 0.5, 0.5], Std = [1, 1, 1] }).Build(seed: 1);
        ModelFile.Write(path, built);
        using (var teacher = TeacherNetwork.FromFile(path).Open())
            Assert.Contains("normalisation from the file's metadata", Assert.Single(teacher.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_normalisation_of_the_definition_is_that_for_the_images_of_the_training()
    {
        NetworkDefinition definition = "robustbench/preactresnet18";
        IReadOnlyList<double>? Mean(int channels, int classes) =>
            definition.For(new(channels, 32, 32, new()) { Column = NumberDataViewType.Single }, classes).Spec!.Mean;
        Assert.Equal([0.4914, 0.4822, 0.4465], Mean(3, 10));
        Assert.Equal([0.5071, 0.4865, 0.4409], Mean(3, 100));
        Assert.Null(Mean(1, 10));
    }
}
