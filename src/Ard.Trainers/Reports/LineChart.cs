namespace Ard.Trainers.Reports;

/// <summary>One line of a chart. Points with a value that is not finite are gaps.</summary>
internal sealed record Series(string Name, IReadOnlyList<(double X, double Y)> Points);

/// <summary>
/// Lines over a common axis as a figure: the picture, what stands for what, and the figures as a table. It is drawn for the width of a
/// phone, so that its letters are of the size of the text there and not smaller elsewhere. Lines differ in dashes and marks as well as in
/// colour, and each has its name, or a letter where names are long, at its end. Where each is a single point, the name is beside it.
/// </summary>
internal sealed record LineChart(string Title, string XTitle, string YTitle, Axis X, Axis Y, IReadOnlyList<Series> Series)
{
    private const double Width = 360, Left = 44, Top = 26;

    // A letter of the labels is about so wide, and a line so high.
    private const double LetterWidth = 6.4, LineHeight = 13;

    private const int LongestLabel = 12, MostMarks = 12;

    /// <summary>A value of x to be pointed out, and what it is.</summary>
    public (double X, string Name)? Mark { get; init; }

    public string? Note { get; init; }

    /// <summary>How a value of y is written in the table and in tips.</summary>
    public string YFormat { get; init; } = "0.0###";

    /// <summary>How a value of x is written in the table and in tips.</summary>
    public string XFormat { get; init; } = "0.####";

    /// <summary>Whether x is the logarithm, to the base of ten, of what is written.</summary>
    public bool XIsPower { get; init; }

    private bool IsPoints => Series.Count > 1 && Series.All(series => series.Points.Count == 1);

    // Higher where there are more labels than fit one below the other.
    private double Height => Math.Max(230, Top + 44 + LineHeight * Series.Count);

    private double Bottom => Height - 40;
    private bool HasLetters => Series.Count > 1 && Series.Any(series => series.Name.Length > LongestLabel);

    // One line alone is what the axis says.
    private IReadOnlyList<string> Labels =>
        [.. Series.Select((series, i) => Series.Count == 1 ? "" : HasLetters ? Letter(i) : series.Name)];

    private double Right => Width - 16 - (IsPoints ? 0 : LetterWidth * Labels.Max(label => label.Length));

    public Markup Draw() => Page.Figure(
        Title,
        Markup.Format($"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{Description()}\">{Lines()}</svg>\n")
            .Add($"{(HasLetters ? Legend() : null)}"),
        Note, Table());

    /// <summary>The picture alone, as a file of its own, with what the letters stand for.</summary>
    public Markup Picture()
    {
        var (lines, height) = (Lines(), Height);
        if (HasLetters)
            foreach (var (i, series) in Series.Index())
                lines.Line($"<text class=\"label s{i % 6}\" x=\"{Left}\" y=\"{height += LineHeight:F0}\">{Letter(i)} {series.Name}</text>");
        return Page.Picture((int)Width, (int)(height + LineHeight / 2), Description(), lines);
    }

    private Markup Lines()
    {
        var lines = Markup.Format($"{Axes()}{MarkLine()}");
        for (var i = 0; i < Series.Count; i++) lines.Add($"{Line(i)}");
        return lines.Add($"{(IsPoints ? PointLabels() : EndLabels())}");
    }

    private Markup Axes()
    {
        var axes = new Markup();
        axes.Line($"<text class=\"axis\" x=\"{2}\" y=\"{12}\">{YTitle}</text>");
        foreach (var tick in Y.Ticks)
        {
            var y = Y.Place(tick, Bottom, Top);
            axes.Line($"<line class=\"grid\" x1=\"{Left}\" x2=\"{Right:F1}\" y1=\"{y:F1}\" y2=\"{y:F1}\"/>");
            axes.Line($"<text class=\"tick end\" x=\"{Left - 6}\" y=\"{y + 4:F1}\">{Y.Text(tick)}</text>");
        }
        foreach (var tick in X.Ticks)
        {
            var x = XPlace(tick);
            axes.Line($"<line class=\"grid\" x1=\"{x:F1}\" x2=\"{x:F1}\" y1=\"{Bottom}\" y2=\"{Bottom + 4}\"/>");
            axes.Line($"<text class=\"tick middle\" x=\"{x:F1}\" y=\"{Bottom + 16}\">{(XIsPower ? XText(tick) : X.Text(tick))}</text>");
        }
        return axes.Line($"<text class=\"axis middle\" x=\"{(Left + Right) / 2:F1}\" y=\"{Height - 6}\">{XTitle}</text>");
    }

