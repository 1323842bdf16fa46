using Ard.MLNet;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.Samples;

/// <summary>Labels of true and false, and the metrics of ML.NET's BinaryClassification, such as the area under the ROC curve.</summary>
internal static class TwoClassesSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        using var model = ml.MulticlassClassification.Trainers
            .AdversarialTraining(new() { Network = "tinycnn-4-bn", Method = "natural", Training = Given.Short, Seed = 1 })
            .Fit(Photographs(ml, 400, seed: 1));
        var scored = model.Transform(Photographs(ml, 200, seed: 2));

        // The probabilities of false and of true.
        var asBinary = ml.Transforms.CustomMapping<Scored, Binary>(
            (row, binary) =>
            {
                binary.PredictedLabel = row.Score[1] > row.Score[0];
                (binary.Probability, binary.Score) = (row.Score[1], MathF.Log(row.Score[1] / row.Score[0]));
            },
            contractName: null);
        var metrics = ml.BinaryClassification.Evaluate(asBinary.Fit(scored).Transform(scored));
        Console.WriteLine($"AUC {Given.Percent(metrics.AreaUnderRocCurve)}, accuracy {Given.Percent(metrics.Accuracy)}");

        // Expected output:
        // AUC 100 %, accuracy 99 %
    }

    private static IDataView Photographs(MLContext ml, int count, ulong seed) => ml.Data.LoadFromEnumerable(
        ml.Data.CreateEnumerable<Glyph>(ml.Data.LoadGlyphs(5 * count, seed), reuseRowObject: false).Where(glyph => glyph.Label <= 2)
            .Select(glyph => new Photograph { Label = glyph.Label == 2, Features = glyph.Features }).ToArray());

    private sealed class Glyph
    {
        [KeyType(10)] public uint Label { get; set; }
        [VectorType(1, 16, 16)] public float[] Features { get; set; } = [];
    }

    private sealed class Photograph
    {
        public bool Label { get; set; }
        [VectorType(1, 16, 16)] public float[] Features { get; set; } = [];
    }

    private sealed class Scored
    {
        [VectorType(2)] public float[] Score { get; set; } = [];
    }

    private sealed class Binary
    {
        public bool PredictedLabel { get; set; }
        public float Probability { get; set; }
        public float Score { get; set; }
    }
}
