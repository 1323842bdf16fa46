using Ard.MLNet;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>A classifier as an ONNX model, with a card that says what it is and what it stands.</summary>
internal static class ExportOnnxSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadGlyphs(100, seed: 1);
        var model = ml.MulticlassClassification.Trainers
            .AdversarialTraining(new() { Network = "tinycnn-4-bn", Method = "natural", Training = Given.Short, Seed = 1 })
            .Fit(train);
        var robustness = ml.MulticlassClassification.EvaluateRobustness(model, ml.Data.LoadGlyphs(50, seed: 2));

        var folder = Directory.CreateTempSubdirectory("ard-sample-").FullName;
        model.ExportOnnx(Path.Combine(folder, "student.onnx"), robustness: robustness);
        foreach (var file in Directory.GetFiles(folder).Order(StringComparer.Ordinal)) Console.WriteLine(Path.GetFileName(file));
        Directory.Delete(folder, recursive: true);

        // Expected output:
        // student.card.json
        // student.card.md
        // student.onnx
    }
}
