namespace Ard.MLNet.Tests;

public sealed class PipelineTests
{
    private readonly MLContext ml = new MLContext(1);

    [Fact]
    public void Steps_of_mlnet_go_before_and_after()
    {
        var data = ml.Data.LoadGlyphs(40, 7);
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.Transforms.CopyColumns("Pixels", "Features"))
            .Append(ml.MulticlassClassification.Trainers.AdversarialTraining(Tiny.Natural() with { FeatureColumnName = "Pixels" }))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"))
            .Append(ml.Transforms.DropColumns("Pixels"));
        using var model = pipeline.Fit(data);
        var view = model.Transform(data);

        Assert.Null(view.Schema.GetColumnOrNull("Pixels"));
        var names = Tiny.Column<ReadOnlyMemory<char>>(view, "PredictedLabel").Select(name => name.ToString());
        Assert.All(names, name => Assert.Contains(name, Ard.Trainers.Data.Glyphs.ClassNames));
    }

    [Fact]
    public void It_is_cross_validated()
    {
        var results = ml.MulticlassClassification.CrossValidate(
            Tiny.Glyphs(ml, 60), new ArdTrainer(ml, Tiny.Natural()), numberOfFolds: 2);

        Assert.Equal(2, results.Count);
        Assert.All(results, result => Assert.InRange(result.Metrics.MicroAccuracy, 0, 1));
    }

    [Fact]
    public void Data_is_split_before_it()
    {
        var split = ml.Data.TrainTestSplit(Tiny.Glyphs(ml, 60), testFraction: 0.3);
        using var model = new ArdTrainer(ml, Tiny.Natural()).Fit(split.TrainSet);

        Assert.Equal(10, ml.MulticlassClassification.Evaluate(model.Transform(split.TestSet)).ConfusionMatrix.NumberOfClasses);
    }

    [Fact]
    public void The_importance_of_its_pixels_is_found_by_permutation()
    {
        // A few pixels only, for each of them is permuted.
        var rows = Tiny.Images(ml, 40).Select(row => new Few
        {
            Features = [.. row.Features[..4]],
            Label = row.Label,
        });
        var data = ml.Data.LoadFromEnumerable(rows);
        using var model = new ArdTrainer(ml, Tiny.Natural()).Fit(data);

        var importance = ml.MulticlassClassification.PermutationFeatureImportance(model, data);

        Assert.Equal(4, importance.Length);

        // ML.NET permutes vectors of floats and nothing else.
        var bytes = ml.Data.LoadFromEnumerable(
            Tiny.Images(ml, 40).Select(row => new FewBytes { Features = [1, 2, 3, 4], Label = row.Label }));
        using var ofBytes = new ArdTrainer(ml, Tiny.Natural()).Fit(bytes);
        var fault = Assert.ThrowsAny<Exception>(() => ml.MulticlassClassification.PermutationFeatureImportance(ofBytes, bytes));
        Assert.Contains("Byte", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_are_shuffled_taken_filtered_and_cached_after_it()
    {
        var data = Tiny.Glyphs(ml, 30);
        var view = Tiny.Classifier.Transform(data);
        var expected = Tiny.Vectors(view, "Score");

        Assert.Equal(expected.Take(7), Tiny.Vectors(ml.Data.TakeRows(view, 7), "Score"));
        Assert.Equal(expected.Skip(23), Tiny.Vectors(ml.Data.SkipRows(view, 23), "Score"));
        Assert.Equal(expected, Tiny.Vectors(ml.Data.Cache(view), "Score"));
        var shuffled = Tiny.Vectors(ml.Data.ShuffleRows(view, seed: 1), "Score");
        Assert.Equal(expected.Count, shuffled.Count);
        Assert.NotEqual(expected, shuffled);
        // Rows that share a batch with others may differ in their last bits.
        Assert.Equal(expected.Select(Rounded).Order(), shuffled.Select(Rounded).Order());
        var kept = ml.Data.FilterByCustomPredicate<Keyed>(view, row => row.Label == 1);
        Assert.Equal(27, Tiny.Vectors(kept, "Score").Count);

        static string Rounded(float[] scores) => string.Join(' ', scores.Select(score => $"{score:F3}"));
    }

    [Fact]
    public void Text_and_other_columns_of_the_source_pass_through_the_batches()
    {
        var data = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 9)
            .Select(i => new Mixed { Features = new float[256], Name = $"n{i}", Words = ["a", $"b{i}"], Number = i }));
        var view = Tiny.Classifier.Transform(data);

        var rows = ml.Data.CreateEnumerable<MixedOut>(view, reuseRowObject: false).ToArray();

        Assert.Equal(9, rows.Length);
        for (var i = 0; i < rows.Length; i++)
        {
            Assert.Equal(($"n{i}", $"b{i}", i), (rows[i].Name, rows[i].Words[1], rows[i].Number));
            Assert.Equal(10, rows[i].Score.Length);
        }
    }

    private sealed class Keyed
    {
        public uint Label { get; set; }
    }

    private sealed class FewBytes
    {
        [VectorType(4)]
        public byte[] Features { get; set; } = [];

        [KeyType(10)]
        public uint Label { get; set; }
    }

    private sealed class Few
    {
        [VectorType(4)]
        public float[] Features { get; set; } = [];

        [KeyType(10)]
        public uint Label { get; set; }
    }

    private class Mixed
    {
        [VectorType(256)]
        public float[] Features { get; set; } = [];

        public string Name { get; set; } = "";

        [VectorType(2)]
        public string[] Words { get; set; } = [];

        public double Number { get; set; }
    }

    private sealed class MixedOut : Mixed
    {
        public float[] Score { get; set; } = [];
    }
}
