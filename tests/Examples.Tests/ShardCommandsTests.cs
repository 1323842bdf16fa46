namespace Ard.Examples.Tests;

/// <summary>evaluate in shards, and merge.</summary>
public sealed class ShardCommandsTests : IDisposable
{
    private readonly ExampleProgram distill = new("Distill");

    public void Dispose() => distill.Dispose();

    [Fact]
    public void Merged_shards_print_the_figures_of_one_process_and_missing_ones_are_named()
    {
        var (trained, _, wrong) = distill.Run(
            "distill", "--method", "natural", "--epochs", "1", "--train-images", "100", "--test-images", "20", "--output", "out");
        Assert.True(trained == 0, wrong);
        string[] evaluate =
        [
            "evaluate", "--model", Path.Combine("out", "student-natural.safetensors"), "--test-images", "60", "--images-at-a-time", "8",
            "--eps", "0.02", "--device", "cpu", "--threads", "1",
        ];
        var whole = distill.Run(evaluate);
        Assert.Equal(0, whole.Code);

        Assert.Equal(0, distill.Run([.. evaluate, "--state", "state", "--shard", "1/3"]).Code);
        Assert.Equal(0, distill.Run([.. evaluate, "--state", "state", "--shard", "3/3"]).Code);
        var missing = distill.Run("merge", "state");
        Assert.Equal(2, missing.Code);
        Assert.Contains("none of shard 2", missing.Error);

        Assert.Equal(0, distill.Run([.. evaluate, "--state", "state", "--shard", "2/3"]).Code);
        var merged = distill.Run("merge", ".", "--json", "merged.json", "--rows", "merged.jsonl");
        Assert.True(merged.Code == 0, merged.Error);
        Assert.Contains("Weakest class: ", merged.Output);
        Assert.Contains("\"points\":", File.ReadAllText(Path.Combine(distill.Folder, "merged.json")));
        Assert.Equal(60, File.ReadLines(Path.Combine(distill.Folder, "merged.jsonl")).Count());
        Assert.Contains("state: 3 shards", merged.Output);
        Assert.Equal(Figures(whole.Output), Figures(merged.Output));
        var figures = distill.Run([.. evaluate, "--state", "state"]);
        Assert.Equal(Figures(whole.Output), Figures(figures.Output));

        var alone = distill.Run([.. evaluate, "--shard", "1/3"]);
        Assert.Equal(2, alone.Code);
        Assert.Contains("--shard needs --state", alone.Error);
    }

    // Without what is shown meanwhile.
    private static string[] Figures(string output) =>
        [.. output.Split('\n').Where(line => line.Contains(" right; ", StringComparison.Ordinal))];
}
