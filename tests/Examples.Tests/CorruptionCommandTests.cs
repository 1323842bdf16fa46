namespace Ard.Examples.Tests;

/// <summary>corruptions, with a page, a file and a baseline.</summary>
public sealed class CorruptionCommandTests : IDisposable
{
    private readonly ExampleProgram distill = new("Distill");

    public void Dispose() => distill.Dispose();

    [Fact]
    public void A_network_is_measured_and_the_baseline_of_itself_is_one()
    {
        var (trained, _, wrong) = distill.Run(
            "distill", "--method", "natural", "--epochs", "2", "--train-images", "200", "--test-images", "20", "--output", "out");
        Assert.True(trained == 0, wrong);
        string[] measure =
        [
            "corruptions", "--model", Path.Combine("out", "student-natural.safetensors"), "--test-images", "40", "--device", "cpu",
            "--threads", "1", "--json", Path.Combine("measured", "c.json"), // in a folder that is not there yet
        ];
        var first = distill.Run(measure);
        Assert.True(first.Code == 0, first.Error);
        foreach (var name in Ard.Trainers.Evaluation.Corruption.Names)
            Assert.Matches($@"\n{name} +\d+\.\d\d %  \(by severity: (\d+\.\d ?){{5}}\)", first.Output);
        var again = distill.Run([.. measure, "--baseline", Path.Combine("measured", "c.json"), "--report", "c.html"]);
        Assert.True(again.Code == 0, again.Error);
        Assert.Contains("mean corruption error 100.0 % of measured", again.Output);
        Assert.Contains("<h2 id=\"corruptions\">", File.ReadAllText(Path.Combine(distill.Folder, "c.html")));

        var missing = distill.Run([.. measure, "--files", "none"]);
        Assert.Equal(2, missing.Code);
        Assert.Contains("gaussian_noise.npy", missing.Error);
    }
}
