using Ard.Trainers.Native;

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

    [Fact]
    public void Constants_may_be_one_a_channel_or_one_for_all_and_what_is_neither_is_refused()
    {
        using var scope = NewDisposeScope();
        using var network = (Plain with { InputChannels = 3 }).Build(1);
        var state = network.state_dict().Select(pair => ($"1.{pair.Key}", pair.Value)).ToArray();
        ImportedNetwork Imported(Tensor mean, Tensor std)
        {
            Safetensors.Write(path, [("0.mean", mean), ("0.std", std), .. state]);
            return ModelFile.Import(path);
        }
        foreach (var (mean, std, means) in new[]
        {
            (tensor(0.5f), tensor(0.25f), new[] { 0.5, 0.5, 0.5 }),
            (full(1, 0.5f), full(1, 0.25f), [0.5, 0.5, 0.5]),
            (tensor(new[] { 0.1f, 0.2f, 0.3f }), full(1, 0.25f), [0.1, 0.2, 0.3]),
            (tensor(new[] { 0.1f, 0.2f, 0.3f }).reshape(1, 3, 1, 1), full([1, 1, 1], 0.25f), [0.1, 0.2, 0.3]),
        })
        {
            using var imported = Imported(mean, std);
            Assert.Equal(means, imported.Spec.Mean);
            Assert.Equal([0.25, 0.25, 0.25], imported.Spec.Std);
        }
        foreach (var (mean, std, found) in new[]
        {
            (zeros(3), zeros(3), "mean [0, 0, 0], std [0, 0, 0]"), (zeros(2), ones(2), "2 and 2 values"),
            (zeros(3, 8, 8), ones(3, 8, 8), "192 and 192 values"), (full(1, float.NaN), ones(1), "mean [NaN, NaN, NaN]"),
        })
        {
            var fault = Assert.Throws<DataFileException>(() => Imported(mean, std));
            Assert.Contains("0.mean and 0.std", fault.Expected);
            Assert.Contains(found, fault.Found);
            Assert.Throws<DataFileException>(() => ModelFile.Load(path, network));
        }
    }

    [Fact]
    public void Constants_are_compared_in_the_single_precision_that_files_have()
    {
        using var scope = NewDisposeScope();
        using var network = (Plain with { Mean = [1 / 3.0], Std = [2 / 3.0] }).Build(1);
        Safetensors.Write(path, [
            ("0.mean", tensor((float)(1 / 3.0))), ("0.std", tensor((float)(2 / 3.0))),
            .. network.state_dict().Select(pair => ($"1.{pair.Key}", pair.Value))]);
        Assert.Contains("0.mean", ModelFile.Load(path, network).Skipped);
    }

    [Fact]
    public void Numbers_are_written_alike_in_every_culture()
    {
        using var scope = NewDisposeScope();
        using var network = Normalised.Build(1);
        ModelFile.Write(path, network);
        using var other = Centred.Build(2);
        var before = CultureInfo.CurrentCulture;
        try
        {
            var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            culture.NumberFormat.NumberDecimalSeparator = ",";
            CultureInfo.CurrentCulture = culture;
            using var imported = ModelFile.Import(path);
            foreach (var text in new[]
            {
                $"{imported.Report}", Assert.Throws<DataFileException>(() => ModelFile.Load(path, other)).Message,
                Assert.Throws<ArgumentException>(() => new Normalisation([0.1307, double.NaN], [0.3081, 0])).Message,
            })
                Assert.Contains("0.1307", text, StringComparison.Ordinal);
            Assert.Contains("[0.1, 0.1]", Assert.Throws<ArgumentException>(() => RobustnessCurve.RequireEachOnce([0.1, 0.1])).Message);
            Assert.Contains("at most 0.001: ", GradientCheck.FaultOf(type => [full(1, type == ScalarType.Float32 ? 1f : 2f)]));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
