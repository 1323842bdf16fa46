namespace Ard.Trainers.Reports;

/// <summary>One bar: a share from 0 to 1, with its interval where there is one. Its shade, from 0 to 3, is by default its place.</summary>
internal sealed record Bar(string Name, double Share, ConfidenceInterval? Interval = null, int? Shade = null);

internal sealed record BarGroup(string Title, IReadOnlyList<Bar> Bars);

/// <summary>
/// Groups of horizontal bars of shares, each with its name before it and its figure behind: names may be long and groups many, and nothing
/// depends on a colour.
/// </summary>
internal static class BarChart
{
    private const int Width = 360, Left = 86, Right = Width - 46, Bar = 17, Head = 24, Foot = 36;

    /// <summary>The picture, as a part of a page or as a file of its own (<see cref="Page.Picture"/>).</summary>
    public static Markup Draw(string title, IReadOnlyList<BarGroup> groups, bool standalone = false)
    {
        var bottom = groups.Sum(group => Head + Bar * group.Bars.Count) + 4;
        var height = bottom + Foot;
        var svg = new Markup();
        foreach (var percent in Axis.Percent.Ticks)
            svg.Line($"<text class=\"tick middle\" x=\"{Place(percent / 100):F1}\" y=\"{bottom + 14}\">{percent}</text>");
        svg.Line($"<text class=\"axis middle\" x=\"{(Left + Right) / 2}\" y=\"{bottom + 30}\">{title}, %</text>");
        var y = 0;
        foreach (var group in groups)
        {
            svg.Line($"<text class=\"group\" x=\"2\" y=\"{y + 17}\">{Cut(group.Title, 46)}</text>");
            y += Head;
            // Not through the names.
            foreach (var percent in Axis.Percent.Ticks)
                svg.Line($"<path class=\"grid\" d=\"M{Place(percent / 100):F1} {y}V{y + Bar * group.Bars.Count + 2}\"/>");
            for (var i = 0; i < group.Bars.Count; i++, y += Bar) svg.Add($"{Draw(group.Bars[i], y, group.Bars[i].Shade ?? i)}");
        }
        return standalone
            ? Page.Picture(Width, height, Description(title, groups), svg)
            : Markup.Format($"<svg viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"{Description(title, groups)}\">")
                .Line($"{svg}</svg>");
    }

    private static Markup Draw(Bar bar, int y, int shade)
    {
        var middle = y + Bar / 2.0;
        var share = double.IsFinite(bar.Share) ? bar.Share : 0;
        var end = Place(share);
        var svg = new Markup();
        svg.Line($"<text class=\"tick end\" x=\"{Left - 6}\" y=\"{middle + 4:F1}\">{Cut(bar.Name, 12)}</text>");
        svg.Line($"<rect class=\"bar b{Math.Min(shade, 3)}\" x=\"{Left}\" y=\"{y + 2}\" width=\"{end - Left:F1}\" height=\"{Bar - 4}\"/>");
        if (bar.Interval is { } interval && double.IsFinite(interval.Low))
        {
            var (low, high) = (Place(interval.Low), Place(interval.High));
            var (top, foot) = (middle - 3, middle + 3);
            var path = Markup.Format($"M{low:F1} {top:F1}V{foot:F1}M{low:F1} {middle:F1}H{high:F1}M{high:F1} {top:F1}V{foot:F1}");
            // With an edge, to be seen on the bar as well as beside it.
            svg.Line($"<path class=\"edge\" d=\"{path}\"/><path class=\"whisker\" d=\"{path}\"/>");
            end = high;
        }
        return svg.Line($"<text class=\"value\" x=\"{end + 5:F1}\" y=\"{middle + 4:F1}\">{100 * bar.Share:F1}</text>");
    }

    private static double Place(double share) => Left + share * (Right - Left);
    private static string Cut(string text, int most) => text.Length <= most ? text : string.Concat(text.AsSpan(0, most - 1), "…");

    private static string Description(string title, IReadOnlyList<BarGroup> groups) =>
        $"{title}, in percent. Bars. " + string.Join(" ", groups.Select(group =>
            $"{group.Title}: " + string.Join(", ", group.Bars.Select(bar =>
                FormattableString.Invariant($"{bar.Name} {100 * bar.Share:F1}"))) + "."));
}
