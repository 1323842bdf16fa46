using Ard.Trainers.Reports;

namespace Ard.Bench;

/// <summary>
/// <c>bench chart SUMMARY.json OUT.svg</c>: a summary as bars, a group for each network; the picture in the README.
/// <c>bench chart DIR OUT.svg</c>: all summaries below a folder as points, robust accuracy over the time of the training, and
/// <c>--over clean</c> over the accuracy without attack; means of the seeds. <c>--least 50</c> leaves out what is less robust, and
/// <c>--parts labels,distilled</c> takes these subfolders alone.
/// </summary>
internal static class ResultsChart
{
    public static Command Command()
    {
        var source = new Argument<FileSystemInfo>("summary") { Description = "A summary.json, or a folder of them." }.AcceptExistingOnly();
        var target = new Argument<string>("svg");
        var over = new Option<string>("--over") { DefaultValueFactory = _ => "seconds", Description = "Of a folder: seconds or clean." };
        over.AcceptOnlyFromAmong("seconds", "clean");
        var least = new Option<double>("--least") { Description = "Of a folder: methods below so many percent of PGD-20 are left out." };
        var parts = new Option<string>("--parts")
        {
            DefaultValueFactory = _ => "",
            Description = "Subfolders to take, with commas between.",
        };
        return Options.Command(
            "chart", "A summary.json as bars, or a folder of them as points.",
            p =>
            {
                var path = p.GetValue(source)!.FullName;
                var picture = Directory.Exists(path)
                    ? Points(
                        [.. p.GetValue(parts)!.Split(',').Select(part => Path.Combine(path, part))],
                        p.GetValue(over) == "clean", p.GetValue(least))
                    : Bars(path);
                File.WriteAllText(p.GetValue(target)!, picture.ToString());
            },
            source, target, over, least, parts);
    }

    private static Markup Bars(string summary)
    {
        var groups = SummaryRow.Read(summary).Select(row => new BarGroup(
            $"{row.Model}, {row.Method}",
            [new Bar("clean", row.Clean / 100), new Bar("FGSM", row.Fgsm / 100), new Bar("PGD-20", row.Pgd20 / 100)]));
        return BarChart.Draw("images right", [.. groups], standalone: true);
    }

    private static Markup Points(string[] folders, bool overClean, double least)
    {
        // A teacher from a file was not trained in this time.
        var methods = folders.SelectMany(folder => Directory.GetFiles(folder, "summary.json", SearchOption.AllDirectories))
            .SelectMany(SummaryRow.Read)
            .Where(row => row.Seconds > 0)
            .GroupBy(row => row.Method).Select(runs => (
                Name: runs.Key,
                Place: runs.Average(row => overClean ? row.Clean : row.Seconds / 60),
                Robust: runs.Average(row => row.Pgd20)))
            .Where(method => method.Robust >= least).OrderByDescending(method => method.Robust).ToArray();
        double[] places = [.. methods.Select(method => method.Place)];
        var (title, what) = overClean ? ("Robustness and accuracy", "clean, % right") : ("Robustness and time", "training, minutes");
        return new LineChart(
            title, what, "PGD-20, % right", overClean ? Axis.Between(places) : Axis.FromZero(places),
            Axis.Between([.. methods.Select(method => method.Robust)]),
            [.. methods.Select(method => new Series(method.Name, [(method.Place, method.Robust)]))]).Picture();
    }
}
