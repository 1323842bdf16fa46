using Ard.Trainers.Evaluation;

namespace Ard.Trainers.Reports;

/// <summary>What is right of corrupted images, corruption by corruption.</summary>
internal static class CorruptionSection
{
    private const string Title = "Corrupted images right";

    // All bars are of one kind.
    private const int Shade = 1;

    public static Markup? Render(IReadOnlyList<ModelReport> models)
    {
        var known = models.Where(model => model.Corruptions is not null).ToArray();
        if (known.Length == 0) return null;
        var section = new Markup();
        section.Line(
            $"<p>Without an adversary: the share of images that are right under usual corruptions (Hendrycks and Dietterich 2019), the "
            + $"mean over five severities. Robustness against an adversary is another thing: it can cost accuracy "
            + $"under fog and contrast (Yin and others 2019).</p>");
        return section.Line($"<div class=\"grid-of-figures\">").Each(known, Figure).Add($"</div>");
    }

    private static Markup Figure(ModelReport model)
    {
        var report = model.Corruptions!;
        Bar[] bars =
        [
            new("clean", (double)report.CleanCount / report.Images, null, Shade),
            .. report.Names.Select(name => new Bar(Name(name), report.Accuracy(name), null, Shade)),
            new("mean", report.MeanAccuracy, null, Shade + 1),
        ];
        var severities = report.Results.Select(result => result.Severity).Distinct().Order().ToArray();
        var figure = new Markup();
        figure.Line($"<figure class=\"chart\"><figcaption>{Title}</figcaption>")
            .Line($"{BarChart.Draw(Title, [new BarGroup(model.Name, bars)])}<p class=\"note\">On {Text.Count(report.Images, "image")}.</p>")
            .Line($"<details class=\"figures\"><summary>Figures</summary><div class=\"scroll\"><table>")
            .Line($"<caption>{model.Name}, by severity</caption>")
            .Line($"<thead><tr><th scope=\"col\">corruption</th>")
            .Each(severities, severity => Markup.Format($"<th scope=\"col\">{severity}</th>"))
            .Line($"<th scope=\"col\">mean</th></tr></thead><tbody>");
        return figure.Each(report.Names, name => Markup.Format($"<tr><th scope=\"row\">{Name(name)}</th>")
                .Each(severities, severity => Markup.Format($"<td>{Cell(report, name, severity)}</td>"))
                .Line($"<td>{Text.Percent(report.Accuracy(name))}</td></tr>"))
            .Line($"</tbody></table></div></details></figure>");
    }

    private static string Cell(CorruptionReport report, string name, int severity) =>
        report.Results.FirstOrDefault(result => result.Name == name && result.Severity == severity) is { } found
            ? Text.Percent((double)found.CorrectCount / report.Images)
            : "–";

    // As long as a bar's name may be.
    private static string Name(string name) => name switch
    {
        "elastic_transform" => "elastic",
        "jpeg_compression" => "JPEG",
        "gaussian_noise" => "Gauss noise",
        "impulse_noise" => "impulse",
        _ => name.Replace('_', ' '),
    };
}
