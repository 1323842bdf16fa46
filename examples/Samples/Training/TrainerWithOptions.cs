using Ard.Trainers.Data;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>A training with its settings, progress, and images of its own to choose the best epoch by.</summary>
internal static class TrainerWithOptionsSample
{
    public static void Example()
    {
        using var validation = Glyphs.Generate(100, seed: 3);
        var options = new TrainingOptions
        {
            Epochs = 4,
            BatchSize = 25,
            Optimizer = new SgdOptimizer { LearningRate = 0.1, Momentum = 0.9, WeightDecay = 5e-4 },
            Schedule = Schedule.Cosine(),                        // or "cosine" by Schedule.Parse
            Augmentation = new Augmentation(Padding: 1, Flip: false),
            ClipGradientNorm = 1,
            LabelSmoothing = 0.1,
            Averaging = WeightAveraging.Exponential(0.95),  // the averaged weights are the result
            Validation = new() { Threat = Given.Threat, Attacks = ["pgd-5"] },
            ValidateEveryEpochs = 2,
            Seed = 1,
            ProgressInterval = TimeSpan.MaxValue,                   // only at the end of epochs
        };
        var objective = Objective.AdversarialTraining(new() { Threat = Given.Threat, Steps = 2, StepSize = 0.1 });
        var student = Given.Network.Build(seed: 1);
        var result = Trainer.Fit(student, objective, Given.Training, options, validation, new Lines());
        Console.WriteLine($"has the weights of the best epoch: {result.KeptEpoch == result.BestEpoch}");

        // Expected output:
        // epoch 1 of 4, validated: False
        // epoch 2 of 4, validated: True
        // epoch 3 of 4, validated: True
        // epoch 4 of 4, validated: True
        // has the weights of the best epoch: True
    }

    private sealed class Lines : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) =>
            Console.WriteLine($"epoch {value.Epoch} of {value.Epochs}, validated: {value.RobustValidationAccuracy is not null}");
    }
}
