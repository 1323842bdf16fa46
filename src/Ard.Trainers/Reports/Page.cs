namespace Ard.Trainers.Reports;

/// <summary>
/// The frame of a page that stands alone: its styles are inside, there are no scripts, and its policy forbids it to load anything.
/// </summary>
internal static class Page
{
    /// <summary>The looks of charts, light.</summary>
    public static Markup ChartStyle { get; } = Style("chart.css");

    private static readonly Markup PageStyle = Style("page.css");

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

    /// <summary>What a section shows, then a figure for each, side by side where there is room; null where there is none.</summary>
    public static Markup? Section<T>(IReadOnlyList<T> shown, string text, Func<T, Markup> figure) => shown.Count == 0 ? null
        : Markup.Format($"<p>{text}</p>\n<div class=\"grid-of-figures\">").Each(shown, figure).Line($"</div>");

    /// <summary>A chart, what is to be said of it, and its figures as a table.</summary>
    public static Markup Figure(string title, Markup chart, string? note, Markup? figures = null)
    {
        var figure = Markup.Format($"<figure class=\"chart\"><figcaption>{title}</figcaption>\n{chart}");
        if (note is not null) figure.Line($"<p class=\"note\">{note}</p>");
        if (figures is not null)
            figure.Line($"<details class=\"figures\"><summary>Figures</summary><div class=\"scroll\">{figures}</div></details>");
        return figure.Line($"</figure>");
    }

    /// <summary>A table of rows (<see cref="Row"/>) or bodies; its style is a class of page.css.</summary>
    public static Markup Table(string? caption, IEnumerable<Markup> heads, Markup rows, string style = "") => Markup
        .Format($"<table class=\"{style}\">{(caption is null ? null : Markup.Format($"<caption>{caption}</caption>"))}<thead><tr>")
        .Each(heads, head => Markup.Format($"<th scope=\"col\">{head}</th>")).Line($"</tr></thead>").Line($"{rows}</table>");

    public static Markup Row(Markup title, params IReadOnlyList<string> cells) => Markup.Format($"<tr><th scope=\"row\">{title}</th>")
        .Each(cells, cell => Markup.Format($"<td>{cell}</td>")).Line($"</tr>");

    private static Markup Style(string name)
    {
        using var stream = typeof(Page).Assembly.GetManifestResourceStream(typeof(Page), name)!;
        using var reader = new StreamReader(stream);
        return Markup.Trusted(reader.ReadToEnd());
    }
}
