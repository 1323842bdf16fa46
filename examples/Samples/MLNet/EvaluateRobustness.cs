using Ard.MLNet;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>A fitted pipeline, clean and attacked; the adversary changes the pixels that its classifier gets.</summary>
internal static class EvaluateRobustnessSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadGlyphs(500, seed: 1);
        var model = ml.MulticlassClassification.Trainers
            .AdversarialTraining(new() { Network = "tinycnn-4-bn", Method = "natural", Training = Given.Short, Seed = 1 })
            .Fit(train);
        // FGSM and PGD-20, Linf 0.1: gray images
        var metrics = ml.MulticlassClassification.EvaluateRobustness(model, ml.Data.LoadGlyphs(200, seed: 2));

        foreach (var attack in metrics.Attacks.Prepend(metrics.Clean))
            Console.WriteLine($"{attack.Name}: {Given.Percent(attack.Accuracy)}");
        // ML.NET's own metrics of the attacked rows.
        Console.WriteLine($"log-loss rises: {metrics["pgd-20"].Metrics.LogLoss > metrics.Clean.Metrics.LogLoss}");

        // Expected output:
        // clean: 84 %
        // fgsm: 3 %
        // pgd-20: 0 %
        // log-loss rises: True
    }
}
