using Ard.MLNet;
using Ard.MLNet.Evaluation;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>Any fitted model with a score over a column of images, asked through its whole pipeline; here a linear one.</summary>
internal static class EvaluateAnyModelSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var model = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy())
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"))
            .Fit(ml.Data.LoadGlyphs(1000, seed: 1));
        var metrics = ml.MulticlassClassification.EvaluateRobustness(model, ml.Data.LoadGlyphs(100, seed: 2), new()
        {
            Evaluation = new() { Attacks = ["square-200", "rays-200"] },
            BlackBox = new BlackBoxOptions { FeatureColumnName = "Features", ScoreColumnName = "Score" },      // the defaults
        });

        Console.WriteLine(metrics.ToModelReport("trees").Description);
        foreach (var attack in metrics.Attacks.Prepend(metrics.Clean))
            Console.WriteLine($"{attack.Name}: {Given.Percent(attack.Accuracy)}");
        Console.WriteLine($"only queried: {metrics.Report.BlackBox is not null}");

        // Expected output:
        // MaximumEntropyModelParameters, asked only
        // clean: 25 %
        // square-200: 7 %
        // rays-200: 7 %
        // only queried: True
    }
}
