using Ard.Trainers.Reports;

namespace Ard.Bench;

/// <summary><c>bench chart SUMMARY.json OUT.svg</c>: a summary as bars, a group for each network; the picture in the README.</summary>
internal static class ResultsChart
{
    public static int Run(string[] args)
    {
        if (args is not [var summary, var target])
            throw new ArgumentException("chart: expected a summary.json and the name of the SVG to write.");
        var groups = SummaryRow.Read(summary).Select(row => new BarGroup(
            $"{row.Model}, {row.Method}",
            [new Bar("clean", row.Clean / 100), new Bar("FGSM", row.Fgsm / 100), new Bar("PGD-20", row.Pgd20 / 100)]));
        File.WriteAllText(target, BarChart.Draw("images right", [.. groups], standalone: true).ToString());
        return 0;
    }
}
