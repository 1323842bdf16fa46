using System.Globalization;
using Ard.MLNet;
using Ard.Trainers.Attacks;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>How little it takes to make a fitted pipeline wrong.</summary>
internal static class EvaluateSmallestPerturbationsSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var model = ml.MulticlassClassification.Trainers
            .AdversarialTraining(new() { Network = "tinycnn-4-bn", Method = "natural", Training = Given.Short, Seed = 1 })
            .Fit(ml.Data.LoadGlyphs(500, seed: 1));
        // Default FAB-T and FMN, which find smaller ones and take longer.
        var found = ml.MulticlassClassification.EvaluateSmallestPerturbations(
            model, ml.Data.LoadGlyphs(100, seed: 2), Norm.L2, [Attack.Fmn()]);
        Console.WriteLine($"median {found.Median.ToString("F1", CultureInfo.InvariantCulture)}");
        foreach (var point in found.Curve([0, 0.1, 0.4]).Points) Console.WriteLine($"{Given.Percent(point.Accuracy)}");

        // Expected output:
        // median 0.2
        // 87 %
        // 65 %
        // 23 %
    }
}
