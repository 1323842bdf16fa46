using Ard.MLNet;
using Ard.Trainers.Networks;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>A small student that learns from a robust teacher, as an ML.NET estimator.</summary>
internal static class ArdTrainerSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadGlyphs(200, seed: 1);
        using var teacher = ml.MulticlassClassification.Trainers.AdversarialTraining("tinycnn-8-bn", epochs: 10).Fit(train);
        using var student = ml.MulticlassClassification.Trainers.AdversarialDistillation("tinycnn-4-bn", teacher, epochs: 2).Fit(train);

        Console.WriteLine($"teacher {Weights.Count(teacher.Model)} weights, student {Weights.Count(student.Model)}");
        Console.WriteLine($"{student.ClassNames.Count} classes: {string.Join(", ", student.ClassNames.Take(3))} …");

        // Expected output:
        // teacher 11074 weights, student 4102
        // 10 classes: disk, ring, square …
    }
}
