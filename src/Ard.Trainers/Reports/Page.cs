namespace Ard.Trainers.Reports;

/// <summary>
/// The frame of a page that stands alone: its styles are inside, there are no scripts, and its policy forbids it to load anything.
/// </summary>
internal static class Page
{
    /// <summary>The looks of charts, light.</summary>
    public static Markup ChartStyle { get; } = Style("chart.css");

    private static readonly Markup PageStyle = Style("page.css");

    /// <summary>The whole page.</summary>
    public static string Render(string title, Markup body) => new Markup()
        .Line($"<!DOCTYPE html>")
        .Line($"<html lang=\"en\"><head><meta charset=\"utf-8\">")
        .Line($"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")
        .Line($"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">")
        .Line($"<title>{title}</title>")
        .Line($"<style>\n{ChartStyle}{PageStyle}</style></head><body>")
        .Line($"{body}</body></html>")
        .ToString();

    /// <summary>A picture that is a file of its own: it has its colours with it, and a light ground.</summary>
    public static Markup Picture(int width, int height, string description, Markup content) => new Markup()
        .Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width * 3 / 2}\" viewBox=\"0 0 {width} {height}\" ")
        .Line($"role=\"img\" aria-label=\"{description}\">")
        .Line($"<style>{ChartStyle}</style><rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>")
        .Line($"{content}</svg>");

    private static Markup Style(string name)
    {
        using var stream = typeof(Page).Assembly.GetManifestResourceStream(typeof(Page), name)!;
        using var reader = new StreamReader(stream);
        return Markup.Trusted(reader.ReadToEnd());
    }
}
