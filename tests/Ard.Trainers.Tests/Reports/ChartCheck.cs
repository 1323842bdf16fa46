using System.Text.RegularExpressions;
using AngleSharp.Dom;

namespace Ard.Trainers.Tests.Reports;

/// <summary>What holds of every chart, as far as it can be known without a browser.</summary>
internal static partial class ChartCheck
{
    /// <summary>Fails unless there are marks, and all coordinates are finite and within the viewBox.</summary>
    public static void IsDrawn(IElement chart)
    {
        var box = Numbers(chart.GetAttribute("viewBox")!);
        var (width, height) = (box[2], box[3]);
        Assert.NotEmpty(chart.QuerySelectorAll(".series circle, .series rect, .series path, .bar"));
        foreach (var element in chart.QuerySelectorAll("*"))
            foreach (var attribute in element.Attributes)
                switch (attribute.Name)
                {
                    case "x" or "x1" or "x2" or "cx": Within(attribute.Value, width); break;
                    case "y" or "y1" or "y2" or "cy": Within(attribute.Value, height); break;
                    case "points":
                        var points = Numbers(attribute.Value);
                        Assert.Equal(0, points.Length % 2);
                        for (var i = 0; i < points.Length; i++) Assert.InRange(points[i], 0, i % 2 == 0 ? width : height);
                        break;
                    case "width" or "r": Within(attribute.Value, width); break;
                    case "height": Within(attribute.Value, height); break;
                    case "d": Within(attribute.Value, Math.Max(width, height)); break;
                }

        static void Within(string text, double most) => Assert.All(Numbers(text), number => Assert.InRange(number, 0, most));
    }

    /// <summary>Fails if two texts would be written over each other, or one over the edge.</summary>
    public static void LabelsAreApart(IElement chart)
    {
        var width = Numbers(chart.GetAttribute("viewBox")!)[2];
        var boxes = chart.QuerySelectorAll("text").Select(text =>
        {
            // Letters of 11 units are about 5.4 wide on average, 10 high.
            var (x, y, length) = (Number(text, "x"), Number(text, "y"), 5.4 * text.TextContent.Length);
            var left = text.ClassList.Contains("end") ? x - length : text.ClassList.Contains("middle") ? x - length / 2 : x;
            return (text.TextContent, Left: left, Right: left + length, Top: y - 9, Bottom: y + 1);
        }).ToArray();
        foreach (var box in boxes)
        {
            Assert.True(box.Left >= -1 && box.Right <= width + 1, $"'{box.TextContent}' reaches from {box.Left} to {box.Right} of {width}");
            foreach (var other in boxes)
                Assert.True(
                    other.Equals(box) || box.Right <= other.Left || other.Right <= box.Left
                        || box.Bottom <= other.Top || other.Bottom <= box.Top,
                    $"'{box.TextContent}' and '{other.TextContent}' overlap");
        }
    }

    private static double Number(IElement element, string name) => double.Parse(element.GetAttribute(name)!, CultureInfo.InvariantCulture);

    private static double[] Numbers(string text) =>
        [.. NumberPattern().Matches(text).Select(match => double.Parse(match.Value, CultureInfo.InvariantCulture))];

    [GeneratedRegex(@"NaN|∞|Infinity|-?[\d.]+")]
    private static partial Regex NumberPattern();
}
