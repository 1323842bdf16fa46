using Ard.MLNet;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>A classifier trained on attacked images, as an ML.NET estimator.</summary>
internal static class TrainWithoutTeacherSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadGlyphs(200, seed: 1);
        var pipeline = ml.MulticlassClassification.Trainers.AdversarialTraining("tinycnn-4-bn", epochs: 2)
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        var model = pipeline.Fit(train);

        var scored = model.Transform(ml.Data.LoadGlyphs(100, seed: 2));
        foreach (var column in scored.Schema.Where(column => !column.IsHidden)) Console.WriteLine($"{column.Name}: {column.Type}");

        // Expected output:
        // Features: Vector<Single, 1, 16, 16>
        // Label: Key<UInt32, 0-9>
        // PredictedLabel: String
        // Score: Vector<Single, 10>
    }
}
