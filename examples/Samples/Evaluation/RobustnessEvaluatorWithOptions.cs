using Ard.Trainers.Attacks;
using Ard.Trainers.Evaluation;

namespace Ard.Samples;

/// <summary>An evaluation that can be stopped and resumed, and leaves its examples for others to check.</summary>
internal static class RobustnessEvaluatorWithOptionsSample
{
    public static void Example()
    {
        var (images, labels) = Given.Test;
        var folder = Directory.CreateTempSubdirectory("ard-sample-").FullName;
        var options = new EvaluationOptions
        {
            Threat = Given.Threat,
            Attacks = ["pgd-20x2", "apgd-t-10"],                // names: see AttackCatalog
            MoreAttacks = [Attack.Transfer(Attack.Pgd(), Given.Natural)],
            Sequential = true,                                  // each only on what the ones before have left
            BatchSize = 50,
            Seed = 1,
            StateFile = Path.Combine(folder, "state.safetensors"),
            ExamplesFile = Path.Combine(folder, "examples.safetensors"),
        };
        var report = new RobustnessEvaluator(options).Evaluate(Given.Robust, images, labels);
        Console.WriteLine($"worst case: {Given.Percent(report.WorstCase.Accuracy)}");

        var check = AdversarialExamplesFile.Verify(options.ExamplesFile, Given.Robust, images, labels, Given.Threat);
        Console.WriteLine($"{check.Points} points, all as the file says: {check.Faults.Count == 0}");
        Console.WriteLine($"as many as in the report: {check.Misclassified == 200 - report.WorstCase.CorrectCount}");
        Directory.Delete(folder, recursive: true);

        // Expected output:
        // worst case: 26 %
        // 200 points, all as the file says: True
        // as many as in the report: True
    }
}
