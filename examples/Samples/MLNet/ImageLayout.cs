using Ard.MLNet;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.Samples;

/// <summary>Vectors that hold images in another way: bytes from 0 to 255, the channels of a pixel together.</summary>
internal static class ImageLayoutSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var rows = Enumerable.Range(0, 40).Select(n => new Picture
        {
            // White, or red: every third value.
            Pixels = [.. Enumerable.Range(0, 8 * 8 * 3).Select(value => n % 2 == 0 || value % 3 == 0 ? 255f : 0f)],
            Name = n % 2 == 0 ? "white" : "red",
        });
        var data = ml.Data.LoadFromEnumerable(rows);
        using var classifier = ml.MulticlassClassification.Trainers.AdversarialTraining(new()
        {
            Network = "tinycnn-2-bn",
            FeatureColumnName = "Pixels",
            LabelColumnName = "Name",
            Layout = new ImageLayout { Channels = 3, Height = 8, Width = 8, Interleaved = true, Scale = 1.0 / 255 },
            Training = Given.Short with { Epochs = 10, BatchSize = 10 },
            Seed = 1,
        }).Fit(data);
        var metrics = ml.MulticlassClassification.EvaluateRobustness(
            classifier, data, new() { LabelColumnName = "Name", Evaluation = new() { Attacks = [] } });
        Console.WriteLine($"right: {Given.Percent(metrics.Clean.Accuracy)}");

        // Expected output:
        // right: 100 %
    }

    private sealed class Picture
    {
        [VectorType(8 * 8 * 3)]
        public float[] Pixels { get; set; } = [];

        public string Name { get; set; } = "";
    }
}
