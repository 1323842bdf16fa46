using System.Text.RegularExpressions;
using Ard.Trainers.Tests.Distributed;
using Microsoft.ML.Transforms.Image;

namespace Ard.MLNet.Tests.Evaluation;

/// <summary>Models of ML.NET that are not this library's, evaluated by what they answer.</summary>
public sealed class BlackBoxPipelineTests
{
    private static readonly AdversarialEvaluatorOptions Quick =
        new() { Evaluation = new() { Attacks = ["square-30", "rays-60"], Threat = ThreatModel.Linf(0.1), BatchSize = 25 }, Images = 2 };

    private readonly MLContext ml = new MLContext(1);

    [Fact]
    public void Square_through_a_FastTree_pipeline_finds_what_brute_force_finds_on_four_pixels()
    {
        var data = Toy(80, seed: 1);
        var model = Keyed(ml.MulticlassClassification.Trainers.OneVersusAll(
            ml.BinaryClassification.Trainers.FastTree(numberOfLeaves: 6, numberOfTrees: 20, minimumExampleCountPerLeaf: 3))).Fit(data);
        var test = ml.Data.CreateEnumerable<ToyRow>(Toy(40, seed: 2), reuseRowObject: false).ToArray();
        const float epsilon = 0.15f;

        var metrics = ml.MulticlassClassification.EvaluateRobustness(model, ml.Data.LoadFromEnumerable(test), new()
        {
            Evaluation = new()
            {
                Threat = ThreatModel.Linf(epsilon),
                Attacks = [],
                // Windows of one pixel, from many starts: trees have plateaus.
                MoreAttacks = [Attack.Square(new() { Queries = 16, Restarts = 20, Share = 0.1 }), Attack.RayS(400)],
            },
        });

        // What both may reach, asked of the model itself: each of the four up or down, by a hundred sizes, the last being the whole budget.
        const int sizes = 100;
        var points = test.SelectMany(row => Enumerable.Range(0, 16 * sizes).Select(which => new ToyRow
        {
            Features = [.. row.Features.Select((pixel, place) => Array.IndexOf(Counting, place) is >= 0 and var i
                ? Math.Clamp(pixel + ((which % 16 >> i) % 2 == 0 ? -1 : 1) * epsilon * (which / 16 + 1) / sizes, 0, 1) : pixel)],
        })).ToArray();
        var answers = Answers(model, ml.Data.LoadFromEnumerable(points)).Chunk(16 * sizes).ToArray();
        var clean = Answers(model, ml.Data.LoadFromEnumerable(test));
        bool[] right = [.. test.Select((row, number) => clean[number] == row.Label)];
        var corners = test.Select((row, number) => right[number] && answers[number].TakeLast(16).All(answer => answer == row.Label));
        var rays = test.Select((row, number) => right[number] && answers[number].All(answer => answer == row.Label));
        Assert.Equal(right, metrics.Report.Clean.Correct);
        Assert.InRange(corners.Count(each => each), 5, right.Count(each => each) - 5);
        Assert.Equal(corners, metrics.Report["square-16x20"].Correct);
        // Without scores and from one direction to the next, never more than there is, and nearly all of it.
        Assert.All(metrics.Report["rays-400"].Correct.Zip(rays), pair => Assert.True(pair.First || !pair.Second));
        Assert.InRange(metrics.Report["rays-400"].CorrectCount, rays.Count(each => each), rays.Count(each => each) + 3);
        Assert.Empty(metrics.Flags);
        Assert.Contains("only queried", metrics.Report.BlackBox);
    }

