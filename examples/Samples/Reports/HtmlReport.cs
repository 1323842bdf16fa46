using Ard.Trainers.Attacks;
using Ard.Trainers.Data;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Reports;

namespace Ard.Samples;

/// <summary>Evaluations of several networks as one page for people.</summary>
internal static class HtmlReportSample
{
    public static void Example()
    {
        var (images, labels) = (Given.Test.Images[..50], Given.Test.Labels[..50]);
        var options = new EvaluationOptions { Threat = Given.Threat, Attacks = ["pgd-10"] };
        var models = new[] { ("natural", Given.Natural), ("robust", Given.Robust) }.Select(each => new ModelReport(each.Item1)
        {
            Robustness = new RobustnessEvaluator(options).Evaluate(each.Item2, images, labels),
            Curve = RobustnessCurve.Evaluate(each.Item2, images, labels, [0, 0.05, 0.1], options),
            Images = AttackedImages.Find(each.Item2, images, labels, Attack.Pgd(), Given.Threat),
        });
        var path = Path.Combine(Path.GetTempPath(), $"ard-sample-{Guid.NewGuid():N}.html");
        new HtmlReport("Two networks")
        {
            Introduction = "The same network, trained on images as they are and on attacked ones.",
            Models = [.. models],
            ClassNames = Glyphs.ClassNames,
            Reproduction = "dotnet run --project examples/Samples -- HtmlReport",
        }.Save(path);

        // One file; it loads nothing and has no script.
        var page = File.ReadAllText(path);
        foreach (var section in new[] { "accuracy", "budget", "images" })
            Console.WriteLine($"{section}: {page.Contains($"id=\"{section}\"")}");
        File.Delete(path);

        // Expected output:
        // accuracy: True
        // budget: True
        // images: True
    }
}
