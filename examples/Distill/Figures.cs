using Ard.Trainers.Evaluation;

namespace Ard.Examples.Distill;

/// <summary>What an evaluation found, as lines.</summary>
internal static class Figures
{
    /// <summary>Each attack, flags, and the weakest class.</summary>
    public static void Print(RobustnessReport report, IReadOnlyList<string>? classNames = null)
    {
        Console.WriteLine($"{report.Threat}");
        foreach (var result in report.Attacks.Prepend(report.Clean).Append(report.WorstCase))
        {
            Print(result);
            if (result.SurrogateAgreement is { } same)
                Console.WriteLine($"  its surrogate says the same of {100 * same:F2} % of these clean images; "
                    + "of others fewer, if it learned from these");
            foreach (var part in result.Parts) Console.WriteLine($"  after {part.Name}: {part.CorrectCount} right");
            if (report.BlackBox is not null && result.MedianQueries is { } median) Console.WriteLine(Queries(result, median));
        }
        if (report.BlackBox is not null) Console.WriteLine(report.BlackBox);
        Print(report.Flags);
        if (report.WeakestClass is { } weakest)
            Console.WriteLine($"Weakest class: {classNames?[(int)weakest.Class] ?? $"{weakest.Class}"}, {100 * weakest.Accuracy:F2} % in "
                + $"the worst case ({weakest.RobustCount} of {weakest.Images}; 95 %: {weakest.Interval})");
    }

    /// <summary>One attack.</summary>
    public static void Print(AttackResult result)
    {
        var details = result.Details == "" ? "" : $" {result.Details}";
        Console.WriteLine(Line(result.Name, result.Accuracy, result.Interval, result.CorrectCount) + details);
    }

    /// <summary>Each budget of a curve.</summary>
    public static void Print(RobustnessCurve curve)
    {
        foreach (var point in curve.Points)
            Console.WriteLine(Line(
                $"{curve.Norm} {point.Epsilon:F4}", point.Accuracy, point.Interval, point.Correct.Count(correct => correct)));
    }

    public static void Print(IEnumerable<RobustnessFlag> flags)
    {
        foreach (var flag in flags) Console.WriteLine($"Flag: {flag}");
    }

    private static string Line(string name, double accuracy, ConfidenceInterval interval, int right) =>
        $"{name,-15} {100 * accuracy,6:F2} %  ({right} right; 95 %: {interval})";

    private static string Queries(AttackResult result, double median)
    {
        var most = result.Points.Max(point => point.Queries ?? 0);
        var after = new[] { 10L, 100, 1000, 10_000 }.TakeWhile(queries => queries < most)
            .Select(queries => $"; {100 * result.AccuracyAfter(queries):F2} % after {queries} queries");
        return $"  half of the broken needed {median:N0} queries or fewer{string.Concat(after)}";
    }
}