    [Fact]
    public void LightGbm_on_pixels_answers_as_it_does_without_being_evaluated()
    {
        var (train, test) = (ml.Data.LoadGlyphs(300, seed: 3), ml.Data.LoadGlyphs(60, seed: 4));
        var model = Keyed(ml.MulticlassClassification.Trainers.LightGbm(numberOfIterations: 10, minimumExampleCountPerLeaf: 5))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel")).Fit(train);

        var metrics = ml.MulticlassClassification.EvaluateRobustness(model, test, Quick);

        var expected = ml.MulticlassClassification.Evaluate(model.Transform(test));
        Assert.Equal(expected.MicroAccuracy, metrics.Clean.Accuracy, 1e-9);
        Assert.Equal(expected.ConfusionMatrix.Counts, metrics.Clean.Metrics.ConfusionMatrix.Counts);
        Assert.Equal(expected.LogLoss, metrics.Clean.Metrics.LogLoss, 1e-4);
        Assert.InRange(metrics.WorstCase.Accuracy, 0, metrics.Clean.Accuracy - 0.1);
        Assert.Equal(10, metrics.ClassNames.Count);
        Assert.Contains("ring", metrics.ClassNames);
        Assert.Equal("OneVersusAllModelParameters, asked only", metrics.Description);

        using var json = JsonDocument.Parse(metrics.Summary.ToJson());
        Assert.Equal(metrics.Report.BlackBox, json.RootElement.GetProperty("blackBox").GetString());
        var square = json.RootElement.GetProperty("attacks")[0];
        Assert.Equal(metrics.Report["square-30"].MedianQueries, square.GetProperty("medianQueries").GetDouble());
        var page = metrics.ToHtmlReport().ToHtml();
        Assert.Contains("Accuracy over the queries", page);
        Assert.Contains("only queried", page);
        Assert.NotNull(metrics.Images);
    }

    [Fact]
    public void An_ONNX_model_gives_the_figures_of_the_network_that_it_was_exported_from()
    {
        var data = Tiny.Glyphs(ml, 40);
        var file = Path.Combine(Tiny.Folder(), "student.onnx");
        Tiny.Classifier.ExportOnnx(file);
        var model = ml.Transforms.CopyColumns("images", "Features")
            .Append(ml.Transforms.ApplyOnnxModel("logits", "images", file)).Fit(data);

        var asked = ml.MulticlassClassification.EvaluateRobustness(
            model, data, Quick with { BlackBox = new() { ScoreColumnName = "logits" } });
        var open = ml.MulticlassClassification.EvaluateRobustness(Tiny.Classifier, data, Quick);
        // By queries alone, of the network itself too.
        var closed = ml.MulticlassClassification.EvaluateRobustness(Tiny.Classifier, data, Quick with { BlackBox = new() });

        Assert.True(open.Clean.Accuracy > 0);
        foreach (var (one, other) in new[] { (asked, open), (closed, open) })
        {
            Assert.Equal(other.Report.Clean.Correct, one.Report.Clean.Correct);
            Assert.Equal(other.Report["rays-60"].Correct, one.Report["rays-60"].Correct);
            // Rounding differs between the two runtimes, and with it now and then what Square takes.
            Assert.InRange(one.Report["square-30"].CorrectCount - other.Report["square-30"].CorrectCount, -1, 1);
            Assert.NotNull(one.Report.BlackBox);
        }
        Assert.Null(open.Report.BlackBox);
    }

