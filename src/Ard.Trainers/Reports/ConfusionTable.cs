namespace Ard.Trainers.Reports;

/// <summary>True classes against those that they are taken for, under the worst of all attacks.</summary>
internal static class ConfusionTable
{
    /// <summary>With more classes than this, a table would be unreadable: the most frequent mistakes are listed.</summary>
    private const int MostClasses = 20, MostMistakes = 15;

    public static Markup? Render(IReadOnlyList<ModelReport> models, Func<long, string> name) =>
        Page.Section(
            [.. models.Where(model => model.Robustness is { Labels.Count: > 0 } report
                && report.WorstCase.Predictions.Count == report.Labels.Count)],
            "Under the worst of the attacks: a row for each true class, a column for each class that its images are taken for, and the "
            + "number of images. Framed: right. The stronger the shade, the larger the share of the row.",
            model => Markup.Format($"<figure><div class=\"scroll\">{Table(model, name)}</div></figure>\n"));

    /// <summary>
    /// How many images of each true class (first index) are taken for each class. Those for which the network's output was not finite are
    /// taken for none.
    /// </summary>
    internal static int[,] Count(RobustnessReport report)
    {
        var classes = (int)report.Labels.Concat(report.WorstCase.Predictions).Max() + 1;
        var counts = new int[classes, classes];
        foreach (var (truth, taken) in report.Labels.Zip(report.WorstCase.Predictions).Where(pair => pair.Second >= 0))
            counts[truth, taken]++;
        return counts;
    }

    private static Markup Table(ModelReport model, Func<long, string> name)
    {
        var counts = Count(model.Robustness!);
        var classes = Enumerable.Range(0, counts.GetLength(0)).ToArray();
        if (classes.Length > MostClasses) return Mistakes(model, counts, classes, name);
        var rows = new Markup().Each(classes, row =>
        {
            var total = classes.Sum(column => counts[row, column]);
            return Markup.Format($"<tr><th scope=\"row\" title=\"{name(row)}\">{name(row)}</th>")
                .Each(classes, column => Cell(counts[row, column], total, row == column)).Line($"</tr>");
        });
        return Page.Table(
            model.Name,
            [
                Markup.Format($"true class ↓<br>taken for →"),
                .. classes.Select(column => Markup.Format($"<span title=\"{name(column)}\">{name(column)}</span>")),
            ], rows, "confusion");
    }

    private static Markup Cell(int count, int total, bool right)
    {
        var share = total == 0 ? 0 : (double)count / total;
        var kind = right ? "right" : count == 0 ? "none" : "wrong";
        var text = count == 0 ? "·" : count.ToString(CultureInfo.InvariantCulture);
        return Markup.Format($"<td class=\"{kind}\" style=\"--p:{share:0.##}\">{text}</td>");
    }

    private static Markup Mistakes(ModelReport model, int[,] counts, int[] classes, Func<long, string> name)
    {
        var most = classes.SelectMany(row => classes.Select(column => (Row: row, Column: column, Count: counts[row, column])))
            .Where(pair => pair.Row != pair.Column && pair.Count > 0).OrderByDescending(pair => pair.Count).Take(MostMistakes);
        return Page.Table(
            $"{model.Name}: the most frequent mistakes among {classes.Length} classes", ["true class", "taken for", "images"],
            new Markup().Each(most, pair => Page.Row(name(pair.Row), name(pair.Column), Text.Number(pair.Count))));
    }
}
