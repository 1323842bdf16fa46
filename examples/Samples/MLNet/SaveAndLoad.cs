using Ard.MLNet;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.Samples;

/// <summary>A model saved by ML.NET, loaded in another context, and asked by a prediction engine.</summary>
internal static class SaveAndLoadSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadGlyphs(500, seed: 1);
        var model = ml.MulticlassClassification.Trainers
            .AdversarialTraining(new() { Network = "tinycnn-4-bn", Method = "natural", Training = Given.Short, Seed = 1 })
            .Append(ml.Transforms.Conversion.MapKeyToValue("Name", "PredictedLabel"))
            .Fit(train);
        var path = Path.Combine(Path.GetTempPath(), $"ard-sample-{Guid.NewGuid():N}.zip");
        ml.Model.Save(model, train.Schema, path);

        var application = new MLContext();
        var loaded = application.Model.Load(path, out var schema);
        using var engine = application.Model.CreatePredictionEngine<Shape, Answer>(loaded);
        var glyphs = application.Data.LoadGlyphs(20, seed: 2);
        var named = application.Transforms.Conversion.MapKeyToValue("Label").Fit(glyphs).Transform(glyphs);
        var shapes = application.Data.CreateEnumerable<Shape>(named, reuseRowObject: false).ToArray();
        Console.WriteLine($"needs {string.Join(", ", schema.Select(column => column.Name))}");
        Console.WriteLine($"right: {Given.Percent(shapes.Average(shape => engine.Predict(shape).Name == shape.Label ? 1.0 : 0))}");
        File.Delete(path);

        // Expected output:
        // needs Features, Label
        // right: 95 %
    }

    private sealed class Shape
    {
        [VectorType(1, 16, 16)]
        public float[] Features { get; set; } = [];

        public string Label { get; set; } = "";
    }

    private sealed class Answer
    {
        public string Name { get; set; } = "";
    }
}
