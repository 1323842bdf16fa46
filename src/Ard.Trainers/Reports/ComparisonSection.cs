namespace Ard.Trainers.Reports;

/// <summary>Networks that were evaluated alike, pair by pair on the same images; and what their robustness goes with.</summary>
internal static class ComparisonSection
{
    public static Markup? Render(IReadOnlyList<ModelReport> models)
    {
        var evaluated = models.Where(model => model.Robustness is { Labels.Count: > 0 }).ToArray();
        if (evaluated.Length < 2 || evaluated.Any(model => Differences(evaluated[0].Robustness!, model.Robustness!).Any())) return null;
        return Markup.Format($"<p>How many more images, of the same ones, a network gets right than another, in percent. p: how probable ")
            .Add($"such a difference is between two networks that are as good (McNemar's test, mid-p). Where the interval has 0 in it, ")
            .Line($"the two have not been told apart; of many pairs one in twenty seems to differ by chance.</p>")
            .Line($"<div class=\"scroll\">{Table(evaluated)}</div><div class=\"grid-of-figures\">")
            .Each(Charts(evaluated), chart => chart.Draw()).Add($"</div>");
    }

    /// <summary>What differs between two evaluations beside the network, so that they cannot be compared image by image.</summary>
    public static IEnumerable<string> Differences(RobustnessReport one, RobustnessReport other)
    {
        if (other.Threat != one.Threat) yield return $"the threat model is {other.Threat}, expected {one.Threat}";
        if (one.Images is not null && other.Images is not null && other.Images != one.Images)
            yield return $"the images are others: their digest is {other.Images}, expected {one.Images}";
        if (other.Labels.Count != one.Labels.Count) yield return $"there are {other.Labels.Count} images, expected {one.Labels.Count}";
        else if (!other.Labels.SequenceEqual(one.Labels))
            yield return $"the labels are others, of {other.Labels.Zip(one.Labels).Count(pair => pair.First != pair.Second)} images";
        if (Attacks(other) != Attacks(one)) yield return $"the attacks are {Attacks(other)}, expected {Attacks(one)}";

        static string Attacks(RobustnessReport report) => $"[{string.Join(", ", report.Attacks.Select(Settings))}]";

        // Without what the network had to do with them.
        static string Settings(AttackResult attack) =>
            attack.Details.Split(EvaluationReport.UsedUp)[0].TrimEnd(',', ' ') is { Length: > 0 } said
                ? $"{attack.Name} ({said})" : attack.Name;
    }

    private static Markup Table(ModelReport[] models)
    {
        var pairs = from first in models.Index()
                    from second in models.Skip(first.Index + 1)
                    let one = first.Item.Robustness!
                    let other = second.Robustness!
                    select Markup.Format($"<tbody><tr><th scope=\"rowgroup\" colspan=\"6\">{first.Item.Name} – {second.Name}</th></tr>\n")
                        .Add($"{Row("clean", PairedDifference.Between(one.Clean, other.Clean))}")
                        .Line($"{Row("worst case", PairedDifference.Between(one.WorstCase, other.WorstCase))}</tbody>");
        return Page.Table(
            "Differences on the same images", ["networks", "difference", "95 % interval", "p", "only the first", "only the second"],
            new Markup().Each(pairs, pair => pair), "attacks");
    }

    private static Markup Row(string name, PairedDifference found) => Page.Row(
        name, Signed(found.Difference), $"{Signed(found.Interval.Low)} to {Signed(found.Interval.High)}",
        found.PValue < 0.001 ? "< 0.001" : found.PValue.ToString("F3", CultureInfo.InvariantCulture),
        Text.Number(found.OnlyFirst), Text.Number(found.OnlySecond));

    private static string Signed(double share) => (100 * share).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture);

    private static IEnumerable<LineChart> Charts(ModelReport[] models)
    {
        yield return Chart(
            "Robustness and accuracy", "clean, % right", Axis.Percent, model => 100 * model.Robustness!.Clean.Accuracy, "F1")!;
        if (Chart("Robustness and size", "parameters, in thousands", null, model => model.Parameters / 1000.0, "0.#") is { } size)
            yield return size;
        if (Chart("Robustness and what it cost to attack", "passes an image", null, Passes, "0.#") is { } cost)
            yield return cost with { Note = "Forward and backward passes of all attacks together, on the average of all images." };

        // Null where the value of a network is not known.
        LineChart? Chart(string title, string what, Axis? axis, Func<ModelReport, double?> value, string format)
        {
            var places = models.Select(value).OfType<double>().ToArray();
            if (places.Length < models.Length) return null;
            Series[] series =
            [
                .. models.Zip(places, (model, place) => new Series(model.Name, [(place, 100 * model.Robustness!.WorstCase.Accuracy)])),
            ];
            return new(title, what, "worst case, % right", axis ?? Axis.FromZero(places), Axis.Percent, series)
            {
                XFormat = format,
                YFormat = "F1",
            };
        }

        static double? Passes(ModelReport model)
        {
            var passes = model.Robustness!.WorstCase.Points.Select(point => point.ForwardPasses + point.BackwardPasses).ToArray();
            return passes.All(each => each is not null) ? passes.Average() : null;
        }
    }
}
