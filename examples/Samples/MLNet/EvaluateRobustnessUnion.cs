using Ard.MLNet;
using Ard.Trainers.Attacks;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>A fitted pipeline against several adversaries, and against all of them together.</summary>
internal static class EvaluateRobustnessUnionSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var model = ml.MulticlassClassification.Trainers
            .AdversarialTraining(new() { Network = "tinycnn-4-bn", Method = "natural", Training = Given.Short, Seed = 1 })
            .Fit(ml.Data.LoadGlyphs(500, seed: 1));
        var union = ml.MulticlassClassification.EvaluateRobustnessUnion(
            model, ml.Data.LoadGlyphs(200, seed: 2), [ThreatModel.Linf(0.02), ThreatModel.L2(0.3), ThreatModel.L1(1)]);
        foreach (var report in union.Reports) Console.WriteLine($"{report.Threat.Norm}: {Given.Percent(report.WorstCase.Accuracy)}");
        Console.WriteLine($"all: {Given.Percent(union.WorstCase.Accuracy)}");

        // Expected output:
        // Linf: 54 %
        // L2: 36 %
        // L1: 44 %
        // all: 36 %
    }
}
