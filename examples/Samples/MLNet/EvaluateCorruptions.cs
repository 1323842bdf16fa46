using Ard.MLNet;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>A fitted pipeline on images with noise, blur, fog and the like, which no adversary has chosen.</summary>
internal static class EvaluateCorruptionsSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        // Any fitted model will do.
        var model = ml.MulticlassClassification.Trainers
            .AdversarialTraining(new() { Network = "tinycnn-4-bn", Method = "natural", Training = Given.Short, Seed = 1 })
            .Fit(ml.Data.LoadGlyphs(500, seed: 1));
        // Default: all fifteen of Corruption.Names.
        var report = ml.MulticlassClassification.EvaluateCorruptions(model, ml.Data.LoadGlyphs(200, seed: 2), ["fog", "gaussian_noise"]);

        Console.WriteLine($"clean {Given.Percent((double)report.CleanCount / report.Images)}");
        Console.WriteLine($"noise {Given.Percent(report.Accuracy("gaussian_noise"))}, both {Given.Percent(report.MeanAccuracy)}");
        for (var severity = 1; severity <= 5; severity++)
            Console.WriteLine($"fog of severity {severity}: {report.Images * report.Accuracy("fog", severity):F0} of {report.Images}");

        // Expected output:
        // clean 84 %
        // noise 80 %, both 69 %
        // fog of severity 1: 161 of 200
        // fog of severity 2: 138 of 200
        // fog of severity 3: 114 of 200
        // fog of severity 4: 96 of 200
        // fog of severity 5: 72 of 200
    }
}
