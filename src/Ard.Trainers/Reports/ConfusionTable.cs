using System.Globalization;
using Ard.Trainers.Evaluation;

namespace Ard.Trainers.Reports;

/// <summary>True classes against those that they are taken for, under the worst of all attacks.</summary>
internal static class ConfusionTable
{
    /// <summary>With more classes than this, a table would be unreadable: the most frequent mistakes are listed.</summary>
    private const int MostClasses = 20, MostMistakes = 15;

    public static Markup? Render(IReadOnlyList<ModelReport> models, Func<long, string> name)
    {
        var known = models.Where(model => model.Robustness is { Labels.Count: > 0 } report
            && report.WorstCase.Predictions.Count == report.Labels.Count).ToArray();
        if (known.Length == 0) return null;
        var section = new Markup();
        section.Line(
            $"<p>Under the worst of the attacks: a row for each true class, a column for each class that its images are taken "
            + $"for, and the number of images. Framed: right. The stronger the shade, the larger the share of the row.</p>");
        section.Line($"<div class=\"grid-of-figures\">").Each(known, model => Table(model, name));
        return section.Add($"</div>");
    }

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
        if (classes.Length > MostClasses) return Mistakes(model, counts, name);
        var table = new Markup();
        table.Line($"<figure><div class=\"scroll\"><table class=\"confusion\"><caption>{model.Name}</caption>")
            .Line($"<thead><tr><th scope=\"col\">true class ↓<br>taken for →</th>")
            .Each(classes, column => Markup.Format($"<th scope=\"col\"><span title=\"{name(column)}\">{name(column)}</span></th>"))
            .Line($"</tr></thead><tbody>");
        foreach (var row in classes)
        {
            var total = classes.Sum(column => counts[row, column]);
            table.Add($"<tr><th scope=\"row\" title=\"{name(row)}\">{name(row)}</th>");
            table.Each(classes, column => Cell(counts[row, column], total, row == column)).Line($"</tr>");
        }
        return table.Line($"</tbody></table></div></figure>");
    }

    private static Markup Cell(int count, int total, bool right)
    {
        var share = total == 0 ? 0 : (double)count / total;
        var kind = right ? "right" : count == 0 ? "none" : "wrong";
        var text = count == 0 ? "·" : count.ToString(CultureInfo.InvariantCulture);
        return Markup.Format($"<td class=\"{kind}\" style=\"--p:{share:0.##}\">{text}</td>");
    }

    private static Markup Mistakes(ModelReport model, int[,] counts, Func<long, string> name)
    {
        var classes = Enumerable.Range(0, counts.GetLength(0)).ToArray();
        var most = classes.SelectMany(row => classes.Select(column => (Row: row, Column: column, Count: counts[row, column])))
            .Where(pair => pair.Row != pair.Column && pair.Count > 0).OrderByDescending(pair => pair.Count).Take(MostMistakes);
        var table = new Markup();
        table.Line($"<figure><div class=\"scroll\"><table>")
            .Line($"<caption>{model.Name}: the most frequent mistakes among {classes.Length} classes</caption><thead><tr>")
            .Line($"<th scope=\"col\">true class</th><th scope=\"col\">taken for</th><th scope=\"col\">images</th></tr></thead><tbody>");
        table.Each(most, pair => new Markup().Line(
            $"<tr><th scope=\"row\">{name(pair.Row)}</th><td>{name(pair.Column)}</td><td>{pair.Count:N0}</td></tr>"));
        return table.Line($"</tbody></table></div></figure>");
    }
}
