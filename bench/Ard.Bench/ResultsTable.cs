using System.CommandLine;
using System.Globalization;

namespace Ard.Bench;

/// <summary>
/// <c>bench table DIR</c>: the summary.json files of several seeds, one folder each, as one Markdown table of mean ± deviation.
/// </summary>
internal static class ResultsTable
{
    public static Command Command()
    {
        var folder = new Argument<DirectoryInfo>("folder").AcceptExistingOnly();
        var command = new Command("table", "The summary.json files of several seeds as a Markdown table.") { folder };
        command.SetAction(p => Run(p.GetValue(folder)!.FullName));
        return command;
    }

    private static void Run(string folder)
    {
        var files = Directory.GetFiles(folder, "summary.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray();
        if (files.Length == 0) throw new ArgumentException($"table: no summary.json below {folder}.");
        Console.WriteLine("| model | method | parameters | runs | clean | FGSM | PGD-20 |");
        Console.WriteLine("|---|---|--:|--:|--:|--:|--:|");
        foreach (var group in files.SelectMany(SummaryRow.Read).GroupBy(row => (row.Model, row.Method, row.Parameters)))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {group.Key.Model} | {group.Key.Method} | {group.Key.Parameters:N0} | {group.Count()} " +
                $"| {Spread(group, row => row.Clean)} | {Spread(group, row => row.Fgsm)} | {Spread(group, row => row.Pgd20)} |"));
    }

    // Mean ± standard deviation of the sample; one run has none.
    private static string Spread(IEnumerable<SummaryRow> rows, Func<SummaryRow, double> figure)
    {
        var values = rows.Select(figure).ToArray();
        var mean = values.Average();
        if (values.Length < 2) return mean.ToString("F1", CultureInfo.InvariantCulture);
        var deviation = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1));
        return string.Create(CultureInfo.InvariantCulture, $"{mean:F1} ± {deviation:F1}");
    }
}
