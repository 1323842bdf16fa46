using System.Globalization;
using System.Text;

namespace Ard.Bench;

/// <summary><c>bench chart SUMMARY.json OUT.svg</c>: a summary as bars, a group for each network; the picture in the README.</summary>
internal static class ResultsChart
{
    private const int Left = 48, Top = 52, Height = 220, Bar = 38, Gap = 34;

    private static readonly (string Name, string Colour, Func<SummaryRow, double> Figure)[] Series =
    [
        ("clean", "#9db8d9", row => row.Clean),
        ("FGSM", "#4f7fb8", row => row.Fgsm),
        ("PGD-20", "#1d3f72", row => row.Pgd20),
    ];

    public static int Run(string[] args)
    {
        if (args is not [var summary, var target]) throw new ArgumentException("chart: expected a summary.json and the name of the SVG to write.");
        File.WriteAllText(target, Draw(SummaryRow.Read(summary)));
        return 0;
    }

    private static string Draw(SummaryRow[] rows)
    {
        var group = Series.Length * Bar + Gap;
        var width = Left + rows.Length * group + Gap;
        var svg = new StringBuilder();
        void Add(FormattableString line) => svg.AppendLine(line.ToString(CultureInfo.InvariantCulture));
        Add($"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {Top + Height + 62}" font-family="Helvetica, Arial, sans-serif" font-size="13">""");
        Add($"""<rect width="100%" height="100%" fill="white"/>""");
        for (var i = 0; i < Series.Length; i++)
        {
            Add($"""<rect x="{Left + i * 110}" y="16" width="14" height="14" fill="{Series[i].Colour}"/>""");
            Add($"""<text x="{Left + i * 110 + 20}" y="28" fill="#222">{Series[i].Name}</text>""");
        }
        for (var percent = 0; percent <= 100; percent += 25)
        {
            var y = Top + Height - percent * Height / 100.0;
            Add($"""<line x1="{Left}" x2="{width - Gap / 2}" y1="{y:F1}" y2="{y:F1}" stroke="#ddd"/>""");
            Add($"""<text x="{Left - 8}" y="{y + 4:F1}" text-anchor="end" fill="#555">{percent}%</text>""");
        }
        for (var g = 0; g < rows.Length; g++)
        {
            var x = Left + Gap / 2 + g * group;
            for (var s = 0; s < Series.Length; s++)
            {
                var value = Series[s].Figure(rows[g]);
                var high = value * Height / 100;
                Add($"""<rect x="{x + s * Bar}" y="{Top + Height - high:F1}" width="{Bar - 4}" height="{high:F1}" fill="{Series[s].Colour}"/>""");
                Add($"""<text x="{x + s * Bar + Bar / 2 - 2}" y="{Top + Height - high - 5:F1}" text-anchor="middle" font-size="11" fill="#222">{value:F0}</text>""");
            }
            var centre = x + Series.Length * Bar / 2 - 2;
            Add($"""<text x="{centre}" y="{Top + Height + 22}" text-anchor="middle" fill="#222">{rows[g].Method}</text>""");
            var model = rows[g].Model.Split(' ', 2); // "student tinycnn-8-bn": on one line, neighbours would overlap
            Add($"""<text x="{centre}" y="{Top + Height + 39}" text-anchor="middle" font-size="11" fill="#666">{model[0]}</text>""");
            Add($"""<text x="{centre}" y="{Top + Height + 54}" text-anchor="middle" font-size="11" fill="#666">{model[^1]}, {rows[g].Parameters:N0}</text>""");
        }
        svg.AppendLine("</svg>");
        return svg.ToString();
    }
}