    [Fact]
    public void Where_the_model_makes_the_images_itself_the_error_says_to_apply_that_part_to_the_data()
    {
        var data = ml.Transforms.CopyColumns("Raw", "Features").Append(ml.Transforms.DropColumns("Features"))
            .Fit(Toy(60, seed: 1)).Transform(Toy(60, seed: 1));
        var model = ml.Transforms.CopyColumns("Features", "Raw")
            .Append(Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy())).Fit(data);
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => ml.MulticlassClassification.EvaluateRobustness(model, data));
        Assert.Contains("'Features' in the data: the model makes it.", fault.Message, StringComparison.Ordinal);
        Assert.Contains("by Transform, and evaluate those behind them", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_attacks_named_Square_asks_where_there_are_scores_and_RayS_where_there_is_the_class_only()
    {
        var data = Toy(5, seed: 5);
        var trained = Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(Toy(60, seed: 1));
        // So much that few queries do.
        var options = new AdversarialEvaluatorOptions { Evaluation = new() { Threat = ThreatModel.Linf(0.9) } };
        var metrics = ml.MulticlassClassification.EvaluateRobustness(trained, data, options);
        Assert.Equal(["square"], metrics.Attacks.Select(attack => attack.Name));
        // A pipeline that keeps its scores to itself, and says texts.
        var silent = new TransformerChain<ITransformer>(
            trained,
            ml.Transforms.Conversion.MapKeyToValue("PredictedLabel").Append(ml.Transforms.DropColumns("Score"))
                .Fit(trained.Transform(data)));
        Assert.Null(silent.GetOutputSchema(data.Schema).GetColumnOrNull("Score"));
        var hidden = ml.MulticlassClassification.EvaluateRobustness(silent, data, options);
        Assert.Equal(["rays"], hidden.Attacks.Select(attack => attack.Name));
        Assert.Equal(metrics.Report.Clean.Correct, hidden.Report.Clean.Correct);
        Assert.All([metrics, hidden], each => Assert.InRange(each.WorstCase.Accuracy, 0, each.Clean.Accuracy / 2));
        // And texts alone, without a key anywhere.
        var texts = new TransformerChain<ITransformer>(silent, ml.Transforms.SelectColumns("PredictedLabel").Fit(silent.Transform(data)));
        Assert.Equal(
            metrics.Report.Clean.Correct,
            ml.MulticlassClassification.EvaluateRobustness(texts, data, options).Report.Clean.Correct);
    }

    [Fact]
    public void A_binary_classifier_has_two_classes()
    {
        var rows = ml.Data.CreateEnumerable<ToyRow>(Toy(80, seed: 6), reuseRowObject: false)
            .Select(row => new BinaryRow { Features = row.Features, Label = row.Label != "dark" }).ToArray();
        var data = ml.Data.LoadFromEnumerable(rows);
        var model = ml.BinaryClassification.Trainers.FastTree(numberOfTrees: 20).Fit(data);
        var metrics = ml.MulticlassClassification.EvaluateRobustness(model, data, Quick);
        Assert.Equal(["false", "true"], metrics.ClassNames);
        Assert.Equal(ml.BinaryClassification.Evaluate(model.Transform(data)).Accuracy, metrics.Clean.Accuracy, 1e-9);
        Assert.InRange(metrics.WorstCase.Accuracy, 0, metrics.Clean.Accuracy - 0.05);
    }

    [Fact]
    public void Bytes_and_pictures_are_changed_by_whole_255ths_within_the_budget()
    {
        // Each of the three columns says of the same glyphs what a linear model of their floats says.
        var glyphs = ml.Data.LoadGlyphs(120, seed: 8);
        var rows = Tiny.Column<VBuffer<float>>(glyphs, "Features").Zip(Tiny.Column<ReadOnlyMemory<char>>(Tiny.Texts(ml, glyphs), "Label"))
            .Select(row => new Kinds
            {
                Bytes = [.. row.First.DenseValues().Select(value => (byte)MathF.Round(value * 255))],
                Label = row.Second.ToString(),
            }).ToArray();
        var data = ml.Data.LoadFromEnumerable(rows);
        var trainer = Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(featureColumnName: "Floats"));
        var bytes = ml.Transforms.Conversion.ConvertType("Floats", "Bytes").Append(trainer).Fit(data);
        var pictures = ml.Transforms.ExtractPixels("Floats", "Picture", colorsToExtract: ImagePixelExtractingEstimator.ColorBits.Red)
            .Append(trainer).Fit(data);
        foreach (var (model, column) in new (ITransformer, string)[] { (bytes, "Bytes"), (pictures, "Picture") })
        {
            var options = Quick with
            {
                BlackBox = new() { FeatureColumnName = column, Layout = new() { Channels = 1, Height = 16, Width = 16 } },
            };
            var metrics = ml.MulticlassClassification.EvaluateRobustness(model, data, options);
            // 0.1 is 25.5 of 255.
            Assert.Equal(ThreatModel.Linf(25 / 255.0), metrics.Report.Threat);
            Assert.Equal(ml.MulticlassClassification.Evaluate(model.Transform(data)).MicroAccuracy, metrics.Clean.Accuracy, 1e-9);
            Assert.InRange(metrics.WorstCase.Accuracy, 0, metrics.Clean.Accuracy - 0.1);
            Assert.Contains("expected Linf", Assert.Throws<ArgumentException>(() => ml.MulticlassClassification.EvaluateRobustness(
                model, data, options with { Evaluation = new() { Threat = ThreatModel.L2(1) } })).Message);
        }
    }

    [Fact]
    public void What_does_not_fit_is_one_clear_error()
    {
        var data = Toy(60, seed: 1);
        var model = Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(data);
        Assert.Contains("no gradient for pgd-20", Message(model, data, new() { Evaluation = new() { Attacks = ["pgd-20"] } }));
        Assert.Contains("'Pixels'", Message(model, data, new() { BlackBox = new() { FeatureColumnName = "Pixels" } }));
        Assert.Contains("'Scores'", Message(model, data, new() { BlackBox = new() { ScoreColumnName = "Scores" } }));
        Assert.Contains("'PredictedLabel'", Message(Keyed(ml.Transforms.CopyColumns("Copy", "Features")).Fit(data), data, new()));
        Assert.Contains("FeatureColumnName", Message(model, data, new() { BlackBox = new() { FeatureColumnName = "" } }));
        // A regression's score is no class.
        // Labels in another order than the model's classes.
        var other = ml.Transforms.Conversion.MapValueToKey("Label", keyData: ml.Data.LoadFromEnumerable(
            new[] { "light", "grey", "dark" }.Select(label => new { Label = label }))).Fit(data).Transform(data);
        var keyed = ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()
            .Fit(ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data));
        Assert.Contains("the same in another order", Message(keyed, other, new()));
        var named = ml.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(keyed.Transform(other));
        Assert.Contains("the same in another order", Message(new TransformerChain<ITransformer>(keyed, named), other, new()));
        // A model that reads more than the images.
        var both = ml.Transforms.Concatenate("Both", "Features", "Weight").Append(
            Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(featureColumnName: "Both")));
        var weighted = ml.Data.LoadFromEnumerable(ml.Data.CreateEnumerable<ToyRow>(data, reuseRowObject: false)
            .Select(row => new { row.Features, row.Label, Weight = 1f }).ToArray(), SchemaOf());
        Assert.Contains("reads the column 'Weight' too", Message(both.Fit(weighted), weighted, new()));
        // A regression's score is no class.
        var regression = ml.Regression.Trainers.Sdca("Weight", maximumNumberOfIterations: 2).Fit(weighted);
        Assert.Contains("Single beside truth values", Message(regression, weighted, new()));

        string Message(ITransformer model, IDataView data, AdversarialEvaluatorOptions options) => Assert.ThrowsAny<Exception>(
            () => ml.MulticlassClassification.EvaluateRobustness(model, data, options)).Message;

        SchemaDefinition SchemaOf()
        {
            var row = new { Features = new float[9], Label = "", Weight = 1f };
            var schema = SchemaDefinition.Create(row.GetType());
            schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 1, 3, 3);
            return schema;
        }
    }

    [Fact]
    public void The_order_of_the_scores_is_that_which_the_model_says_and_else_has_to_fit_its_answers()
    {
        var data = Toy(60, seed: 1);
        var trained = Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(data);
        var expected = ml.MulticlassClassification.EvaluateRobustness(trained, data, Quick).Report.Clean.Correct;
        // Without an answer the scores' own annotations tell: for labels that are texts, and for keys in another order.
        var scores = Append(trained, ml.Transforms.DropColumns("PredictedLabel"));
        Assert.Equal(expected, ml.MulticlassClassification.EvaluateRobustness(scores, data, Quick).Report.Clean.Correct);
        var other = ml.Transforms.Conversion.MapValueToKey("Label", keyData: ml.Data.LoadFromEnumerable(
            new[] { "light", "grey", "dark" }.Select(label => new { Label = label }))).Fit(data).Transform(data);
        var keyed = ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()
            .Fit(ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data));
        Assert.Contains("the same in another order", Message(Append(keyed, ml.Transforms.DropColumns("PredictedLabel"), other), other));

        // Scores without annotations, the last class first.
        var turned = Append(trained, ml.Transforms.CustomMapping<ToyScores, ToyScores>(
            (from, to) => to.Score = [.. from.Score.Reverse()], null));
        Assert.Matches("The largest value of 'Score' in row \\d+ is that of class '(dark|light)', and 'PredictedLabel' is '(light|dark)'",
            Message(turned, data));
        // Those that fit, of keys and of texts.
        var same = Append(trained, ml.Transforms.CustomMapping<ToyScores, ToyScores>((from, to) => to.Score = from.Score, null));
        var texts = Append(same, ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        foreach (var model in new[] { same, texts })
            Assert.Equal(expected, ml.MulticlassClassification.EvaluateRobustness(model, data, Quick).Report.Clean.Correct);

        TransformerChain<ITransformer> Append(ITransformer model, IEstimator<ITransformer> step, IDataView? input = null) =>
            new(model, step.Fit(model.Transform(input ?? data)));

        string Message(ITransformer model, IDataView data) => Assert.ThrowsAny<Exception>(
            () => ml.MulticlassClassification.EvaluateRobustness(model, data, Quick)).Message;
    }

    [Fact]
    public void Scores_and_classes_of_one_pass_are_compared_all_over_the_data()
    {
        var data = Toy(120, seed: 1);
        var trained = Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(data);
        // A model that answers otherwise each time.
        var noise = new Random(1);
        var random = new TransformerChain<ITransformer>(ml.Transforms.CustomMapping<ToyPixels, ToyPixels>(
            (from, to) => to.Features = [.. from.Features.Select(_ => noise.NextSingle())], null).Fit(data), trained);
        ml.MulticlassClassification.EvaluateRobustness(random, data, Quick);

        // The scores of the other two are exchanged, and the first rows are of the one in the middle.
        var turned = new TransformerChain<ITransformer>(trained, ml.Transforms.CustomMapping<ToyScores, ToyScores>(
            (from, to) => to.Score = [.. Names(trained).Select(name => from.Score[Array.IndexOf(Names(trained), Other(name))])], null)
            .Fit(trained.Transform(data)));
        var sorted = ml.Data.LoadFromEnumerable(ml.Data.CreateEnumerable<ToyRow>(data, reuseRowObject: false)
            .Zip(Answers(trained, data)).OrderBy(pair => pair.Second != "grey").Select(pair => pair.First).ToArray());
        Assert.All(Answers(trained, sorted).Take(32), answer => Assert.Equal("grey", answer));
        var fault = Assert.ThrowsAny<Exception>(() => ml.MulticlassClassification.EvaluateRobustness(turned, sorted, Quick)).Message;
        Assert.Contains("expected the scores in the order of", fault);
        // The row is that of the data.
        var row = int.Parse(Regex.Match(fault, @"in row (\d+) is").Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.NotEqual("grey", Answers(trained, sorted)[row]);

        string[] Names(ITransformer model)
        {
            VBuffer<ReadOnlyMemory<char>> names = default;
            model.GetOutputSchema(data.Schema)["PredictedLabel"].GetKeyValues(ref names);
            return [.. names.DenseValues().Select(name => name.ToString())];
        }

        static string Other(string name) => name switch { "dark" => "light", "light" => "dark", _ => name };
    }

    [Fact]
    public void A_predicted_label_that_says_nothing_of_the_scores_order_is_left_alone_and_a_key_is_taken_by_its_values()
    {
        var data = Toy(60, seed: 1);
        var trained = Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(data);
        var expected = Correct(trained, data);
        // Keys in another order, of bytes, and texts for labels that are numbers.
        var values = ml.Transforms.Conversion.MapKeyToValue("PredictedLabel");
        var order = ml.Data.LoadFromEnumerable(new[] { "light", "dark", "grey" }.Select(label => new { Label = label }));
        var other = Append(trained, values.Append(ml.Transforms.Conversion.MapValueToKey("PredictedLabel", keyData: order)), data);
        Assert.Equal(expected, Correct(other, data));
        var bytes = Append(trained, ml.Transforms.Conversion.ConvertType("PredictedLabel", outputKind: DataKind.Byte), data);
        Assert.Equal(expected, Correct(bytes, data));
        var rows = ml.Data.CreateEnumerable<ToyRow>(data, reuseRowObject: false)
            .Select(row => new NumberRow { Features = row.Features, Label = row.Label[0], Key = row.Label == "dark" ? 0 : 1u }).ToArray();
        var numbers = ml.Data.LoadFromEnumerable(rows);
        var ofNumbers = Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(numbers);
        Assert.Equal(Correct(ofNumbers, numbers), Correct(Append(ofNumbers, values.Append(
            ml.Transforms.Conversion.ConvertType("PredictedLabel", outputKind: DataKind.String)), numbers), numbers));

        // Scores alone, beside a truth value that is none of the key's, or beside what the data have themselves.
        var mean = ml.Transforms.CustomMapping<ToyPixels, PairScores>(
            (from, to) => (to.Score, to.PredictedLabel) = ([0.4f, from.Features.Average()], from.Features.Average() < 0.4f), null);
        var keyed = new AdversarialEvaluatorOptions { Evaluation = Quick.Evaluation, LabelColumnName = "Key" };
        expected = Correct(mean.Fit(numbers), numbers, keyed);
        var own = ml.Transforms.CopyColumns("PredictedLabel", "Key").Fit(numbers).Transform(numbers);
        var alone = ml.Transforms.CustomMapping<ToyPixels, PairOnly>((from, to) => to.Score = [0.4f, from.Features.Average()], null);
        Assert.Equal(expected, Correct(alone.Fit(own), own, keyed));
        Assert.Equal(expected, Correct(alone.Fit(own), own, keyed with { LabelColumnName = "PredictedLabel" }));
        Assert.Equal(expected, Correct(ml.Transforms.CopyColumns("PredictedLabel", "Key").Append(alone).Fit(numbers), numbers, keyed));

        IReadOnlyList<bool> Correct(ITransformer model, IDataView view, AdversarialEvaluatorOptions? options = null) =>
            ml.MulticlassClassification.EvaluateRobustness(model, view, options ?? Quick).Report.Clean.Correct;

        static TransformerChain<ITransformer> Append(ITransformer model, IEstimator<ITransformer> step, IDataView input) =>
            new(model, step.Fit(model.Transform(input)));
    }

    [Fact]
    public void Nothing_is_learned_from_the_answers_before_all_settings_are_known_to_be_sound()
    {
        var model = Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(Toy(60, seed: 1));
        var data = Toy(60, seed: 2);
        var folder = Path.Combine(Tiny.Folder(), "surrogate");
        var options = Quick with
        {
            BlackBox = new() { Surrogate = "tinycnn-2", SurrogateTraining = Tiny.Training() with { CheckpointFolder = folder } },
        };
        var catalog = ml.MulticlassClassification;
        var gradient = options with { Evaluation = Quick.Evaluation with { Attacks = ["pgd-20"] } };
        var twice = options with { Evaluation = Quick.Evaluation with { Attacks = ["rays-9", "rays-9"] } };
        foreach (var wrong in new Action[]
        {
            () => catalog.EvaluateRobustness(model, data, gradient), () => catalog.EvaluateRobustness(model, data, twice),
            () => catalog.EvaluateRobustnessCurve(model, data, [0.1, 0.1], options),
            () => catalog.EvaluateRobustnessUnion(model, data, [ThreatModel.Linf(0.1), ThreatModel.Linf(0.1)], options),
            () => catalog.EvaluateRepeatedly(model, data, 2, gradient),
        })
        {
            Assert.Throws<ArgumentException>(wrong);
            Assert.False(Directory.Exists(folder));
        }
        var budget = options with { Evaluation = Quick.Evaluation with { QueryBudget = 20 } };
        var metrics = catalog.EvaluateRobustness(model, data, budget);
        Assert.True(Directory.Exists(folder));
        Assert.Contains("a budget of 20 for the attacks", metrics.Report.BlackBox);
        // Pictures are attacked once more, which the budget does not allow.
        Assert.Null(metrics.ToHtmlReport().Models[0].Images);
        Assert.NotNull(catalog.EvaluateRobustness(model, data, options).ToHtmlReport().Models[0].Images);
        Assert.Contains("QueryBudget = 20,", metrics.ToHtmlReport().Reproduction);
    }

    [Fact]
    public void A_step_that_fails_is_named_and_the_evaluation_goes_on_from_its_state_file()
    {
        var data = Toy(40, seed: 5);
        var trained = Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(Toy(60, seed: 1));
        var expected = ml.MulticlassClassification.EvaluateRobustness(trained, data, Quick);
        var left = int.MaxValue;
        var fragile = new TransformerChain<ITransformer>(
            ml.Transforms.CustomMapping<ToyPixels, ToyPixels>(
                (from, to) => to.Features = Interlocked.Decrement(ref left) < 0
                    ? throw new TimeoutException("no answer") : from.Features, null)
                .Fit(data), trained);
        var options = Quick with { Evaluation = Quick.Evaluation with { StateFile = Path.Combine(Tiny.Folder(), "state") } };
        left = 2000;
        var failed = Assert.Throws<InvalidOperationException>(() => ml.MulticlassClassification.EvaluateRobustness(fragile, data, options));
        Assert.Matches(@"failed after \d+ answers: TimeoutException: no answer$", failed.Message);
        Assert.True(File.Exists(options.Evaluation.StateFile));
        left = int.MaxValue;
        var metrics = ml.MulticlassClassification.EvaluateRobustness(fragile, data, options);
        Assert.Equal(expected.Report.WorstCase.Points, metrics.Report.WorstCase.Points);
    }

    [Fact]
    public void Any_number_of_threads_evaluate_one_model_at_once()
    {
        var data = Toy(30, seed: 5);
        var model = Keyed(ml.MulticlassClassification.Trainers.LightGbm(numberOfIterations: 5, minimumExampleCountPerLeaf: 3))
            .Fit(Toy(60, seed: 1));
        var expected = ml.MulticlassClassification.EvaluateRobustness(model, data, Quick).Report.WorstCase.Points;
        Parallel.For(0, 4, new() { MaxDegreeOfParallelism = 4 }, _ =>
            Assert.Equal(expected, ml.MulticlassClassification.EvaluateRobustness(model, data, Quick).Report.WorstCase.Points));
    }

    [Fact]
    public void A_network_that_has_learned_the_answers_finds_points_that_deceive_the_model()
    {
        var model = Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(Toy(60, seed: 1));
        var data = Toy(60, seed: 2);
        var options = Quick with
        {
            Evaluation = Quick.Evaluation with { Attacks = [], Threat = ThreatModel.Linf(0.2) },
            BlackBox = new() { Surrogate = "tinycnn-8-bn", SurrogateTraining = Tiny.Training(epochs: 40) },
        };
        var metrics = ml.MulticlassClassification.EvaluateRobustness(model, data, options);
        Assert.Equal(["transfer(pgd-20, surrogate)"], metrics.Attacks.Select(attack => attack.Name));
        Assert.InRange(metrics.WorstCase.Accuracy, 0, metrics.Clean.Accuracy - 0.3);
        // Broken at the one point that the model is asked for.
        Assert.Equal(1, metrics.Report.Attacks[0].MedianQueries);
        var again = ml.MulticlassClassification.EvaluateRobustness(model, data, options);
        Assert.Equal(metrics.Report.WorstCase.Points, again.Report.WorstCase.Points);
        Assert.InRange(metrics.Report.Attacks[0].SurrogateAgreement!.Value, 0.8, 1);
        Assert.Contains("of these clean images; of others fewer, if it learned from these", metrics.ToHtmlReport().ToHtml());
    }

    [Fact]
    public void A_surrogate_is_trained_by_the_processes_that_evaluate()
    {
        var model = Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(Toy(60, seed: 1));
        var failure = Assert.Throws<AggregateException>(() => ThreadGroup.Run(2, group =>
            ml.MulticlassClassification.EvaluateRobustness(model, Toy(8, seed: 2), Quick with
            {
                Evaluation = Quick.Evaluation with { Group = group },
                BlackBox = new() { Surrogate = "tinycnn-2", SurrogateTraining = Tiny.Training() with { BatchSize = 1 } },
            })));
        Assert.All(failure.InnerExceptions, each => Assert.Contains("an image for each of 2 processes", each.Message));
    }

    [Fact]
    public void The_code_that_makes_the_evaluation_again_says_how_the_model_was_asked()
    {
        var model = Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(Toy(60, seed: 1));
        var usual = ml.MulticlassClassification.EvaluateRobustness(model, Toy(5, seed: 2), Quick);
        Assert.DoesNotContain("BlackBox", usual.ToHtmlReport().Reproduction);
        var asked = ml.MulticlassClassification.EvaluateRobustness(model, Toy(5, seed: 2), Quick with
        {
            BlackBox = new() { ScoreColumnName = "Score", Layout = new() { Channels = 1, Scale = 0.5 } },
        });
        Assert.Contains(
            """    BlackBox = new() { Layout = new() { Channels = 1, Scale = 0.5 }, ScoreColumnName = "Score" },""",
            asked.ToHtmlReport().Reproduction);
        Assert.Equal(
            """new() { FeatureColumnName = "a \"b\"", Layout = new() { Interleaved = true, Resizing = ResizingKind.Fill }, """
                + "Surrogate = \"mlp\" }",
            OptionsCode.Write(new BlackBoxOptions
            {
                FeatureColumnName = "a \"b\"",
                Layout = new() { Interleaved = true, Resizing = ImageResizingEstimator.ResizingKind.Fill },
                Surrogate = NetworkDefinition.Custom("mlp", () => throw new NotSupportedException()),
            }));
    }

    [Fact]
    public void A_curve_over_the_budget_falls()
    {
        var model = Keyed(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(Toy(60, seed: 1));
        var curve = ml.MulticlassClassification.EvaluateRobustnessCurve(model, Toy(30, seed: 2), [0, 0.05, 0.2, 0.5], Quick);
        Assert.Equal(curve.Points.Select(point => point.Accuracy).OrderDescending(), curve.Points.Select(point => point.Accuracy));
        Assert.InRange(curve.Points[0].Accuracy, 0.8, 1);
        Assert.Equal(0, curve.Points[^1].Accuracy, 0.2);
    }

    private IEstimator<ITransformer> Keyed(IEstimator<ITransformer> trainer) =>
        ml.Transforms.Conversion.MapValueToKey("Label").Append(trainer);

    // The class that a model with keys names.
    private string[] Answers(ITransformer model, IDataView data) =>
    [
        .. Tiny.Column<ReadOnlyMemory<char>>(ml.Transforms.Conversion.MapKeyToValue("Answer", "PredictedLabel")
            .Fit(model.Transform(data)).Transform(model.Transform(data)), "Answer").Select(text => text.ToString()),
    ];

    // Which of nine pixels are not the same in all images: Square leaves the last row and column as they were drawn at the start.
    private static readonly int[] Counting = [0, 1, 3, 4];

    // Images of nine pixels, dark, grey or light by the mean of the four that count.
    private IDataView Toy(int count, int seed)
    {
        var random = new Random(seed);
        return ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(_ =>
        {
            float[] pixels = [.. Enumerable.Range(0, 9).Select(place => Counting.Contains(place) ? random.NextSingle() : 0.5f)];
            var mean = Counting.Average(place => pixels[place]);
            return new ToyRow { Features = pixels, Label = mean switch { < 0.4f => "dark", < 0.6f => "grey", _ => "light" } };
        }).ToArray());
    }

    private sealed class ToyRow
    {
        [VectorType(1, 3, 3)]
        public float[] Features { get; set; } = [];

        public string Label { get; set; } = "";
    }

    private sealed class NumberRow
    {
        [VectorType(1, 3, 3)]
        public float[] Features { get; set; } = [];

        public int Label { get; set; }

        [KeyType(2)]
        public uint Key { get; set; }
    }

    private sealed class PairScores
    {
        [VectorType(2)]
        public float[] Score { get; set; } = [];

        public bool PredictedLabel { get; set; }
    }

    private sealed class PairOnly
    {
        [VectorType(2)]
        public float[] Score { get; set; } = [];
    }

    private sealed class ToyPixels
    {
        [VectorType(1, 3, 3)]
        public float[] Features { get; set; } = [];
    }

    private sealed class ToyScores
    {
        [VectorType(3)]
        public float[] Score { get; set; } = [];
    }

    private sealed class BinaryRow
    {
        [VectorType(1, 3, 3)]
        public float[] Features { get; set; } = [];

        public bool Label { get; set; }
    }

    private sealed class Kinds
    {
        [VectorType(1, 16, 16)]
        public byte[] Bytes { get; set; } = [];

        // A new one each time: steps dispose of what they have read.
        [ImageType(16, 16)]
        public MLImage Picture
        {
            get => MLImage.CreateFromPixels(
                16, 16, MLPixelFormat.Rgba32, [.. Bytes.SelectMany(value => Enumerable.Repeat(value, 3).Append(byte.MaxValue))]);
            set => value.Dispose();
        }

        public string Label { get; set; } = "";
    }
}
