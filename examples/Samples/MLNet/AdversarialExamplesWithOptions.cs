using Ard.MLNet;
using Ard.Trainers.Attacks;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.Samples;

/// <summary>Attacked images of another attack and threat model, in a column of its own.</summary>
internal static class AdversarialExamplesWithOptionsSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadGlyphs(500, seed: 1);
        var trainer = ml.MulticlassClassification.Trainers
            .AdversarialTraining(new() { Network = "tinycnn-4-bn", Method = "natural", Training = Given.Short, Seed = 1 });
        using var classifier = trainer.Fit(train);

        var test = ml.Data.LoadGlyphs(50, seed: 2);
        var step = ml.Transforms.AdversarialExamples(classifier, new()
        {
            AttackName = "pgd-10",                              // or Attack, one of your own
            Threat = ThreatModel.L2(0.5),
            OutputColumnName = "Attacked",
            BatchSize = 25,
            Seed = 3,                                           // of the random starts, row by row
        });
        var view = step.Fit(test).Transform(test);
        var pairs = view.GetColumn<float[]>("Features").Zip(view.GetColumn<float[]>("Attacked"));
        var largest = pairs.Max(pair => Math.Sqrt(pair.First.Zip(pair.Second).Sum(pixel => Math.Pow(pixel.First - pixel.Second, 2))));
        Console.WriteLine($"{view.Schema["Attacked"].Type}, moved by at most 0.5: {largest <= 0.5 + 1e-5}");

        // Expected output:
        // Vector<Single, 1, 16, 16>, moved by at most 0.5: True
    }
}
