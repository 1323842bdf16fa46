using Ard.Trainers.Evaluation;

namespace Ard.Trainers.Reports;

/// <summary>Clean, under each attack, and under the worst of them: as bars and as a table.</summary>
internal static class AccuracySection
{
    private const string Title = "images right";

    public static Markup? Render(IReadOnlyList<ModelReport> models)
    {
        var evaluated = models.Where(model => model.Robustness is not null).ToArray();
        if (evaluated.Length == 0) return null;
        var section = new Markup();
        section.Line(
            $"<p>The share of images that a network gets right: as they are (clean), and after each attack. "
            + $"{Threats(evaluated)}</p>");
        foreach (var meaning in evaluated.Select(model => model.Robustness!.BlackBox).Distinct())
            if (meaning is not null) section.Line($"<p>{meaning}</p>");
        section.Line($"<div class=\"grid-of-figures\"><figure class=\"chart\"><figcaption>Right, in percent of the images</figcaption>");
        section.Line($"{BarChart.Draw(Title, [.. evaluated.Select(Bars)])}");
        section.Line($"<p class=\"note\">Thin lines: 95 % intervals, as the images are a sample.</p></figure>");
        return section.Line($"{Table(evaluated)}</div>");
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

    private static Markup Table(ModelReport[] models)
    {
        var table = new Markup();
        table.Line($"<div class=\"scroll\"><table class=\"attacks\"><caption>Images right</caption>")
            .Line($"<thead><tr><th scope=\"col\">attack</th>")
            .Line($"<th scope=\"col\">right</th><th scope=\"col\">95 % interval</th><th scope=\"col\">images</th></tr></thead>");
        foreach (var model in models)
        {
            table.Line($"<tbody><tr><th scope=\"rowgroup\" colspan=\"4\">{model.Name}{Described(model)}</th></tr>");
            foreach (var result in Results(model))
            {
                table.Add($"<tr><th scope=\"row\">{Text.Attack(result.Name)}{Note(result.Details)}{Agreement(result)}</th>")
                    .Add($"<td>{Text.Percent(result.Accuracy)}</td><td>{Text.Percent(result.Interval)}</td>")
                    .Line($"<td>{result.CorrectCount:N0} of {result.Points.Count:N0}</td></tr>");
                foreach (var part in result.Parts)
                    table.Add($"<tr><th scope=\"row\" class=\"part\">after {part.Name}</th>")
                        .Add($"<td>{Text.Percent((double)part.CorrectCount / result.Points.Count)}</td><td></td>")
                        .Line($"<td>{part.CorrectCount:N0} of {result.Points.Count:N0}</td></tr>");
            }
            if (model.Judgement is { } judged)
                table.Add($"<tr><th scope=\"row\">the worst points, judged {judged.Accuracies.Count:N0} times</th>")
                    .Add($"<td>{Text.Percent(judged.Mean)}</td><td>{Text.Percent(judged.Interval)}</td>")
                    .Line($"<td>{Text.Percent(judged.Accuracies.Min())} to {Text.Percent(judged.Accuracies.Max())}</td></tr>");
            table.Line($"</tbody>");
        }
        return table.Add($"</table></div>");
    }

    private static Markup? Agreement(AttackResult result) => result.SurrogateAgreement is { } share
        ? Note($"its surrogate says the same of {Text.Percent(share)} of these clean images; of others fewer, if it learned from these")
        : null;

    private static Markup? Described(ModelReport model) => Note(model.Description);

    private static Markup? Note(string? text) => string.IsNullOrEmpty(text) ? null : Markup.Format($" <span class=\"note\">{text}</span>");
}
