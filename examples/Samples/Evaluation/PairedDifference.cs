using Ard.Trainers.Evaluation;
using Ard.Trainers.Reports;

namespace Ard.Samples;

/// <summary>Whether one network is better than another, on the same images; and a page that says so.</summary>
internal static class PairedDifferenceSample
{
    public static void Example()
    {
        var evaluator = new RobustnessEvaluator(new() { Threat = Given.Threat });
        var robust = evaluator.Evaluate(Given.Robust, Given.Test.Images, Given.Test.Labels);
        var natural = evaluator.Evaluate(Given.Natural, Given.Test.Images, Given.Test.Labels);

        foreach (var name in new[] { "clean", "worst-case" })
        {
            var found = PairedDifference.Between(robust[name], natural[name]);
            Console.WriteLine($"{name}: told apart {found.PValue < 0.05}, 0 in the interval {found.Interval is { Low: < 0, High: > 0 }}");
        }

        // Also long afterwards, and elsewhere: from files.
        var (one, other) = (Path.GetTempFileName(), Path.GetTempFileName());
        robust.SaveJson(one, Given.Robust);
        natural.SaveJson(other, Given.Natural);
        var page = HtmlReport.Compare(("robust", one), ("natural", other));
        Console.WriteLine($"networks on the page: {page.Models.Count}");

        // Expected output:
        // clean: told apart False, 0 in the interval True
        // worst-case: told apart True, 0 in the interval False
        // networks on the page: 2
    }
}
