namespace Ard.Trainers.Tests.Checkpoints;

/// <summary>With what a file's network normalises images is the file's word: with another the figures are others.</summary>
public sealed class FileNormalisationTests : IDisposable
{
    private static readonly NetworkSpec Plain = NetworkSpec.Parse("tinycnn-2-bn") with { Classes = 4, ImageSize = 8, InputChannels = 1 };
    private static readonly NetworkSpec Normalised = Plain with { Mean = [0.1307], Std = [0.3081] };
    private static readonly NetworkSpec Centred = Plain with { Mean = [0.5], Std = [1] };

    private readonly string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.safetensors");

    public void Dispose() => File.Delete(path);

    [Fact]
    public void It_wins_over_that_of_the_network_that_is_built()
    {
        using var scope = NewDisposeScope();
        using var network = Normalised.Build(1);
        ModelFile.Write(path, network);
        foreach (var spec in new[] { Plain, Normalised, Centred })
        {
            using var imported = ModelFile.Import(path, spec);
            Assert.Equal(Normalised.Mean, imported.Spec.Mean);
            Assert.Equal(Normalised.Std, imported.Spec.Std);
            var report = $"{imported.Report}";
            Assert.Contains("normalisation from the file's metadata: mean [0.1307], std [0.3081]", report, StringComparison.Ordinal);
            Assert.Equal(spec == Centred, report.Contains("given is not used: mean [0.5], std [1]", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Of_a_file_that_says_that_there_is_none_that_is_said()
    {
        using var scope = NewDisposeScope();
        using var network = Plain.Build(1);
        ModelFile.Write(path, network);
        using var imported = ModelFile.Import(path, Centred);
        Assert.Null(imported.Spec.Mean);
        Assert.Equal(
            ["no normalisation, as the file's metadata says", "the normalisation given is not used: mean [0.5], std [1]"],
            imported.Report.Notes);
    }

    [Fact]
    public void A_network_that_is_there_must_have_the_same()
    {
        using var scope = NewDisposeScope();
        foreach (var written in new[] { Plain, Normalised })
        {
            using var network = written.Build(1);
            ModelFile.Write(path, network);
            foreach (var spec in new[] { Plain, Normalised, Centred })
            {
                using var other = spec.Build(2);
                if (spec == written)
                {
                    ModelFile.Load(path, other);
                    continue;
                }
                var before = other.state_dict().Values.First().clone();
                var message = Assert.Throws<DataFileException>(() => ModelFile.Load(path, other)).Message;
                foreach (var each in new[] { spec, written })
                    Assert.Contains(each.Mean is null ? "no normalisation" : $"mean [{each.Mean[0]}]", message, StringComparison.Ordinal);
                Assert.True(before.eq(other.state_dict().Values.First()).all().item<bool>(), "the weights were loaded");
            }
        }
    }

    [Fact]
    public void Where_the_file_says_nothing_that_of_the_network_counts()
    {
        using var scope = NewDisposeScope();
        using var network = Normalised.Build(1);
        Safetensors.Write(path, network.state_dict());
        using var imported = ModelFile.Import(path, Centred);
        Assert.Equal(Centred.Mean, imported.Spec.Mean);
        var report = $"{imported.Report}";
        Assert.Contains("normalisation as given, for the file does not tell: mean [0.5], std [1]", report, StringComparison.Ordinal);
        using var plain = ModelFile.Import(path, Plain);
        Assert.Contains("no normalisation: the file does not tell", $"{plain.Report}", StringComparison.Ordinal);
        ModelFile.Load(path, network);
    }
}
