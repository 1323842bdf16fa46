using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;

namespace Contract.Tests.MicrosoftML;

public class NaiveBayesTests
{
    private readonly MLContext _ml = new(1);

    internal sealed class Row
    {
        [KeyType(3)] public uint Label { get; set; }
        [VectorType(3)] public float[] Features { get; set; } = [];
        public float Number { get; set; }
    }

    private sealed class Named { public string L { get; set; } = ""; [VectorType(2)] public float[] Features { get; set; } = []; }
    private sealed class Short { [VectorType(2)] public float[] Features { get; set; } = []; }
    private sealed class Bad { [KeyType(3)] public uint Label { get; set; } [VectorType(2)] public float[] Features { get; set; } = []; }

    internal static List<Row> Rows(int times = 1) => Enumerable.Range(0, times).SelectMany(_ => new[]
    {
        new Row { Label = 1, Features = [1, 0, 0] }, new Row { Label = 1, Features = [1, 1, 0] },
            new Row { Label = 2, Features = [0, 1, 0] },
        new Row { Label = 2, Features = [0, 2, 1] }, new Row { Label = 2, Features = [-1, 0, 1] },
            new Row { Label = 0, Features = [1, 1, 1] },
    }).ToList();

    [Fact]
    public void The_schema_has_a_trainers_columns_and_annotations()
    {
        var data = _ml.Data.LoadFromEnumerable(Rows());
        var trainer = _ml.MulticlassClassification.Trainers.NaiveBayes();
        const string kinds = "{ScoreColumnKind Scalar String, ScoreColumnSetId Scalar UInt32, ScoreValueKind Scalar String}";
        Assert.EndsWith($"; Score Vector Single {kinds}; PredictedLabel Scalar UInt32 key {kinds}",
            Describe.Text(trainer.GetOutputSchema(Describe.Shape(data.Schema))));
        var schema = trainer.Fit(data).GetOutputSchema(data.Schema);
        Assert.Equal("PredictedLabel: Key<UInt32, 0-2>", schema[3].ToString().Split(" {")[0]);
        Assert.Equal("Score: Vector<Single, 3>", schema[4].ToString().Split(" {")[0]);
        Assert.Equal(["ScoreColumnKind", "ScoreColumnSetId", "ScoreValueKind"], schema["Score"].Annotations.Schema.Select(a => a.Name)
            .Order());
        foreach (string name in new[] { "Score", "PredictedLabel" })
        {
            Assert.Equal("MulticlassClassification", Describe.Annotation<ReadOnlyMemory<char>>(schema[name], "ScoreColumnKind").ToString());
            Assert.Equal(name, Describe.Annotation<ReadOnlyMemory<char>>(schema[name], "ScoreValueKind").ToString());
            Assert.Equal(1u, Describe.Annotation<uint>(schema[name], "ScoreColumnSetId"));
            Assert.Equal("Key<UInt32, 0-2147483646>", schema[name].Annotations.Schema["ScoreColumnSetId"].Type.ToString());
        }
    }

    [Fact]
    public void Key_values_become_names_of_slots_and_of_predictions()
    {
        var data = _ml.Data.LoadFromEnumerable(
            new[] { new Named { L = "cat", Features = [1, 0] }, new Named { L = "dog", Features = [0, 1] } });
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("Label", "L").Append(_ml.MulticlassClassification.Trainers.NaiveBayes());
        const string kinds = "ScoreColumnKind Scalar String, ScoreColumnSetId Scalar UInt32, ScoreValueKind Scalar String";
        Assert.EndsWith($"; Score Vector Single {{{kinds}, SlotNames Vector String, TrainingLabelValues Vector String}}; "
            + $"PredictedLabel Scalar UInt32 key {{KeyValues Vector String, {kinds}}}",
            Describe.Text(pipeline.GetOutputSchema(Describe.Shape(data.Schema))));
        var schema = pipeline.Fit(data).GetOutputSchema(data.Schema);
        Assert.Equal(["cat", "dog"], Describe.Names(schema["Score"], "SlotNames"));
        Assert.Equal(["cat", "dog"], Describe.Names(schema["Score"], "TrainingLabelValues"));
        Assert.Equal(["cat", "dog"], Describe.Names(schema["PredictedLabel"], "KeyValues"));
    }

    [Fact]
    public void A_second_scorer_gets_the_next_set_of_columns()
    {
        var data = _ml.Data.LoadFromEnumerable(Rows());
        var trainer = _ml.MulticlassClassification.Trainers.NaiveBayes();
        var once = trainer.Fit(data).Transform(data);
        Assert.Equal(2u, Describe.Annotation<uint>(trainer.Fit(once).Transform(once).Schema["Score"], "ScoreColumnSetId"));
    }

