using Microsoft.ML;
using Microsoft.ML.Data;

namespace Contract.Tests.MicrosoftML;

public class EvaluateTests
{
    private readonly MLContext _ml = new(1);

    private sealed class Scored
    {
        [KeyType(3)] public uint Label { get; set; }
        [VectorType(3)] public float[] Score { get; set; } = [];
        [KeyType(3)] public uint PredictedLabel { get; set; }
    }

    private sealed class ScoredFloat
    {
        public float Label { get; set; }
        [VectorType(3)] public float[] Score { get; set; } = [];
        [KeyType(3)] public uint PredictedLabel { get; set; }
    }

    private sealed class Wide
    {
        [KeyType(12)] public uint Label { get; set; }
        [VectorType(12)] public float[] Score { get; set; } = [];
        [KeyType(12)] public uint PredictedLabel { get; set; }
    }

    private sealed class Pair { public string L { get; set; } = ""; [VectorType(2)] public float[] Features { get; set; } = []; }

    // Labels 3 are beyond the key's range, and so missing.
    private static readonly (uint Label, float[] Scores)[] s_rows =
    [
        (1, [.7f, .2f, .1f]), (2, [.5f, .3f, .2f]), (3, [.1f, .1f, .8f]), (1, [.2f, .2f, .6f]), (2, [0, 1, 0]), (0, [.4f, .3f, .3f]),
        (3, [float.NaN, .3f, .3f]), (1, [.4f, .4f, .2f]), (2, [.4f, .4f, .2f]), (3, [2, 3, -1]),
    ];

    private MulticlassClassificationMetrics Evaluate(IEnumerable<Scored> rows, int topK = 0) =>
        _ml.MulticlassClassification.Evaluate(_ml.Data.LoadFromEnumerable(rows), topKPredictionCount: topK);

    private static string[] Lines(string table) => table.ReplaceLineEndings("\n").Split('\n');

    [Fact]
    public void Metrics_count_rows_with_a_label()
    {
        var metrics = Evaluate(s_rows.Select(r => new Scored { Label = r.Label, Score = r.Scores }), topK: 2);
        Assert.Equal(1 / 7.0, metrics.MicroAccuracy, 12);
        Assert.Equal(1 / 3.0, metrics.MacroAccuracy, 12);
        Assert.Equal(6.115587059337278, metrics.LogLoss, 5);
        Assert.Equal(-5.089751452892358, metrics.LogLossReduction, 5);
        Assert.Equal(2, metrics.TopKPredictionCount);
        Assert.Equal(3 / 7.0, metrics.TopKAccuracy, 12);
        Assert.Equal([1 / 7.0, 3 / 7.0], metrics.TopKAccuracyForAllK);
        Assert.Equal(0.916290716972994, metrics.PerClassLogLoss[0], 5);
        Assert.Equal(1.378388837346291, metrics.PerClassLogLoss[1], 5);
        Assert.Equal(12.585884062116358, metrics.PerClassLogLoss[2], 5);
        var confusion = metrics.ConfusionMatrix;
        Assert.Equal(3, confusion.NumberOfClasses);
        Assert.Equal([1.0, 0, 0], confusion.Counts[0]);
        Assert.Equal([2.0, 0, 1], confusion.Counts[1]);
        Assert.Equal([2.0, 1, 0], confusion.Counts[2]);
        Assert.Equal(2, confusion.GetCountForClassPair(0, 1));
        Assert.Equal([0.2, 0, 0], confusion.PerClassPrecision);
        Assert.Equal([1.0, 0, 0], confusion.PerClassRecall);
    }

    [Fact]
    public void Without_a_count_there_is_no_top_k()
    {
        var metrics = Evaluate(s_rows.Select(r => new Scored { Label = r.Label, Score = r.Scores }));
        Assert.Equal(0, metrics.TopKAccuracy);
        Assert.Equal(0, metrics.TopKPredictionCount);
        Assert.Null(metrics.TopKAccuracyForAllK);
    }

    [Fact]
    public void Numbers_may_be_labels_and_negative_or_missing_ones_and_NaN_scores_are_left_out()
    {
        var data = _ml.Data.LoadFromEnumerable(s_rows.Select(r => new ScoredFloat { Label = r.Label - 1f, Score = r.Scores }));
        var metrics = _ml.MulticlassClassification.Evaluate(data);
        Assert.Equal(0.5, metrics.MicroAccuracy, 12);
        Assert.Equal(0.5, metrics.MacroAccuracy, 12);
        Assert.Equal(4.970573373091663, metrics.LogLoss, 5);
        Assert.Equal(-3.59304555888676, metrics.LogLossReduction, 5);
        Assert.Equal([2.0, 0, 1], metrics.ConfusionMatrix.Counts[0]);
    }

    [Fact]
    public void Accuracy_is_of_the_highest_score_whatever_the_predicted_label_says()
    {
        var metrics = Evaluate([new Scored { Label = 0, Score = [1, 0, 0], PredictedLabel = 2 }]);
        Assert.Equal(1, metrics.MicroAccuracy);
    }

    [Fact]
    public void A_class_without_rows_does_not_count_in_the_macro_average()
    {
        var metrics = Evaluate([new Scored { Label = 0, Score = [1, 0, 0] }, new Scored { Label = 1, Score = [0, 1, 0] }]);
        Assert.Equal(1, metrics.MacroAccuracy);
        Assert.Equal(1, metrics.LogLossReduction);
        Assert.Equal([0.0, 0, 0], metrics.PerClassLogLoss);
        Assert.True(double.IsNaN(Evaluate([new Scored { Label = 0, Score = [1, 0, 0] }]).LogLossReduction));
    }

