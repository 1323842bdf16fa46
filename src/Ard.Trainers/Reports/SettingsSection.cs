using System.Runtime.InteropServices;

namespace Ard.Trainers.Reports;

/// <summary>The command, the seed, the versions, and every setting.</summary>
internal static class SettingsSection
{
    public static Markup Render(HtmlReport report)
    {
        var section = new Markup();
        if (report.Reproduction is not null) section.Line($"<pre><code>{report.Reproduction}</code></pre>");
        section.Line($"{Table("Where and when", "what", Facts(report))}");
        foreach (var model in report.Models)
        {
            string[] lines =
            [
                .. model.Training?.Settings ?? [],
                .. (model.Robustness?.Settings ?? model.Curve?.Settings ?? []).Select(line => $"Evaluation.{line}"),
            ];
            if (lines.Length == 0) continue;
            section.Line($"<details class=\"settings\"><summary>Settings: {model.Name}</summary>");
            section.Line($"{Table(null, "setting", lines.Select(Split))}</details>");
        }
        return section;
    }

    private static IEnumerable<(string, string)> Facts(HtmlReport report)
    {
        yield return ("written", report.Written.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture));
        if (report.Seed is { } seed) yield return ("seed", seed.ToString(CultureInfo.InvariantCulture));
        foreach (var (name, version) in PackageVersions.Here()) yield return (name, version);
        yield return ("system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}, "
            + Text.Count(Environment.ProcessorCount, "processor"));
    }

    private static Markup Table(string? caption, string what, IEnumerable<(string Name, string Value)> rows) =>
        Page.Table(caption, [what, "value"], new Markup().Each(rows, row => Page.Row(row.Name, row.Value)), "texts");

    private static (string, string) Split(string line) => line.Split(": ", 2) is [var name, var value] ? (name, value) : (line, "");
}
