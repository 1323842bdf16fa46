using Ard.MLNet;
using Ard.MLNet.Evaluation;
using Ard.Trainers.Attacks;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.Samples;

/// <summary>Attacks and threat model of your own; what became of each row; and a report as JSON.</summary>
internal static class EvaluateRobustnessWithOptionsSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadGlyphs(500, seed: 1);
        var test = ml.Data.LoadGlyphs(100, seed: 2);
        var model = ml.MulticlassClassification.Trainers
            .AdversarialTraining(new() { Network = "tinycnn-4-bn", Training = Given.Short, Seed = 1 })
            .Fit(train);
        var metrics = ml.MulticlassClassification.EvaluateRobustness(model, test, new AdversarialEvaluatorOptions
        {
            LabelColumnName = "Label",
            Evaluation = new()
            {
                Threat = ThreatModel.L2(0.5),
                Attacks = ["pgd-10", "deepfool"],
                MoreAttacks = [Attack.Square(new SquareOptions { Queries = 50 })],
                Seed = 1,
            },
        });

        // One row for each row of the data.
        var sizes = metrics["deepfool"].Rows.GetColumn<double>("PerturbationNorm").ToArray();
        Console.WriteLine($"{sizes.Length} rows, the largest perturbation at most 0.5: {sizes.Max() <= 0.5 + 1e-6}");
        var file = Path.GetTempFileName();
        metrics.SaveJson(file);
        var saysNorm = File.ReadAllText(file).Contains("\"norm\": \"L2\"", StringComparison.Ordinal);
        Console.WriteLine($"flags {metrics.Flags.Count}, threat in the JSON: {saysNorm}");
        File.Delete(file);

        // Expected output:
        // 100 rows, the largest perturbation at most 0.5: True
        // flags 0, threat in the JSON: True
    }
}
