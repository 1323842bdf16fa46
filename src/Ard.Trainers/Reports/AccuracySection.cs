namespace Ard.Trainers.Reports;

/// <summary>Clean, under each attack, and under the worst of them: as bars and as a table.</summary>
internal static class AccuracySection
{
    private const string Title = "images right";

    public static Markup? Render(IReadOnlyList<ModelReport> models)
    {
        var evaluated = models.Where(model => model.Robustness is not null).ToArray();
        if (evaluated.Length == 0) return null;
        var section = Markup.Format($"<p>The share of images that a network gets right: as they are (clean), and after each attack. ")
            .Line($"{Threats(evaluated)}</p>");
        foreach (var meaning in evaluated.Select(model => model.Robustness!.BlackBox).Distinct())
            if (meaning is not null) section.Line($"<p>{meaning}</p>");
        var bars = Page.Figure(
            "Right, in percent of the images", BarChart.Draw(Title, [.. evaluated.Select(Bars)]),
            "Thin lines: 95 % intervals, as the images are a sample.");
        var rows = new Markup().Each(evaluated, Rows);
        var table = Page.Table("Images right", ["attack", "right", "95 % interval", "images"], rows, "attacks");
        return section.Line($"<div class=\"grid-of-figures\">{bars}<div class=\"scroll\">{table}</div></div>");
    }

    /// <summary>The bars as a file of their own; null where nothing was evaluated.</summary>
    public static Markup? Picture(IReadOnlyList<ModelReport> models)
    {
        var evaluated = models.Where(model => model.Robustness is not null).ToArray();
        return evaluated.Length == 0 ? null : BarChart.Draw(Title, [.. evaluated.Select(Bars)], standalone: true);
    }

    private static IEnumerable<AttackResult> Results(ModelReport model)
    {
        var report = model.Robustness!;
        // The worst case of one attack is that attack.
        AttackResult[] worst = report.Attacks.Count == 1 ? [] : [report.WorstCase];
        AttackResult[] union = model.Union is null ? [] : [model.Union];
        return [report.Clean, .. report.Attacks, .. worst, .. union];
    }

    private static BarGroup Bars(ModelReport model) => new(
        model.Name, [.. Results(model).Select(result => new Bar(Text.Attack(result.Name), result.Accuracy, result.Interval))]);

    private static string Threats(ModelReport[] models)
    {
        var different = models.GroupBy(model => model.Robustness!.Threat).ToArray();
        return string.Join(" ", different.Select(group => $"The adversary{Of(group)}: {Text.Threat(group.Key)}."));

        string Of(IEnumerable<ModelReport> group) =>
            different.Length == 1 ? "" : " of " + string.Join(" and ", group.Select(model => model.Name));
    }

    private static Markup Rows(ModelReport model)
    {
        var rows = Markup.Format($"<tr><th scope=\"rowgroup\" colspan=\"4\">{model.Name}{Note(model.Description)}</th></tr>\n");
        foreach (var result in Results(model))
        {
            var agreement = result.SurrogateAgreement is not { } share ? null
                : $"its surrogate says the same of {Text.Percent(share)} of these clean images; of others fewer, if it learned from these";
            rows.Add($"{Page.Row(
                Markup.Format($"{Text.Attack(result.Name)}{Note(result.Details)}{Note(agreement)}"),
                Text.Percent(result.Accuracy), Text.Percent(result.Interval), Text.Of(result.CorrectCount, result.Points.Count))}");
            foreach (var part in result.Parts)
                rows.Add($"<tr><th scope=\"row\" class=\"part\">after {part.Name}</th>")
                    .Add($"<td>{Text.Percent((double)part.CorrectCount / result.Points.Count)}</td><td></td>")
                    .Line($"<td>{Text.Of(part.CorrectCount, result.Points.Count)}</td></tr>");
        }
        if (model.Judgement is { } judged)
            rows.Add($"{Page.Row(
                $"the worst points, judged {Text.Number(judged.Accuracies.Count)} times", Text.Percent(judged.Mean),
                Text.Percent(judged.Interval), $"{Text.Percent(judged.Accuracies.Min())} to {Text.Percent(judged.Accuracies.Max())}")}");
        return Markup.Format($"<tbody>{rows}</tbody>\n");
    }

    private static Markup? Note(string? text) => string.IsNullOrEmpty(text) ? null : Markup.Format($" <span class=\"note\">{text}</span>");
}
