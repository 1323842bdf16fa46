using Ard.Trainers.Data;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>The training loop on TorchSharp alone: a network, a method and images.</summary>
internal static class TrainerSample
{
    public static void Example()
    {
        // Ten classes of 1x16x16; ImageDataset.Load reads files.
        using var images = Glyphs.Generate(200, seed: 1);
        var student = (NetworkSpec.Parse("tinycnn-4-bn") with { InputChannels = 1, ImageSize = 16 }).Build(seed: 1);

        // What is not set follows from method and images; by default 200 images are seen 200 times.
        var options = new TrainingOptions { Epochs = 2, BatchSize = 20 };
        var result = Trainer.Fit(student, Objective.AdversarialTraining(), images, options);

        foreach (var epoch in result.History)
            Console.WriteLine($"epoch {epoch.Epoch}, validated under attack: {epoch.RobustValidationAccuracy is not null}");
        Console.WriteLine($"{Weights.Count(student)} weights, in eval mode: {!student.training}");

        // Expected output:
        // epoch 1, validated under attack: True
        // epoch 2, validated under attack: True
        // 4102 weights, in eval mode: True
    }
}