    private Markup? MarkLine()
    {
        if (Mark is not { } mark) return null;
        var x = XPlace(mark.X);
        // On the side that has the room.
        var onTheLeft = x > (Left + Right) / 2;
        return Markup.Format($"<line class=\"mark\" x1=\"{x:F1}\" x2=\"{x:F1}\" y1=\"{Top - 8}\" y2=\"{Bottom}\"/>")
            .Add($"<text class=\"tick{(onTheLeft ? " end" : "")}\" x=\"{x + (onTheLeft ? -4 : 4):F1}\" y=\"{Top - 1}\">")
            .Line($"{mark.Name}</text>");
    }

    private Markup Line(int index)
    {
        var line = new Markup();
        line.Add($"<g class=\"series s{index % 6} d{index % 4}\">");
        var run = new List<string>();
        foreach (var (x, y) in Series[index].Points.Append((double.NaN, double.NaN)))
        {
            if (double.IsFinite(x) && double.IsFinite(y))
            {
                run.Add(string.Create(CultureInfo.InvariantCulture, $"{XPlace(x):F1},{YPlace(y):F1}"));
                continue;
            }
            if (run.Count > 1) line.Line($"<polyline points=\"{string.Join(' ', run)}\"/>");
            run.Clear();
        }
        var points = Series[index].Points.Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y)).ToArray();
        var every = Math.Max(1, (int)Math.Ceiling(points.Length / (double)MostMarks));
        for (var i = points.Length - 1; i >= 0; i -= every)
        {
            var (x, y) = points[i];
            var tip = $"{Series[index].Name}: {Value(y, YFormat)} at {XTitle} {XText(x)}";
            line.Line($"{Shape(index, XPlace(x), YPlace(y), tip)}");
        }
        return line.Line($"</g>");
    }

    // The names at the lines' ends, moved apart where they would overlap.
    private Markup EndLabels()
    {
        var ends = Series.Select((series, i) =>
                (Index: i, Last: series.Points.Cast<(double X, double Y)?>().LastOrDefault(point => double.IsFinite(point!.Value.Y))))
            .Where(end => end.Last is not null && Labels[end.Index].Length > 0).OrderByDescending(end => end.Last!.Value.Y).ToArray();
        var places = new double[ends.Length];
        for (var i = 0; i < ends.Length; i++)
            places[i] = Math.Max(YPlace(ends[i].Last!.Value.Y), i == 0 ? Top + 2 : places[i - 1] + LineHeight);
        for (var i = ends.Length - 1; i >= 0; i--)
            places[i] = Math.Min(places[i], i == ends.Length - 1 ? Bottom - 2 : places[i + 1] - LineHeight);
        var labels = new Markup();
        foreach (var ((index, last), place) in ends.Zip(places))
        {
            var (x, y) = last!.Value;
            labels.Line($"<path class=\"leader s{index % 6}\" d=\"M{XPlace(x) + 3:F1} {YPlace(y):F1}L{Right + 8:F1} {place:F1}\"/>");
            labels.Line($"<text class=\"label s{index % 6}\" x=\"{Right + 10:F1}\" y=\"{place + 4:F1}\">{Labels[index]}</text>");
        }
        return labels;
    }

    // Each name beside its point, where it covers neither other names nor points; further out, with a line, where there is no room.
    private Markup PointLabels()
    {
        (double Right, double Down)[] sides = [(1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1)];
        var frame = new Box(Left, Top - LineHeight, Width, Bottom);
        var points = Series.Select(series => (X: XPlace(series.Points[0].X), Y: YPlace(series.Points[0].Y))).ToArray();
        List<Box> taken = [.. points.Select(point => Box.Around(point.X, point.Y, 8, 8))];
        var labels = new Markup();
        foreach (var (i, (x, y)) in points.Index())
        {
            var width = LetterWidth * Labels[i].Length + 3;
            var (box, far) = Enumerable.Range(0, 8).SelectMany(far => sides.Select(side => (Far: far, Side: side)))
                .Select(at => (
                    Box: Box.Around(
                        x + at.Side.Right * (6 + 9 * at.Far + width / 2), y + at.Side.Down * (5 + 9 * at.Far + LineHeight / 2),
                        width, LineHeight),
                    at.Far))
                .MinBy(at => taken.Sum(at.Box.Shared) + 100 * (at.Box.Area - at.Box.Shared(frame)));
            taken.Add(box);
            if (far > 0)
            {
                var (endX, endY) = (Math.Clamp(x, box.Left, box.Right), Math.Clamp(y, box.Top, box.Bottom));
                labels.Line($"<path class=\"leader s{i % 6}\" d=\"M{x:F1} {y:F1}L{endX:F1} {endY:F1}\"/>");
            }
            labels.Line($"<text class=\"label s{i % 6}\" x=\"{box.Left:F1}\" y=\"{box.Bottom - 3:F1}\">{Labels[i]}</text>");
        }
        return labels;
    }

    private readonly record struct Box(double Left, double Top, double Right, double Bottom)
    {
        public double Area => (Right - Left) * (Bottom - Top);

        public static Box Around(double x, double y, double width, double height) =>
            new(x - width / 2, y - height / 2, x + width / 2, y + height / 2);

        public double Shared(Box other) =>
            Math.Max(0, Math.Min(Right, other.Right) - Math.Max(Left, other.Left))
            * Math.Max(0, Math.Min(Bottom, other.Bottom) - Math.Max(Top, other.Top));
    }

    private Markup Legend() => new Markup().Line($"<ul class=\"legend\">").Each(Series.Select((series, i) => (series.Name, Index: i)),
        one => Markup.Format($"<li><svg class=\"key\" viewBox=\"0 0 30 12\" aria-hidden=\"true\">")
            .Add($"<g class=\"series s{one.Index % 6} d{one.Index % 4}\"><polyline points=\"1,6 29,6\"/>")
            .Add($"{Shape(one.Index, 15, 6, null)}</g></svg> <b>{Letter(one.Index)}</b> {one.Name}</li>"))
        .Line($"</ul>");

    private Markup Table()
    {
        var columns = Series.Select(series => series.Points.DistinctBy(point => point.X).ToDictionary(point => point.X, point => point.Y))
            .ToArray();
        var rows = Series.SelectMany(series => series.Points).Select(point => point.X).Distinct().Order().Select(x => Page.Row(
            XText(x), [.. columns.Select(column => column.TryGetValue(x, out var y) ? Value(y, YFormat) : "–")]));
        return Page.Table(Title, [XTitle, .. Series.Select(series => series.Name)], new Markup().Each(rows, row => row));
    }

    private string Description() => $"{Title}. Lines of {YTitle} over {XTitle}. " + string.Join(" ", Series.Select(series =>
    {
        var points = series.Points.Where(point => double.IsFinite(point.Y)).ToArray();
        var ends = points.Length > 1 ? new[] { points[0], points[^1] } : points;
        return $"{series.Name}: "
            + (ends.Length == 0 ? "no figures" : string.Join(", ", ends.Select(point => $"{Value(point.Y, YFormat)} at {XText(point.X)}")))
            + ".";
    }));

    private double XPlace(double x) => X.Place(Math.Clamp(x, X.Low, X.High), Left, Right);
    private double YPlace(double y) => Y.Place(Math.Clamp(y, Y.Low, Y.High), Bottom, Top);
    private string XText(double x) => XIsPower ? Math.Pow(10, x).ToString("#,0", CultureInfo.InvariantCulture) : Value(x, XFormat);

    private static Markup Shape(int index, double x, double y, string? tip)
    {
        var title = tip is null ? null : Markup.Format($"<title>{tip}</title>");
        return (index % 4) switch
        {
            0 => Markup.Format($"<circle cx=\"{x:F1}\" cy=\"{y:F1}\" r=\"3\">{title}</circle>"),
            1 => Markup.Format($"<rect x=\"{x - 2.7:F1}\" y=\"{y - 2.7:F1}\" width=\"5.4\" height=\"5.4\">{title}</rect>"),
            2 => Markup.Format($"<path d=\"M{x:F1} {y - 3.6:F1}L{x + 3.6:F1} {y + 2.7:F1}L{x - 3.6:F1} {y + 2.7:F1}Z\">{title}</path>"),
            _ => Markup.Format($"<path d=\"M{x:F1} {y - 4:F1}L{x + 4:F1} {y:F1}L{x:F1} {y + 4:F1}L{x - 4:F1} {y:F1}Z\">{title}</path>"),
        };
    }

    private static string Value(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
    private static string Letter(int index) => index < 26 ? ((char)('A' + index)).ToString() : $"{index + 1}";
}
