using System.Xml.Linq;

namespace Ard.Examples.Tests;

/// <summary>evaluate as a gate, by its exit code and its files.</summary>
public sealed class GateCommandTests : IDisposable
{
    private readonly ExampleProgram distill = new("Distill");

    public void Dispose() => distill.Dispose();

    [Fact]
    public void An_evaluation_that_finds_less_than_was_asked_for_ends_with_3_and_its_files_are_there()
    {
        var (trained, _, wrong) = distill.Run(
            "distill", "--method", "natural", "--epochs", "2", "--train-images", "200", "--test-images", "20", "--output", "out");
        Assert.True(trained == 0, wrong);
        string[] evaluate =
        [
            "evaluate", "--model", Path.Combine("out", "student-natural.safetensors"), "--test-images", "100", "--attacks", "fgsm,pgd-20",
            "--eps", "0.1", "--device", "cpu", "--threads", "1", "--json", "report.json", "--junit", "junit.xml", "--report", "report.html",
        ];
        var (code, output, error) = distill.Run([.. evaluate, "--fail-under", "90", "--accept-flags", "OneStepStronger,ZeroGradients"]);
        Assert.True(code == 3, output + error);
        Assert.Matches(@"^Against Linf 0\.1: worst-case: \d+\.\d\d % of 100 images are right .*, expected 90 % or more\.", error);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.True(File.Exists(Path.Combine(distill.Folder, "report.html")));
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(distill.Folder, "report.json")));
        Assert.Equal(1, json.RootElement.GetProperty("schemaVersion").GetInt32());
        var tests = XDocument.Load(Path.Combine(distill.Folder, "junit.xml")).Descendants("testcase").ToArray();
        Assert.Equal(["fgsm", "pgd-20", "worst-case"], tests.Take(3).Select(test => (string)test.Attribute("name")!));
        Assert.NotNull(tests[2].Element("failure"));

        var passed = distill.Run([.. evaluate, "--fail-under", "0", "--accept-flags", "OneStepStronger,ZeroGradients,OneClass"]);
        Assert.True(passed.Code == 0, passed.Output + passed.Error);

        // Several adversaries: all files, and the gate is that of the union. In L1 other attacks are the default.
        string[] several = [.. evaluate.Where(each => each is not ("--eps" or "0.1" or "--attacks" or "fgsm,pgd-20"))];
        (code, output, error) = distill.Run(
            [.. several, "--threat", "linf:0.01,l1:0.2", "--rows", "rows.jsonl", "--fail-under", "99", "--accept-flags", "OneClass"]);
        Assert.True(code == 3, output + error);
        Assert.StartsWith("Against Linf 0.01, L1 0.2: union: ", error);
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(distill.Folder, "report.json")));
        var union = document.RootElement.GetProperty("union").GetProperty("accuracy").GetDouble();
        Assert.Contains(FormattableString.Invariant($"union: {100 * union:F2} %"), error);
        var evaluations = document.RootElement.GetProperty("evaluations").EnumerateArray().ToArray();
        Assert.All(evaluations, each => Assert.True(
            each.GetProperty("worstCase").GetProperty("accuracy").GetDouble() >= union));
        Assert.Equal("apgd-ce", evaluations[1].GetProperty("attacks")[0].GetProperty("name").GetString());
        Assert.Equal(200, File.ReadLines(Path.Combine(distill.Folder, "rows.jsonl")).Count(line => line.Contains("\"threat\":\"L")));
        Assert.Equal(3, XDocument.Load(Path.Combine(distill.Folder, "junit.xml")).Descendants("testsuite").Count());
        Assert.Contains(">union <span", File.ReadAllText(Path.Combine(distill.Folder, "report.html")));
    }

    [Theory]
    [InlineData("expected percent from 1 to 100, such as 45", "--fail-under", "0.45")]
    [InlineData("expected percent from 1 to 100, such as 45", "--fail-under", "450")]
    [InlineData("--accept-flags 'Zero': expected RandomOutputs, NotFinite", "--accept-flags", "Zero")]
    [InlineData("--fail-under and several budgets are given", "--fail-under", "45", "--eps", "0,0.1")]
    [InlineData("--junit and --shard are given, expected --junit where the shards are merged", "--junit", "x", "--shard", "1/2")]
    public void What_cannot_be_meant_is_refused(string expected, params string[] arguments)
    {
        var (code, _, error) = distill.Run(["evaluate", "--model", "none", .. arguments]);
        Assert.Equal(2, code);
        Assert.Contains(expected, error);
    }
}
