using System.Text.RegularExpressions;

namespace Ard.Examples.Tests;

/// <summary>compare, of the reports that evaluate --json writes.</summary>
public sealed class CompareCommandTests : IDisposable
{
    private readonly ExampleProgram distill = new("Distill");

    public void Dispose() => distill.Dispose();

    [Fact]
    public void Two_networks_are_compared_image_by_image_and_reports_of_another_budget_are_refused()
    {
        var (trained, _, wrong) = distill.Run(
            "distill", "--method", "natural,at", "--epochs", "2", "--train-images", "200", "--test-images", "20", "--output", "out");
        Assert.True(trained == 0, wrong);
        void Evaluate(string method, string eps, string json)
        {
            var (code, _, error) = distill.Run(
                "evaluate", "--model", Path.Combine("out", $"student-{method}.safetensors"), "--test-images", "60", "--attacks", "fgsm",
                "--eps", eps, "--device", "cpu", "--threads", "1", "--json", json, "--rows", json + "l");
            Assert.True(code == 0, error);
        }
        Evaluate("natural", "0.1", "a.json");
        Evaluate("at", "0.1", "b.json");
        Evaluate("at", "0.05", "c.json");

        var (code, output, error) = distill.Run("compare", "a.json", "b.json", "--report", "both.html");
        Assert.True(code == 0, error);
        // What each got right of the worst case, by the lines of --rows.
        bool[] Right(string file) => [.. File.ReadLines(Path.Combine(distill.Folder, file)).Select(line =>
            Regex.Match(line, "\"label\":(\\d+).*\"attacked\":(\\d+)") is var match && match.Groups[1].Value == match.Groups[2].Value)];
        var pairs = Right("a.jsonl").Zip(Right("b.jsonl")).ToArray();
        var (first, second) = (pairs.Count(pair => pair is (true, false)), pairs.Count(pair => pair is (false, true)));
        Assert.Matches($@"worst case .* {first} right for the first only, {second} for the second only\)", output);
        Assert.Contains("<h2 id=\"comparison\">", File.ReadAllText(Path.Combine(distill.Folder, "both.html")));

        var refused = distill.Run("compare", "a.json", "c.json");
        Assert.Equal(2, refused.Code);
        Assert.Contains("c.json: the threat model is Linf 0.05, expected Linf 0.1 as of a.json", refused.Error);
    }
}
