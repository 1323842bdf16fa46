using Ard.MLNet;
using Ard.Trainers.Attacks;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>How far the accuracy of a fitted pipeline under attack depends on chance, where its output is random.</summary>
internal static class EvaluateRepeatedlySample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var model = ml.MulticlassClassification.Trainers
            .AdversarialTraining(new() { Network = "tinycnn-4-bn", Method = "natural", Training = Given.Short, Seed = 1 })
            .Fit(ml.Data.LoadGlyphs(500, seed: 1));
        // Of a network that draws noise the passes differ; this one draws none.
        var judged = ml.MulticlassClassification.EvaluateRepeatedly(
            model, ml.Data.LoadGlyphs(50, seed: 2), passes: 10, new()
            {
                Evaluation = new() { Attacks = ["pgd-10+eot-2"], Threat = ThreatModel.Linf(0.02) },
            });
        Console.WriteLine($"passes: {judged.Accuracies.Count}, all alike: {judged.Accuracies.Distinct().Count() == 1}");
        Console.WriteLine($"mean: {Given.Percent(judged.Mean)}");

        // Expected output:
        // passes: 10, all alike: True
        // mean: 50 %
    }
}
