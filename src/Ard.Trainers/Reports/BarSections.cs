namespace Ard.Trainers.Reports;

/// <summary>Bars of one network beside another: by class under the worst of all attacks, and by corruption.</summary>
internal static class BarSections
{
    // Of more classes than this the weakest are shown.
    private const int MostClasses = 20;

    public static Markup? Classes(IReadOnlyList<ModelReport> models, Func<long, string> name)
    {
        const string title = "Images right by class, under attack";
        return Page.Section(
            [.. models.Where(model => model.Robustness is { Labels.Count: > 0 })],
            "Robustness is seldom even. Each class by itself under the worst of the attacks, the weakest first; of few images a figure "
            + "says little, and the lowest of several is rather too low.",
            model =>
            {
                var all = model.Robustness!.Classes;
                ClassAccuracy[] shown = [.. all.OrderBy(each => each.Accuracy).ThenBy(each => each.Interval.High).Take(MostClasses)];
                var bars = shown.Select(each => new Bar(name(each.Class), each.Accuracy, each.Interval, Shade: 2));
                var rows = new Markup().Each(shown, each => Page.Row(
                    name(each.Class), Text.Number(each.Images), Text.Percent((double)each.CleanCount / each.Images),
                    Text.Percent(each.Accuracy), Text.Percent(each.Interval)));
                return Page.Figure(
                    title, BarChart.Draw(title, [new(model.Name, [.. bars])]),
                    shown.Length < all.Count ? $"The weakest {shown.Length} of {all.Count} classes." : null,
                    Page.Table(model.Name, ["class", "images", "clean", "attacked", "95 % interval"], rows));
            });
    }

    public static Markup? Corruptions(IReadOnlyList<ModelReport> models)
    {
        const string title = "Corrupted images right";
        const int shade = 1;
        return Page.Section(
            [.. models.Where(model => model.Corruptions is not null)],
            "Without an adversary: the share of images that are right under usual corruptions (Hendrycks and Dietterich 2019), the mean "
            + "over five severities. Robustness against an adversary is another thing: it can cost accuracy under fog and contrast (Yin "
            + "and others 2019).",
            model =>
            {
                var report = model.Corruptions!;
                Bar[] bars =
                [
                    new("clean", (double)report.CleanCount / report.Images, null, shade),
                    .. report.Names.Select(name => new Bar(Short(name), report.Accuracy(name), null, shade)),
                    new("mean", report.MeanAccuracy, null, shade + 1),
                ];
                var severities = report.Results.Select(result => result.Severity).Distinct().Order().ToArray();
                var right = report.Results.ToLookup(
                    result => (result.Name, result.Severity), result => Text.Percent((double)result.CorrectCount / report.Images));
                var rows = new Markup().Each(report.Names, name => Page.Row(
                    Short(name),
                    [.. severities.Select(severity => right[(name, severity)].FirstOrDefault("–")), Text.Percent(report.Accuracy(name))]));
                return Page.Figure(
                    title, BarChart.Draw(title, [new(model.Name, bars)]), $"On {Text.Count(report.Images, "image")}.",
                    Page.Table($"{model.Name}, by severity", ["corruption", .. severities.Select(each => $"{each}"), "mean"], rows));
            });
    }

    // As long as a bar's name may be.
    private static string Short(string name) => name switch
    {
        "elastic_transform" => "elastic",
        "jpeg_compression" => "JPEG",
        "gaussian_noise" => "Gauss noise",
        "impulse_noise" => "impulse",
        _ => name.Replace('_', ' '),
    };
}
