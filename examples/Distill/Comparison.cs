using System.CommandLine;
using System.Globalization;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Reports;

namespace Ard.Examples.Distill;

/// <summary>The verb compare: networks that were evaluated alike, pair by pair on the same images.</summary>
internal static class Comparison
{
    private static readonly Argument<string[]> Files = new("FILE")
    {
        Description = "Two or more JSON reports of evaluate --json, or of the ML.NET evaluation, of the same images and attacks.",
        Arity = new ArgumentArity(2, 100),
    };
    private static readonly Option<string> Report = new Option<string>("--report") { DefaultValueFactory = _ => "comparison.html" }
        .Reads("The HTML page to write.", text => text);

    public static Command Command(Func<ParseResult, string> commandOf)
    {
        var compare = new Command("compare", "Compares networks by their JSON reports, image by image; a page.") { Files, Report };
        compare.SetAction(p => Run(p.GetValue(Files)!, p.GetValue(Report)!, commandOf(p)));
        return compare;
    }

    private static int Run(string[] files, string page, string command)
    {
        var report = HtmlReport.Compare([.. files.Select(file => (file, EvaluationSummary.Read(file)))]) with { Reproduction = command };
        var models = report.Models;
        foreach (var model in models)
            Console.WriteLine($"{model.Name}: clean {Percent(model.Robustness!.Clean)}, worst case {Percent(model.Robustness.WorstCase)}");
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

    private static void Print(string what, PairedDifference found) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"  {what,-10} {100 * found.Difference,6:+0.00;-0.00;0.00} points  (95 %: {100 * found.Interval.Low:+0.00;-0.00;0.00} to ")
        + string.Create(
            CultureInfo.InvariantCulture,
            $"{100 * found.Interval.High:+0.00;-0.00;0.00}; McNemar p {found.PValue:G2}; ")
        + $"{found.OnlyFirst} right for the first only, {found.OnlySecond} for the second only)");

    private static string Percent(AttackResult result) => string.Create(CultureInfo.InvariantCulture, $"{100 * result.Accuracy:F2} %");
}
