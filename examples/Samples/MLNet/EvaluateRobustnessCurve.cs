using Ard.MLNet;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>Accuracy of a fitted pipeline over the budget of the adversary.</summary>
internal static class EvaluateRobustnessCurveSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadGlyphs(500, seed: 1);
        var model = ml.MulticlassClassification.Trainers
            .AdversarialTraining(new() { Network = "tinycnn-4-bn", Method = "natural", Training = Given.Short, Seed = 1 })
            .Fit(train);
        var curve = ml.MulticlassClassification.EvaluateRobustnessCurve(model, ml.Data.LoadGlyphs(200, seed: 2), [0, 0.02, 0.05], new()
        {
            Evaluation = new() { Attacks = ["pgd-10"] },
        });
        Console.WriteLine(string.Join(", ", curve.Points.Select(point => Given.Percent(point.Accuracy))));

        // Expected output:
        // 82 %, 46 %, 13 %
    }
}
