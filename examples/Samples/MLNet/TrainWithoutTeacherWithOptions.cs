using Ard.MLNet;
using Ard.Trainers.Attacks;
using Ard.Trainers.Training;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>Any method without a teacher, here TRADES, with the settings of the training.</summary>
internal static class TrainWithoutTeacherWithOptionsSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadGlyphs(300, seed: 1);

        var threat = ThreatModel.Linf(0.1);
        using var classifier = ml.MulticlassClassification.Trainers.AdversarialTraining(new()
        {
            Network = "tinycnn-4-bn",
            Method = "trades",
            Settings = new() { Threat = threat, Steps = 3, Beta = 3 },
            Training = new()
            {
                Epochs = 10,
                BatchSize = 25,
                Optimizer = new SgdOptimizer { LearningRate = 0.1 },
                Schedule = Schedule.OneCycle(),
                Augmentation = Augmentation.None,
                ValidationFraction = 0,
            },
            Seed = 1,
        }).Fit(train);

        var test = ml.Data.LoadGlyphs(200, seed: 2);
        var metrics = ml.MulticlassClassification.EvaluateRobustness(classifier, test, new() { Evaluation = new() { Threat = threat } });
        Console.WriteLine(classifier.Network.Name);
        Console.WriteLine($"clean {Given.Percent(metrics.Clean.Accuracy)}, pgd-20 {Given.Percent(metrics["pgd-20"].Accuracy)}");

        // Expected output:
        // tinycnn-4-bn
        // clean 74 %, pgd-20 20 %
    }
}
