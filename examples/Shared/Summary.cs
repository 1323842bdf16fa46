using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace Ard.Examples;

/// <summary>One trained network. Seconds are those of its training; accuracies are percentages of the test images.</summary>
internal sealed record Row(string Model, string Method, long Parameters, double Seconds, double Clean, double Fgsm, double Pgd20)
{
    /// <summary>The seconds as text.</summary>
    [JsonIgnore]
    public string Duration => Trainers.Training.Duration.Text(TimeSpan.FromSeconds(Seconds));

    /// <summary>What its training had to warn of.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Reasons not to believe the accuracies.</summary>
    public IReadOnlyList<string> Flags { get; init; } = [];
}

/// <summary>The results as a table and as a file.</summary>
internal static class Summary
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static void Write(string path, IReadOnlyList<Row> rows) =>
        OutputFile.Write(path, JsonSerializer.Serialize(rows, Json));

    /// <summary>The table, and below it flags and warnings.</summary>
    public static void Print(IReadOnlyList<Row> rows)
    {
        PrintTable(rows);
        foreach (var row in rows)
        {
            foreach (var flag in row.Flags) Console.WriteLine($"{row.Model}, {row.Method}: flag: {flag}");
            foreach (var warning in row.Warnings) Console.WriteLine($"{row.Model}, {row.Method}: {warning}");
        }
    }

    private static void PrintTable(IReadOnlyList<Row> rows)
    {
        string[] titles = ["model", "method", "parameters", "seconds", "clean", "FGSM", "PGD-20"];
        string[][] cells =
        [
            .. rows.Select(row => new[]
            {
                row.Model, row.Method, $"{row.Parameters:N0}", $"{row.Seconds:F1}", $"{row.Clean:F1}", $"{row.Fgsm:F1}", $"{row.Pgd20:F1}",
            }),
        ];
        Console.WriteLine();
        if (!Display.IsLive)
        {
            var widths = titles.Select((title, column) => cells.Select(line => line[column].Length).Append(title.Length).Max()).ToArray();
            foreach (var line in cells.Prepend(titles))
                Console.WriteLine(string.Join("  ", line.Select((text, column) =>
                    column < 2 ? text.PadRight(widths[column]) : text.PadLeft(widths[column]))));
            return;
        }
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var (column, title) in titles.Index())
            table.AddColumn(title, cell => cell.Alignment(column < 2 ? Justify.Left : Justify.Right));
        foreach (var line in cells) table.AddRow(line.Select(Markup.Escape).ToArray());
        AnsiConsole.Write(table);
    }
}