    [Fact]
    public void Scores_are_log_probabilities_of_present_and_absent_features()
    {
        var data = _ml.Data.LoadFromEnumerable(Rows());
        var transformer = _ml.MulticlassClassification.Trainers.NaiveBayes().Fit(data);
        var scored = transformer.Transform(data);
        var expected = new[]
        {
            new[] { -5.2574954f, -3.0365543f, -4.6821313f }, [-4.564348f, -3.0365543f, -4.276666f], [-5.2574954f, -4.1351666f, -2.8903718f],
            [-4.564348f, -5.233779f, -2.4849067f], [-5.2574954f, -5.233779f, -2.8903718f], [-3.871201f, -4.1351666f, -3.871201f],
        };
        foreach (var (want, got) in expected.Zip(scored.GetColumn<float[]>("Score")))
            for (int c = 0; c < 3; c++) Assert.Equal(want[c], got[c], 1e-4f);
        Assert.Equal([2u, 2, 3, 3, 3, 1], scored.GetColumn<uint>("PredictedLabel"));
        Assert.Equal([1L, 2, 3], transformer.Model.GetLabelHistogramLong());
        Assert.Equal([2L, 1, 0], transformer.Model.GetFeatureHistogramLong()[1]);
        Assert.Equal("Features", transformer.FeatureColumnName);
        Assert.Equal("Vector<Single, 3>", transformer.FeatureColumnType.ToString());
    }

    [Fact]
    public void A_class_without_rows_is_impossible_and_rows_without_label_or_numbers_do_not_train()
    {
        var data = _ml.Data.LoadFromEnumerable(new[]
        {
            new Bad { Label = 0, Features = [1, 0] }, new Bad { Label = 2, Features = [1, 0] }, new Bad { Label = 2, Features = [1, 1] },
            new Bad { Label = 9, Features = [1, 1] }, new Bad { Label = 0, Features = [float.NaN, 1] },
        });
        var first = _ml.MulticlassClassification.Trainers.NaiveBayes().Fit(data).Transform(data).GetColumn<float[]>("Score").First();
        Assert.Equal(-2.4849067f, first[0], 1e-4f);
        Assert.Equal(float.NegativeInfinity, first[1]);
        Assert.Equal(-1.8325815f, first[2], 1e-4f);
    }

    [Fact]
    public void Labels_and_features_of_other_types_are_refused_in_the_librarys_words()
    {
        var data = _ml.Data.LoadFromEnumerable(Rows());
        var shape = Describe.Shape(data.Schema);
        NaiveBayesMulticlassTrainer Trainer(string label, string features) =>
            _ml.MulticlassClassification.Trainers.NaiveBayes(label, features);
        void Refused(string message, string label, string features)
        {
            Assert.Contains(message, Assert.Throws<ArgumentOutOfRangeException>(() => Trainer(label, features).Fit(data)).Message);
            Assert.Contains(message, Assert.Throws<ArgumentOutOfRangeException>(() => Trainer(label, features)
                .GetOutputSchema(shape)).Message);
        }
        Refused("Schema mismatch for label column 'Number': expected Key<UInt32>, got Single", "Number", "Features");
        Refused("Could not find label column 'Z'", "Z", "Features");
        Refused("Could not find feature column 'Z'", "Label", "Z");
        Refused("Schema mismatch for feature column 'Number': expected Vector<Single>, got Single", "Label", "Number");
        var fitted = Trainer("Label", "Features").Fit(data);
        Assert.Contains("column 'Feature' not found",
            Assert.Throws<ArgumentOutOfRangeException>(() =>
            fitted.Transform(_ml.Data.LoadFromEnumerable(new[] { new { X = 1f } }))).Message);
        Assert.Contains("'Vector<Single, 2>' vs 'Vector<Single, 3>'",
            Assert.Throws<InvalidOperationException>(() =>
                fitted.Transform(_ml.Data.LoadFromEnumerable(new[] { new Short { Features = [1, 2] } }))).Message);
    }

    [Fact]
    public void Cross_validation_trains_and_judges_every_fold()
    {
        var data = _ml.Data.LoadFromEnumerable(Rows(30));
        var results = _ml.MulticlassClassification.CrossValidate(data, _ml.MulticlassClassification.Trainers.NaiveBayes(), numberOfFolds: 3,
            seed: 1);
        Assert.Equal([0, 1, 2], results.Select(r => r.Fold));
        Assert.All(results, r => Assert.Equal(1, r.Metrics.MicroAccuracy));
        Assert.Equal(180, results.Sum(r => r.ScoredHoldOutSet.GetColumn<float>("Number").Count()));
        Assert.All(results, r => Assert.NotNull(r.ScoredHoldOutSet.Schema.GetColumnOrNull("Score")));
        Assert.All(results, r => Assert.IsAssignableFrom<ISingleFeaturePredictionTransformer<object>>(r.Model));
    }

    [Fact]
    public void Permuting_a_feature_shows_what_it_is_worth()
    {
        var data = _ml.Data.LoadFromEnumerable(Rows(20));
        var transformer = _ml.MulticlassClassification.Trainers.NaiveBayes().Fit(data);
        var importance = _ml.MulticlassClassification.PermutationFeatureImportance(transformer, transformer.Transform(data),
            permutationCount: 3);
        Assert.Equal(3, importance.Length);
        Assert.True(importance[0].MicroAccuracy.Mean < -0.2);
        Assert.Equal(0, importance[1].MicroAccuracy.Mean);
        Assert.True(importance[2].MicroAccuracy.Mean < -0.1);
        Assert.Equal(3, importance[0].MicroAccuracy.Count);
        Assert.Equal(importance[0].MicroAccuracy.StandardDeviation / Math.Sqrt(3), importance[0].MicroAccuracy.StandardError, 1e-9);
        Assert.Equal(3, importance[0].PerClassLogLoss.Count);
        Assert.Single(_ml.MulticlassClassification.PermutationFeatureImportance(transformer, transformer.Transform(data),
            numberOfExamplesToUse: 12)
            .Select(i => i.MicroAccuracy.Count).Distinct());
    }
}
