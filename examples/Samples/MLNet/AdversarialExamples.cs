using Ard.MLNet;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>A column of attacked images, for any metric or model of ML.NET.</summary>
internal static class AdversarialExamplesSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadGlyphs(500, seed: 1);
        var trainer = ml.MulticlassClassification.Trainers
            .AdversarialTraining(new() { Network = "tinycnn-4-bn", Method = "natural", Training = Given.Short, Seed = 1 });
        using var classifier = trainer.Fit(train);

        var test = ml.Data.LoadGlyphs(200, seed: 2);
        var attacked = ml.Transforms.AdversarialExamples(classifier)
            .Append(ml.Transforms.CopyColumns("Features", "AdversarialFeatures"))
            .Fit(test).Transform(test);
        Console.WriteLine($"clean {Given.Percent(ml.MulticlassClassification.Evaluate(classifier.Transform(test)).MicroAccuracy)}");
        Console.WriteLine($"attacked {Given.Percent(ml.MulticlassClassification.Evaluate(classifier.Transform(attacked)).MicroAccuracy)}");

        // Expected output:
        // clean 84 %
        // attacked 0 %
    }
}
