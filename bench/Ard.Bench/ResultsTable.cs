namespace Ard.Bench;

/// <summary>
/// <c>bench table DIR</c>: the summary.json files of several seeds, one folder each, as one Markdown table of mean ± deviation.
/// <c>bench table DIR ATTACK ...</c>: the same of what <c>./ard evaluate</c> printed, a folder a network and a .txt file a seed.
/// </summary>
internal static class ResultsTable
{
    private static readonly Argument<DirectoryInfo> Folder = new Argument<DirectoryInfo>("folder").AcceptExistingOnly();
    private static readonly Argument<string[]> Attacks = new("attacks")
    {
        Description = "Of evaluations in .txt files, such as clean and pgd-20.",
    };

    public static Command Command() => Options.Command(
        "table", "Results of several seeds as a Markdown table.", p => Run(p.GetValue(Folder)!.FullName, p.GetValue(Attacks)!), Folder,
        Attacks);

    private static void Run(string folder, string[] attacks)
    {
        if (attacks.Length > 0)
        {
            Markdown.Header(["network", .. attacks]);
            foreach (var network in Directory.GetDirectories(folder).Order(StringComparer.Ordinal))
                Markdown.Row([Path.GetFileName(network), .. attacks.Select(attack => Spread(Accuracies(network, attack)))]);
            return;
        }
        var files = Directory.GetFiles(folder, "summary.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray();
        if (files.Length == 0) throw new ArgumentException($"table: no summary.json below {folder}.");
        Console.WriteLine("| model | method | parameters | runs | clean | FGSM | PGD-20 |");
        Console.WriteLine("|---|---|--:|--:|--:|--:|--:|");
        foreach (var group in files.SelectMany(SummaryRow.Read).GroupBy(row => (row.Model, row.Method, row.Parameters)))
            Markdown.Row(
                group.Key.Model, group.Key.Method, $"{group.Key.Parameters:N0}", $"{group.Count()}", Spread(group.Select(row => row.Clean)),
                Spread(group.Select(row => row.Fgsm)), Spread(group.Select(row => row.Pgd20)));
    }

    // A line of an evaluation: the attack, its accuracy in percent, and more.
    private static IEnumerable<double> Accuracies(string folder, string attack) =>
        from file in Directory.GetFiles(folder, "*.txt")
        from line in File.ReadLines(file)
        let words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        where words.Length > 1 && words[0] == attack
        select double.Parse(words[1]);

    // Mean ± standard deviation of the sample; one run has none.
    private static string Spread(IEnumerable<double> figures)
    {
        var values = figures.ToArray();
        var mean = values.Average();
        if (values.Length < 2) return $"{mean:F1}";
        var deviation = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1));
        return $"{mean:F1} ± {deviation:F1}";
    }
}

/// <summary>A line of the summary.json that the example program writes: one trained network, accuracies in percent.</summary>
internal sealed record SummaryRow(string Model, string Method, long Parameters, double Seconds, double Clean, double Fgsm, double Pgd20)
{
    public static SummaryRow[] Read(string file) =>
        JsonSerializer.Deserialize<SummaryRow[]>(File.ReadAllText(file), JsonSerializerOptions.Web)!;
}
