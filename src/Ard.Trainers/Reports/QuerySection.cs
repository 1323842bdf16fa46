using System.Globalization;
using Ard.Trainers.Evaluation;

namespace Ard.Trainers.Reports;

/// <summary>Accuracy over the queries of models that were asked only, a chart for each.</summary>
internal static class QuerySection
{
    public static Markup? Render(IReadOnlyList<ModelReport> models)
    {
        var asked = models
            .Where(model => model.Robustness is { BlackBox: not null, Clean.Points.Count: > 0, Attacks.Count: > 0 }).ToArray();
        if (asked.Length == 0) return null;
        var section = new Markup();
        section.Line(
            $"<p>How the accuracy falls as an adversary asks the model more often for each image. A curve that still falls at its end "
            + $"has not seen the worst.</p>");
        section.Line($"<div class=\"grid-of-figures\">").Each(asked, model => Chart(model.Name, model.Robustness!).Draw());
        return section.Add($"</div>");
    }

    private static LineChart Chart(string name, RobustnessReport report)
    {
        // At 1, 2, 5, 10, 20 ... queries, up to the most that an image was asked for.
        var most = report.Attacks.SelectMany(attack => attack.Points).Max(point => point.ForwardPasses ?? 1);
        long[] queries =
        [
            .. Enumerable.Range(0, 18).SelectMany(power => new[] { 1L, 2, 5 }.Select(digit => digit * (long)Math.Pow(10, power)))
                .TakeWhile(number => number < most),
            most,
        ];
        return new LineChart(
            $"{name}: images right over the queries", "queries an image", "images right, %",
            new Axis(0, Math.Max(1, Math.Ceiling(Math.Log10(most))), 1),
            Axis.Percent,
            [
                .. report.Attacks.Select(attack => new Series(
                    Text.Attack(attack.Name), [.. queries.Select(number => (Math.Log10(number), 100 * attack.AccuracyAfter(number)))])),
            ])
        {
            XIsPower = true,
            YFormat = "F1",
            Note = string.Join(" ", report.Attacks.Select(attack => attack.MedianQueries is { } median
                ? $"Half of the images that {Text.Attack(attack.Name)} broke needed "
                    + string.Create(CultureInfo.InvariantCulture, $"{median:N0} queries or fewer.")
                : $"{Text.Attack(attack.Name)} broke none.")),
        };
    }
}
