using System.CommandLine;
using Ard.Trainers.Reports;

namespace Ard.Bench;

/// <summary><c>bench chart SUMMARY.json OUT.svg</c>: a summary as bars, a group for each network; the picture in the README.</summary>
internal static class ResultsChart
{
    public static Command Command()
    {
        var summary = new Argument<FileInfo>("summary").AcceptExistingOnly();
        var target = new Argument<string>("svg");
        var command = new Command("chart", "A summary.json as bars.") { summary, target };
        command.SetAction(p => Run(p.GetValue(summary)!.FullName, p.GetValue(target)!));
        return command;
    }

    private static void Run(string summary, string target)
    {
        var groups = SummaryRow.Read(summary).Select(row => new BarGroup(
            $"{row.Model}, {row.Method}",
            [new Bar("clean", row.Clean / 100), new Bar("FGSM", row.Fgsm / 100), new Bar("PGD-20", row.Pgd20 / 100)]));
        File.WriteAllText(target, BarChart.Draw("images right", [.. groups], standalone: true).ToString());
    }
}
