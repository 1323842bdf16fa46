using Ard.Trainers.Evaluation;

namespace Ard.Trainers.Reports;

/// <summary>The classes under the worst of all attacks, the weakest first.</summary>
internal static class ClassSection
{
    /// <summary>Of more classes than this the weakest are shown.</summary>
    private const int MostClasses = 20;

    private const string Title = "Images right by class, under attack";

    // All bars are of one kind.
    private const int Shade = 2;

    public static Markup? Render(IReadOnlyList<ModelReport> models, Func<long, string> name)
    {
        var known = models.Where(model => model.Robustness is { Labels.Count: > 0 }).ToArray();
        if (known.Length == 0) return null;
        var section = new Markup();
        section.Line(
            $"<p>Robustness is seldom even. Each class by itself under the worst of the attacks, the weakest first; of few images a figure "
            + $"says little, and the lowest of several is rather too low.</p>");
        return section.Line($"<div class=\"grid-of-figures\">").Each(known, model => Figure(model, name)).Add($"</div>");
    }

    private static Markup Figure(ModelReport model, Func<long, string> name)
    {
        var all = model.Robustness!.Classes;
        ClassAccuracy[] shown = [.. all.OrderBy(each => each.Accuracy).ThenBy(each => each.Interval.High).Take(MostClasses)];
        var bars = new BarGroup(model.Name, [.. shown.Select(each => new Bar(name(each.Class), each.Accuracy, each.Interval, Shade))]);
        var figure = new Markup();
        figure.Line($"<figure class=\"chart\"><figcaption>{Title}</figcaption>").Line($"{BarChart.Draw(Title, [bars])}");
        if (shown.Length < all.Count) figure.Line($"<p class=\"note\">The weakest {shown.Length} of {all.Count} classes.</p>");
        figure.Line($"<details class=\"figures\"><summary>Figures</summary><div class=\"scroll\"><table><caption>{model.Name}</caption>")
            .Line($"<thead><tr><th scope=\"col\">class</th><th scope=\"col\">images</th><th scope=\"col\">clean</th>")
            .Line($"<th scope=\"col\">attacked</th><th scope=\"col\">95 % interval</th></tr></thead><tbody>");
        return figure
            .Each(shown, each => Markup.Format($"<tr><th scope=\"row\">{name(each.Class)}</th><td>{each.Images:N0}</td>")
                .Add($"<td>{Text.Percent((double)each.CleanCount / each.Images)}</td>")
                .Line($"<td>{Text.Percent(each.Accuracy)}</td><td>{Text.Percent(each.Interval)}</td></tr>"))
            .Line($"</tbody></table></div></details></figure>");
    }
}
