using Ard.Trainers.Attacks;

namespace Ard.Trainers.Reports;

/// <summary>Accuracy over the budget, the networks' curves in one chart for each norm.</summary>
internal static class CurveSection
{
    public static Markup? Render(IReadOnlyList<ModelReport> models)
    {
        var curves = models.Where(model => model.Curve is { Points.Count: > 0 }).GroupBy(model => model.Curve!.Norm).ToArray();
        if (curves.Length == 0) return null;
        var section = new Markup();
        section.Line(
            $"<p>How the accuracy falls as the adversary may change more. At a budget of 0 it is that of clean images. A robust "
            + $"network falls slowly; at a large enough budget every network reaches 0, and one that does not was not attacked "
            + $"well.</p>");
        section.Line($"<div class=\"grid-of-figures\">").Each(curves, group => Chart(group.Key, [.. group]).Draw());
        return section.Add($"</div>");
    }

    /// <summary>The chart as a file of its own; null where there are no curves, or curves of several norms.</summary>
    public static Markup? Picture(IReadOnlyList<ModelReport> models)
    {
        var curves = models.Where(model => model.Curve is { Points.Count: > 0 }).ToArray();
        return curves.DistinctBy(model => model.Curve!.Norm).Count() == 1 ? Chart(curves[0].Curve!.Norm, curves).Picture() : null;
    }

    private static LineChart Chart(Norm norm, ModelReport[] models)
    {
        var budgets = models.SelectMany(model => model.Curve!.Points).Select(point => point.Epsilon).Distinct().ToArray();
        // In steps of eight-bit images where all budgets are.
        var unit = norm == Norm.Linf && budgets.All(budget => Math.Abs(budget * 255 - Math.Round(budget * 255)) < 1e-6) ? 255 : 1;
        var counts = models.Select(model => model.Curve!.Points[0].Correct.Count).Distinct().ToArray();
        var attacks = models.SelectMany(model => model.Curve!.Attacks).Distinct().Select(Text.Attack).ToArray();
        return new LineChart(
            $"Images right over the budget in {norm}",
            unit == 255 ? $"budget in {norm}, in 1/255" : $"budget in {norm}",
            "images right, %",
            Axis.Between([.. budgets.Select(budget => unit * budget)]),
            Axis.Percent,
            [
                .. models.Select(model => new Series(
                    model.Name, [.. model.Curve!.Points.Select(point => (unit * point.Epsilon, 100 * point.Accuracy))])),
            ])
        {
            YFormat = "F1",
            Note = $"On {string.Join(" or ", counts.Select(count => Text.Count(count, "image")))}"
                + (attacks.Length == 0 ? "." : $", under {(attacks.Length == 1 ? "" : "the worst of ")}{string.Join(", ", attacks)}.")
                + $" With {counts.Min()} images a figure is uncertain by up to ± {100 / Math.Sqrt(Math.Max(1, counts.Min())):F0} points.",
        };
    }
}