    [Fact]
    public void A_label_beyond_the_scores_is_a_mistake_of_the_largest_loss()
    {
        var definition = SchemaDefinition.Create(typeof(Scored));
        definition["Label"].ColumnType = new KeyDataViewType(typeof(uint), 5);
        var data = _ml.Data.LoadFromEnumerable(new[]
        {
            new Scored { Label = 0, Score = [1, 0, 0] }, new Scored { Label = 4, Score = [.5f, .5f, 0] },
            new Scored { Label = 3, Score = [.5f, .5f, 0] },
        }, definition);
        var metrics = _ml.MulticlassClassification.Evaluate(data);
        Assert.Equal(1 / 3.0, metrics.MicroAccuracy, 12);
        Assert.Equal(1, metrics.MacroAccuracy);
        Assert.Equal(23.02585092752213, metrics.LogLoss, 5);
        Assert.Equal(-61.87709822207776, metrics.LogLossReduction, 3);
        Assert.Equal(1, metrics.ConfusionMatrix.Counts.Sum(row => row.Sum()));
    }

    [Fact]
    public void No_rows_give_zeros()
    {
        var metrics = Evaluate([]);
        Assert.Equal(0, metrics.MicroAccuracy);
        Assert.Equal(0, metrics.LogLoss);
        Assert.True(double.IsNaN(metrics.LogLossReduction));
    }

    [Fact]
    public void Columns_that_do_not_fit_are_named()
    {
        var data = _ml.Data.LoadFromEnumerable(Array.Empty<Scored>());
        var catalog = _ml.MulticlassClassification;
        Assert.Contains("column 'Label' not found", Assert.Throws<ArgumentOutOfRangeException>(() => catalog.Evaluate(data, "Zz")).Message);
        Assert.Contains("column 'Score' not found",
            Assert.Throws<ArgumentOutOfRangeException>(() => catalog.Evaluate(data, "Label", "Zz")).Message);
        Assert.Contains("column 'PredictedLabel' not found",
            Assert.Throws<ArgumentOutOfRangeException>(() => catalog.Evaluate(data, "Label", "Score", "Zz")).Message);
        Assert.Contains("Schema mismatch for label column 'Score': expected Single or Key, got Vector<Single, 3>",
            Assert.Throws<ArgumentOutOfRangeException>(() => catalog.Evaluate(data, "Score")).Message);
        Assert.Contains(
            "Schema mismatch for score column 'Label': expected vector of two or more items of type Single, got Key<UInt32, 0-2>",
            Assert.Throws<ArgumentOutOfRangeException>(() => catalog.Evaluate(data, "Label", "Label")).Message);
    }

    [Fact]
    public void The_table_of_three_classes()
    {
        var metrics = Evaluate(s_rows.Select(r => new Scored { Label = r.Label, Score = r.Scores }));
        Assert.Equal(
        [
            "",
            "Confusion table",
            "          ||========================",
            "PREDICTED ||     0 |     1 |     2 | Recall",
            "TRUTH     ||========================",
            "        0 ||     1 |     0 |     0 | 1.0000",
            "        1 ||     2 |     0 |     1 | 0.0000",
            "        2 ||     2 |     1 |     0 | 0.0000",
            "          ||========================",
            "Precision ||0.2000 |0.0000 |0.0000 |",
            "",
        ], Lines(metrics.ConfusionMatrix.GetFormattedConfusionTable()));
    }

    [Theory]
    [InlineData("cat", "dog", "PREDICTED ||      cat |      dog | Recall", "      cat ||        1 |        0 | 1.0000")]
    [InlineData("cat", "a long class name indeed", "PREDICTED                   ||        0 |        1 | Recall",
        "0.                      cat ||        1 |        0 | 1.0000")]
    public void The_table_shows_class_names(string first, string second, string head, string row)
    {
        var data = _ml.Data.LoadFromEnumerable(
            new[] { new Pair { L = first, Features = [1, 0] }, new Pair { L = second, Features = [0, 1] } });
        var scored = _ml.Transforms.Conversion.MapValueToKey("Label", "L").Append(_ml.MulticlassClassification.Trainers.NaiveBayes())
            .Fit(data).Transform(data);
        var lines = Lines(_ml.MulticlassClassification.Evaluate(scored).ConfusionMatrix.GetFormattedConfusionTable());
        Assert.Equal(head, lines[3]);
        Assert.Equal(row, lines[5]);
    }

    [Fact]
    public void The_table_groups_thousands_and_aligns_numbers()
    {
        var rows = Enumerable.Range(0, 3000)
            .Select(i => new Wide { Label = (uint)(i % 2), Score = Enumerable.Range(0, 12).Select(j => j == i % 2 ? 1f : 0).ToArray() });
        var lines = Lines(_ml.MulticlassClassification.Evaluate(
            _ml.Data.LoadFromEnumerable(rows)).ConfusionMatrix.GetFormattedConfusionTable());
        Assert.StartsWith("        0 || 1,500 |     0 |", lines[5]);
        Assert.StartsWith("       11 ||     0 |", lines[16]);
    }
}
