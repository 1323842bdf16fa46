using System.Text.Json;
using Ard.Trainers.Evaluation;

namespace Ard.Samples;

/// <summary>Which classes, and which images, a network gets wrong under attack.</summary>
internal static class RobustnessByClassSample
{
    public static void Example()
    {
        var options = new EvaluationOptions { Threat = Given.Threat };
        var report = new RobustnessEvaluator(options).Evaluate(Given.Robust, Given.Test.Images, Given.Test.Labels);
        var weakest = report.WeakestClass!;
        Console.WriteLine($"{report.Classes.Count} classes, the weakest of {weakest.Images} images: {Given.Percent(weakest.Accuracy)}");

        var file = Path.GetTempFileName();
        report.SaveRows(file);                                  // JSON lines
        var rows = File.ReadLines(file).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        var broken = rows.Count(row => row.GetProperty("brokenBy").ValueKind == JsonValueKind.String);
        Console.WriteLine($"{rows.Length} rows, as many broken as in the report: "
            + $"{broken == report.Clean.CorrectCount - report.WorstCase.CorrectCount}");
        File.Delete(file);

        // Expected output:
        // 10 classes, the weakest of 20 images: 5 %
        // 200 rows, as many broken as in the report: True
    }
}
