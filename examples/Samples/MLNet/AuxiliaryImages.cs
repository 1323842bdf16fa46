using Ard.MLNet;
using Ard.Trainers.Training;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>Rows without labels beside the training data: half of each batch, and the teacher says what they are.</summary>
internal static class AuxiliaryImagesSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadGlyphs(300, seed: 1);
        var more = ml.Data.LoadGlyphs(1000, seed: 7);
        var unlabelled = ml.Transforms.DropColumns("Label").Fit(more).Transform(more);      // with labels they are taken as they are

        var training = new TrainingOptions
        {
            Epochs = 8,
            BatchSize = 25,
            Optimizer = new SgdOptimizer { LearningRate = 0.1 },
            Schedule = Schedule.OneCycle(),
            Augmentation = Augmentation.None,
            ValidationFraction = 0,
        };
        var trainers = ml.MulticlassClassification.Trainers;
        using var teacher = trainers
            .AdversarialTraining(new() { Network = "tinycnn-8-bn", Method = "natural", Training = training, Seed = 1 }).Fit(train);
        using var student = trainers.AdversarialDistillation(new()
        {
            Network = "tinycnn-4-bn",
            Teacher = teacher,                                                              // there for the labels alone
            Method = "natural",
            Auxiliary = unlabelled,
            Training = training with { Auxiliary = new() { Share = 0.5 } },
            Seed = 1,
        }).Fit(train);
        var test = ml.Data.LoadGlyphs(200, seed: 2);
        Console.WriteLine($"{student.Training!.AuxiliaryLabels!.Images} images labelled by the teacher");
        Console.WriteLine($"right: {Given.Percent(ml.MulticlassClassification.Evaluate(student.Transform(test)).MicroAccuracy)}");

        // Expected output:
        // 1000 images labelled by the teacher
        // right: 83 %
    }
}
