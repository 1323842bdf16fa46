using System.CommandLine;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Reports;
using static Ard.Examples.Options;

namespace Ard.Examples.Distill;

/// <summary>The verb compare: networks that were evaluated alike, pair by pair on the same images.</summary>
internal static class Comparison
{
    private static readonly Argument<string[]> Files = new("FILE")
    {
        Description = "Two or more JSON reports of evaluate --json, or of the ML.NET evaluation, of the same images and attacks.",
        Arity = new ArgumentArity(2, 100),
    };
    private static readonly Option<string> Report = Text("--report", "The HTML page to write.", "comparison.html");

    public static Command Verb { get; } =
        CommandLine.Verb("compare", "Compares networks by their JSON reports, image by image; a page.", Run, Files, Report);

    private static int Run(ParseResult p)
    {
        var page = p.GetValue(Report)!;
        var report = HtmlReport.Compare([.. p.GetValue(Files)!.Select(file => (file, file))]) with
        {
            Reproduction = p.Typed(),
        };
        var models = report.Models;
        foreach (var model in models)
            Console.WriteLine($"{model.Name}: clean {100 * model.Robustness!.Clean.Accuracy:F2} %, "
                + $"worst case {100 * model.Robustness.WorstCase.Accuracy:F2} %");
        for (var first = 0; first < models.Count; first++)
            for (var second = first + 1; second < models.Count; second++)
            {
                Console.WriteLine($"{models[first].Name} - {models[second].Name}:");
                var (one, other) = (models[first].Robustness!, models[second].Robustness!);
                Print("clean", PairedDifference.Between(one.Clean, other.Clean));
                Print("worst case", PairedDifference.Between(one.WorstCase, other.WorstCase));
            }
        report.Save(page);
        Console.WriteLine($"Tables and plots: {Path.GetFullPath(page)}");
        return 0;
    }

    private static void Print(string what, PairedDifference found) => Console.WriteLine(
        $"  {what,-10} {100 * found.Difference,6:+0.00;-0.00;0.00} points  (95 %: {100 * found.Interval.Low:+0.00;-0.00;0.00} to "
        + $"{100 * found.Interval.High:+0.00;-0.00;0.00}; McNemar p {found.PValue:G2}; "
        + $"{found.OnlyFirst} right for the first only, {found.OnlySecond} for the second only)");
}
