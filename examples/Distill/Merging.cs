using System.CommandLine;
using Ard.Trainers.Evaluation;
using static Ard.Examples.Distill.CommandLine;

namespace Ard.Examples.Distill;

/// <summary>The verb merge: the state files of an evaluation's shards put together, and the figures.</summary>
internal static class Merging
{
    private static readonly Argument<string> File = new("FILE")
    {
        Description = "What evaluate --shard had as --state: FILE.1-of-8 and so on are read. Or a folder with these.",
    };

    public static Command Verb { get; } = CommandLine.Verb(
        "merge", "Puts the shards of an evaluation together and prints the figures.",
        p => Run(p.GetValue(File)!, p.GetValue(Json), p.GetValue(Rows)), File, Json, Rows);

    private static int Run(string file, string? json, string? rows)
    {
        if (Directory.Exists(file)) file = OnlyState(file);
        var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        string[] shards = [.. Directory.GetFiles(folder, $"{Path.GetFileName(file)}.*-of-*").Order(StringComparer.Ordinal)];
        var report = EvaluationShard.Merge(shards, file);
        Console.WriteLine($"{file}: {shards.Length} shards");
        if (report is not null) Figures.Print(report);
        if (report is null && (json ?? rows) is { } unmade)
            throw new ArgumentException($"{unmade}: the shards have an attack of your own, expected those of evaluate --attacks.");
        if (json is not null) report!.SaveJson(json);
        if (rows is not null) report!.SaveRows(rows);
        Console.WriteLine($"The same evaluate with --state {file} and without --shard "
            + (report is null ? "prints the figures." : "writes page, JSON and examples."));
        return 0;
    }

    // What the shards in a folder are of.
    private static string OnlyState(string folder)
    {
        string[] states = [.. Directory.GetFiles(folder, "*.*-of-*").Select(file => Path.ChangeExtension(file, null)).Distinct()];
        return states is [var only] ? only : throw new ArgumentException(
            $"{folder}: expected the shards of one evaluation, found those of {states.Length}: {string.Join(", ", states)}.");
    }
}
