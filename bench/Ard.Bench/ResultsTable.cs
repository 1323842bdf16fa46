using System.Globalization;
using System.Text.Json;

namespace Ard.Bench;

/// <summary><c>bench table DIR</c>: the summary.json files of several seeds, one folder each, as one Markdown table of mean ± deviation.</summary>
internal static class ResultsTable
{
    private sealed record Row(string Model, string Method, long Parameters, double Seconds, double Clean, double Fgsm, double Pgd20);

    public static int Run(string[] args)
    {
        if (args is not [var folder] || !Directory.Exists(folder)) throw new ArgumentException("table: expected one folder, whose folders hold a summary.json each.");
        var files = Directory.GetFiles(folder, "summary.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray();
        if (files.Length == 0) throw new ArgumentException($"table: no summary.json below {folder}.");
        var rows = files.SelectMany(file => JsonSerializer.Deserialize<Row[]>(File.ReadAllText(file), JsonSerializerOptions.Web)!).ToArray();
        Console.WriteLine("| model | method | parameters | runs | seconds | clean | FGSM | PGD-20 |");
        Console.WriteLine("|---|---|--:|--:|--:|--:|--:|--:|");
        foreach (var group in rows.GroupBy(row => (row.Model, row.Method, row.Parameters)))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {group.Key.Model} | {group.Key.Method} | {group.Key.Parameters:N0} | {group.Count()} | {group.Average(row => row.Seconds):F0} " +
                $"| {Spread(group, row => row.Clean)} | {Spread(group, row => row.Fgsm)} | {Spread(group, row => row.Pgd20)} |"));
        return 0;
    }

    // Mean ± standard deviation of the sample; one run has none.
    private static string Spread(IEnumerable<Row> rows, Func<Row, double> figure)
    {
        var values = rows.Select(figure).ToArray();
        var mean = values.Average();
        return values.Length < 2
            ? mean.ToString("F1", CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture, $"{mean:F1} ± {Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1)):F1}");
    }
}
