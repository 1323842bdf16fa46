using Ard.MLNet.Scoring;

namespace Ard.MLNet.Tests.Evaluation;

public sealed class AdversarialTests
{
    private static readonly ThreatModel Threat = ThreatModel.Linf(0.05);
    private static readonly AdversarialExamplesOptions Options = new() { AttackName = "pgd-3", Threat = Threat, BatchSize = 4 };
    private static readonly AdversarialEvaluatorOptions Evaluation =
        new() { Evaluation = new() { Attacks = ["fgsm", "pgd-3"], Threat = Threat, BatchSize = 16 } };

    private readonly MLContext ml = new MLContext(1);
    private readonly ImageClassifierTransformer classifier = Trained.Value;

    // One that gets something right, so that there is something to attack.
    private static readonly Lazy<ImageClassifierTransformer> Trained = new(() =>
    {
        var ml = new MLContext(2);
        var training = Tiny.Training(epochs: 20) with { Optimizer = new AdamOptimizer { LearningRate = 0.005 } };
        return new ArdTrainer(ml, Tiny.Natural("tinycnn-8") with { Training = training }).Fit(Tiny.Glyphs(ml, 100));
    });

    [Fact]
    public void The_new_column_holds_images_within_the_threat_model_that_raise_the_loss()
    {
        var data = Tiny.Glyphs(ml, 30);
        var view = ml.Transforms.AdversarialExamples(classifier, Options).Fit(data).Transform(data);
        var (clean, attacked) = (Tiny.Vectors(view, "Features"), Tiny.Vectors(view, "AdversarialFeatures"));

        Assert.Equal(view.Schema["Features"].Type, view.Schema["AdversarialFeatures"].Type);
        var most = clean.Zip(attacked).Max(pair => pair.First.Zip(pair.Second).Max(pixel => Math.Abs(pixel.First - pixel.Second)));
        Assert.InRange(most, 0.04, 0.05 + 1e-6);
        Assert.All(attacked, image => Assert.All(image, pixel => Assert.InRange(pixel, 0, 1)));
        Assert.True(Loss("AdversarialFeatures") > Loss("Features"));

        double Loss(string column) =>
            ml.MulticlassClassification.Evaluate(
                classifier.Transform(ml.Transforms.CopyColumns("Features", column).Fit(view).Transform(view))).LogLoss;
    }

    [Fact]
    public void Gray_images_are_attacked_within_the_budget_that_is_usual_for_them_where_none_is_set()
    {
        var data = Tiny.Glyphs(ml, 20);
        var metrics = ml.MulticlassClassification.EvaluateRobustness(classifier, data, new() { Evaluation = new() { Attacks = ["fgsm"] } });
        Assert.Equal(ThreatModel.Linf(0.1), metrics.Report.Threat);
        var view = ml.Transforms.AdversarialExamples(classifier, new() { AttackName = "fgsm" }).Fit(data).Transform(data);
        var (clean, attacked) = (Tiny.Vectors(view, "Features"), Tiny.Vectors(view, "AdversarialFeatures"));
        var most = clean.Zip(attacked).Max(pair => pair.First.Zip(pair.Second).Max(pixel => Math.Abs(pixel.First - pixel.Second)));
        Assert.Equal(0.1f, most, 1e-5f);
    }

    [Fact]
    public void Its_estimator_promises_what_its_transformer_gives()
    {
        var data = Tiny.Glyphs(ml, 10);
        var estimator = ml.Transforms.AdversarialExamples(classifier, Options);

        Assert.Equal(Shapes.Text(estimator.GetOutputSchema(Shapes.Of(ml, data))),
            Shapes.Text(estimator.Fit(data).GetOutputSchema(data.Schema)));
        Assert.NotSame(estimator.Fit(data), estimator.Fit(data));
        var vectors = ml.Transforms.CopyColumns("Label", "Features").Fit(data).Transform(data);
        Assert.Throws<ArgumentOutOfRangeException>(() => estimator.Fit(vectors));
        Assert.Throws<ArgumentOutOfRangeException>(() => estimator.GetOutputSchema(Shapes.Of(ml, vectors)));
        Assert.Throws<ArgumentException>(() => ml.Transforms.AdversarialExamples(classifier, new() { AttackName = "magic" }));
        var faults = Assert.Throws<ArgumentException>(
            () => ml.Transforms.AdversarialExamples(classifier, new() { AttackName = "cw-l2", BatchSize = int.MaxValue })).Message;
        Assert.Contains("'cw-l2' cannot do Linf, expected L2", faults, StringComparison.Ordinal);
        Assert.Contains("BatchSize is 2147483647, expected 1 to 65536", faults, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => new AdversarialEvaluator(null!));
    }

    [Fact]
    public void The_new_column_is_the_same_with_any_other_columns_row_by_row_in_cursor_sets_and_threads()
    {
        var data = ml.Data.Cache(Tiny.Glyphs(ml, 20));
        // One at a time, so that no bit depends on what shares a batch.
        var step = ml.Transforms.AdversarialExamples(classifier, Options with { BatchSize = 1 }).Fit(data);
        var view = step.Transform(data);
        var column = view.Schema["AdversarialFeatures"];
        var expected = Tiny.Vectors(view, column.Name);
        DataViewSchema.Column[] even = [.. view.Schema.Where(each => each.Index % 2 == column.Index % 2)];
        foreach (var active in new DataViewSchema.Column[][] { [column], even, [.. view.Schema] }) Same(view.GetRowCursor(active));
        Parallel.ForEach(view.GetRowCursorSet([column], 3), Same);
        Parallel.For(0, 4, _ => Same(view.GetRowCursor([column])));
        using (var two = view.GetRowCursor([column]))
        {
            two.MoveNext();
            Same(view.GetRowCursor([column]));
        }

        var mapper = ((ITransformer)step).GetRowToRowMapper(data.Schema);
        using var source = data.GetRowCursor(data.Schema);
        using var row = mapper.GetRow(source, [mapper.OutputSchema[column.Name]]);
        var get = row.GetGetter<VBuffer<float>>(mapper.OutputSchema[column.Name]);
        VBuffer<float> image = default;
        while (source.MoveNext())
        {
            get(ref image);
            Assert.Equal(expected[(int)source.Position], image.DenseValues());
        }
        Assert.Empty(Tiny.Vectors(step.Transform(ml.Data.LoadFromEnumerable<Image>([])), column.Name));

        void Same(DataViewRowCursor cursor)
        {
            using var open = cursor;
            var get = cursor.GetGetter<VBuffer<float>>(column);
            var getId = cursor.GetIdGetter();
            VBuffer<float> image = default;
            DataViewRowId id = default;
            while (cursor.MoveNext())
            {
                get(ref image);
                getId(ref id);
                Assert.Equal(expected[(int)id.Low], image.DenseValues());
            }
        }
    }

    [Fact]
    public void Raw_values_stay_raw_values()
    {
        var ml = new MLContext(3);
        var rows = Tiny.Images(ml, 20);
        foreach (var row in rows) row.Features = [.. row.Features.Select(pixel => pixel * 255)];
        var data = ml.Data.LoadFromEnumerable(rows);
        using var raw = new ArdTrainer(ml, Tiny.Natural() with { Layout = new ImageLayout { Scale = 1.0 / 255 } }).Fit(data);
        var view = ml.Transforms.AdversarialExamples(raw, Options).Fit(data).Transform(data);

        var most = Tiny.Vectors(view, "Features").Zip(Tiny.Vectors(view, "AdversarialFeatures"))
            .Max(pair => pair.First.Zip(pair.Second).Max(p => Math.Abs(p.First - p.Second)));
        Assert.InRange(most, 0.04 * 255, 0.05 * 255 + 1e-3);
    }

    [Fact]
    public void Metrics_are_written_as_a_page_with_classes_images_training_and_the_code_that_measures_again()
    {
        var data = Tiny.Glyphs(ml, 30);
        var metrics = ml.MulticlassClassification.EvaluateRobustness(classifier, data, Evaluation);
        var path = Path.Combine(Tiny.Folder(), "report.html");
        metrics.SaveHtml(path);
        var page = File.ReadAllText(path);

        Assert.Equal(classifier.ClassNames, metrics.ClassNames);
        Assert.All(metrics.ClassNames, name => Assert.Contains($">{name}<", page));
        Assert.Contains("Threat = ThreatModel.Linf(0.05),", page);
        Assert.Contains("Attacks = [&quot;fgsm&quot;, &quot;pgd-3&quot;],", page);
        Assert.Contains("Objective: natural", classifier.Training!.Settings);
        Assert.Contains("<td>natural</td>", page);
        Assert.Contains("20 epochs in", page);
        Assert.InRange(metrics.Images!.Each.Count, 1, 6);
        // What is shown is what was measured, also where keys are not in the order of the data set's classes.
        Assert.All(metrics.Images.Each, image =>
        {
            Assert.Equal(metrics.Report.Labels[(int)image.Row], image.Label);
            Assert.Equal(metrics.Report[metrics.Images.Attack].Predictions[(int)image.Row], image.AttackedPrediction);
        });
        Assert.Null(ml.MulticlassClassification.EvaluateRobustness(classifier, data, Evaluation with { Images = 0 }).Images);
        Assert.Throws<ArgumentException>(
            () => ml.MulticlassClassification.EvaluateRobustness(classifier, data, Evaluation with { Images = -1 }));
    }

    [Fact]
    public void A_curve_begins_at_the_clean_accuracy_and_ends_at_the_worst_case_of_its_largest_budget()
    {
        var data = Tiny.Glyphs(ml, 30);
        var curve = ml.MulticlassClassification.EvaluateRobustnessCurve(classifier, data, [Threat.Epsilon, 0], Evaluation);
        var metrics = ml.MulticlassClassification.EvaluateRobustness(classifier, data, Evaluation);
        Assert.Equal([0, Threat.Epsilon], curve.Points.Select(point => point.Epsilon));
        Assert.Equal(metrics.Clean.Accuracy, curve.Points[0].Accuracy);
        Assert.Equal(metrics.WorstCase.Accuracy, curve.Points[1].Accuracy);
        Assert.Equal(["fgsm", "pgd-3"], curve.Attacks);
    }

    [Fact]
    public void Labels_are_keys_or_values_and_the_points_the_same()
    {
        var keys = Tiny.Glyphs(ml, 12);
        var values = Tiny.Texts(ml, keys);
        Assert.IsNotType<KeyDataViewType>(values.Schema["Label"].Type);
        var estimator = ml.Transforms.AdversarialExamples(classifier, Options);
        Assert.Equal(
            Shapes.Text(estimator.GetOutputSchema(Shapes.Of(ml, values))),
            Shapes.Text(estimator.Fit(values).GetOutputSchema(values.Schema)));
        Assert.Equal(
            Tiny.Vectors(estimator.Fit(keys).Transform(keys), "AdversarialFeatures"),
            Tiny.Vectors(estimator.Fit(values).Transform(values), "AdversarialFeatures"));

        var others = ml.Transforms.Conversion.ConvertType("Label", outputKind: DataKind.Double).Fit(values).Transform(values);
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => estimator.Fit(others));
        Assert.Contains("expected a key, or ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_label_and_keys_in_another_order_are_refused()
    {
        var data = ml.Data.LoadFromEnumerable([new Image { Features = new float[256], Label = 99 }]);
        var view = ml.Transforms.AdversarialExamples(classifier, Options).Fit(data).Transform(data);
        var fault = Assert.Throws<InvalidOperationException>(() => Tiny.Vectors(view, "AdversarialFeatures"));
        Assert.Contains("Row 0, label column 'Label': the label is missing", fault.Message, StringComparison.Ordinal);

        var other = ml.Data.SkipRows(ml.Data.LoadGlyphs(20, 7), 3);
        var keyed = Tiny.Keys(ml).Fit(other).Transform(other);
        Assert.Contains("as the classifier has them", Assert.Throws<ArgumentOutOfRangeException>(
            () => ml.Transforms.AdversarialExamples(classifier).Fit(keyed)).Message, StringComparison.Ordinal);
        var message = Assert.Throws<ArgumentOutOfRangeException>(
            () => ml.MulticlassClassification.EvaluateRobustness(classifier, keyed)).Message;
        Assert.Contains("as the classifier has them", message, StringComparison.Ordinal);
        Assert.Contains(
            "the same in another order; transform both data sets with one fitted MapValueToKey", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_is_disposed_of_while_it_is_evaluated_says_so()
    {
        var data = Tiny.Glyphs(ml, 20);
        var model = new ArdTrainer(ml, Tiny.Natural()).Fit(data);
        var options = Evaluation with { Progress = new Inline(model.Dispose) };
        Assert.Contains("The classifier is in use by what called here", Assert.Throws<InvalidOperationException>(
            () => ml.MulticlassClassification.EvaluateRobustness(model, data, options)).Message);
        Assert.Equal(20, Tiny.Vectors(model.Transform(data), "Score").Count);
        model.Dispose();
    }

    private sealed class Inline(Action told) : IProgress<Trainers.Evaluation.EvaluationProgress>
    {
        public void Report(Trainers.Evaluation.EvaluationProgress value) => told();
    }

    [Fact]
    public void Outputs_that_are_not_finite_are_no_class_in_the_rows_and_wrong_in_the_metrics()
    {
        var data = Tiny.Glyphs(ml, 60);
        using var images = Glyphs.Generate(60, 7);
        // It gives no number for images whose pixel in the middle is brighter than most, as an attack may make that of others.
        var pixel = Faulty.Pixel(images.Images).to(torch.ScalarType.Float32).div(255);
        var bright = pixel.sort().Values[40].item<float>() + 0.01f;
        using var faulty = new ImageClassifierTransformer(
            new Classifier(new Faulty(classifier.Model, bright), "tinycnn-8", classifier.Classifier.Format, classifier.Classifier.Labels,
                "Features", 8),
            null);
        var metrics = ml.MulticlassClassification.EvaluateRobustness(faulty, data, Evaluation);
        var rows = Rows(metrics.WorstCase);
        Assert.Equal(pixel.gt(bright).sum().item<long>(), rows.Count(row => row is { PredictedLabel: 0 }));
        Assert.Contains(rows, row => row is { PredictedLabel: > 0, AttackedPredictedLabel: 0 });
        Assert.Contains(metrics.Flags, flag => flag.Code == RobustnessFlagCode.NotFinite);
        foreach (var attack in metrics.Attacks.Prepend(metrics.Clean).Append(metrics.WorstCase))
        {
            Assert.Equal(attack.Accuracy, attack.Metrics.MicroAccuracy, 1e-9);
            Assert.Equal(60, attack.Metrics.ConfusionMatrix.Counts.Sum(counts => counts.Sum()));
        }
        using var json = JsonDocument.Parse(metrics.Summary.ToJson());
        Assert.Equal("NotFinite", json.RootElement.GetProperty("flags")[0].GetProperty("code").GetString());
    }

    private sealed class Faulty : torch.nn.Module<torch.Tensor, torch.Tensor>
    {
        private readonly torch.nn.Module<torch.Tensor, torch.Tensor> network;
        private readonly float bright;

        // What it passes on to belongs to another.
        public Faulty(torch.nn.Module<torch.Tensor, torch.Tensor> network, float bright) : base(nameof(Faulty)) =>
            (this.network, this.bright) = (network, bright);

        public static torch.Tensor Pixel(torch.Tensor images) => images.select(3, 8).select(2, 8).select(1, 0);

        public override torch.Tensor forward(torch.Tensor input) =>
            network.call(input) / Pixel(input.detach()).le(bright).unsqueeze(1).to(torch.ScalarType.Float32);
    }

    [Fact]
    public void The_evaluator_finds_what_the_evaluator_of_tensors_finds()
    {
        var metrics = ml.MulticlassClassification.EvaluateRobustness(classifier, Tiny.Glyphs(ml, 60, seed: 7), Evaluation);
        using var glyphs = Glyphs.Generate(60, 7);
        var report = new RobustnessEvaluator(Evaluation.Evaluation).Evaluate(classifier.Model, glyphs.Images, glyphs.Labels);

        Assert.Equal(report.Clean.Correct, metrics.Report.Clean.Correct);
        Assert.Equal(report.Attacks.Count, metrics.Attacks.Count);
        foreach (var attack in report.Attacks)
        {
            Assert.Equal(attack.Correct, metrics.Report[attack.Name].Correct);
            Assert.Equal(attack.Accuracy, metrics[attack.Name].Accuracy);
        }
        // What ML.NET counts on the attacked data is the same accuracy.
        foreach (var attack in metrics.Attacks.Prepend(metrics.Clean).Append(metrics.WorstCase)) Assert.Equal(
            attack.Accuracy, attack.Metrics.MicroAccuracy, 1e-9);
        Assert.InRange(metrics.Clean.Accuracy, 0.2, 1);
        Assert.True(metrics["pgd-3"].Accuracy < metrics.Clean.Accuracy);
        Assert.True(metrics.WorstCase.Accuracy <= metrics["pgd-3"].Accuracy);
        Assert.True(metrics["pgd-3"].Metrics.LogLoss > metrics.Clean.Metrics.LogLoss);
        Assert.Throws<KeyNotFoundException>(() => metrics["magic"]);
    }

    [Fact]
    public void A_pipeline_is_evaluated_from_the_data_that_it_takes()
    {
        var data = ml.Data.LoadGlyphs(40, 7);
        var chain = Tiny.Keys(ml).Fit(ml.Data.LoadGlyphs(10, 7)).Append(classifier)
            .Append(ml.Transforms.CopyColumns("X", "Score").Fit(classifier.Transform(Tiny.Glyphs(ml, 10))));

        Assert.Equal(
            ml.MulticlassClassification.EvaluateRobustness(classifier, Tiny.Glyphs(ml, 40), Evaluation).Report.WorstCase.Correct,
            ml.MulticlassClassification.EvaluateRobustness(chain, data, Evaluation).Report.WorstCase.Correct);
        var without = Assert.Throws<ArgumentOutOfRangeException>(
            () => ml.MulticlassClassification.EvaluateRobustness(Tiny.Keys(ml).Fit(data), data));
        Assert.Contains("score or predicted label column 'PredictedLabel'", without.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_row_is_told_for_every_attack()
    {
        var metrics = ml.MulticlassClassification.EvaluateRobustness(classifier, Tiny.Glyphs(ml, 30), Evaluation);
        foreach (var attack in metrics.Attacks.Prepend(metrics.Clean).Append(metrics.WorstCase))
        {
            var rows = Rows(attack);
            Assert.Equal(Enumerable.Range(0, 30).Select(row => (long)row), rows.Select(row => row.Row));
            foreach (var row in rows)
            {
                var (result, wasRight) = (metrics.Report[attack.Name], metrics.Report.Clean.Correct[(int)row.Row]);
                Assert.Equal(wasRight, row.PredictedLabel == row.Label);
                Assert.Equal(result.Correct[(int)row.Row], row.AttackedPredictedLabel == row.Label);
                if (wasRight && attack != metrics.Clean) Assert.InRange(row.PerturbationNorm, row.BrokenBy == "" ? 0 : 0.001, 0.05 + 1e-6);
                else Assert.Equal(0, row.PerturbationNorm);
                var point = result.Points[(int)row.Row];
                Assert.Equal(point.BrokenBy ?? "", row.BrokenBy);
                Assert.Equal((point.ForwardPasses, point.BackwardPasses), (row.ForwardPasses, row.BackwardPasses));
                // FGSM: the clean image, the step, the result.
                if (attack.Name == "fgsm") Assert.Equal(wasRight ? (3, 1) : (1, 0), (row.ForwardPasses, row.BackwardPasses));
            }
        }
        // ML.NET goes on with it: the rows that were broken, by their classes' names.
        var broken = ml.Data.FilterRowsByColumn(metrics.WorstCase.Rows, "PerturbationNorm", lowerBound: 1e-9);
        Assert.Equal(
            metrics.Report.WorstCase.Points.Count(point => point.Size > 0), ml.Data.CreateEnumerable<RowResult>(broken, false).Count());
        Assert.NotEqual(0, metrics.Report.WorstCase.Points.Count(point => point.Size == 0));
        var text = ml.Transforms.Conversion.MapKeyToValue("Label").Fit(metrics.Clean.Rows).Transform(metrics.Clean.Rows);
        Assert.Equal("disk", Tiny.Column<ReadOnlyMemory<char>>(text, "Label")[0].ToString());
    }

    [Fact]
    public void An_adversary_who_may_do_nothing_changes_nothing()
    {
        var metrics = ml.MulticlassClassification.EvaluateRobustness(
            classifier, Tiny.Glyphs(ml, 20), Evaluation with { Evaluation = Evaluation.Evaluation with { Threat = ThreatModel.Linf(0) } });
        Assert.Equal(metrics.Clean.Accuracy, metrics.WorstCase.Accuracy);
        Assert.Equal(metrics.Clean.Metrics.LogLoss, metrics["fgsm"].Metrics.LogLoss);
    }

    [Fact]
    public void The_report_is_JSON()
    {
        var path = Path.Combine(Tiny.Folder(), "report.json");
        var metrics = ml.MulticlassClassification.EvaluateRobustness(classifier, Tiny.Glyphs(ml, 20), Evaluation);
        metrics.SaveJson(path);
        using var json = JsonDocument.Parse(File.ReadAllText(path));
        var root = json.RootElement;

        Assert.Equal("Linf", root.GetProperty("threat").GetProperty("norm").GetString());
        Assert.Equal(20, root.GetProperty("rows").GetInt32());
        Assert.Equal(metrics.Clean.Accuracy, root.GetProperty("clean").GetProperty("accuracy").GetDouble());
        Assert.Equal(["fgsm", "pgd-3"],
            root.GetProperty("attacks").EnumerateArray().Select(attack => attack.GetProperty("name").GetString()));
        Assert.Equal(10, root.GetProperty("worstCase").GetProperty("confusion").GetArrayLength());
        Assert.Equal([metrics.Clean.Interval.Low, metrics.Clean.Interval.High],
            root.GetProperty("clean").GetProperty("interval").EnumerateArray().Select(bound => bound.GetDouble()));
        Assert.Equal(metrics.Flags.Select(flag => flag.Seen),
            root.GetProperty("flags").EnumerateArray().Select(flag => flag.GetProperty("seen").GetString()));
        Assert.Equal(metrics.ClassNames, root.GetProperty("classNames").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal(
            metrics.Report.Classes.Select(each => (each.Class, each.Images, each.Accuracy)),
            root.GetProperty("classes").EnumerateArray().Select(each => (
                each.GetProperty("class").GetInt64(), each.GetProperty("images").GetInt32(), each.GetProperty("accuracy").GetDouble())));
        var points = root.GetProperty("points");
        Assert.Equal(
            metrics.Report.WorstCase.Points.Select(point => point.BrokenBy),
            points.GetProperty("brokenBy").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal(
            metrics.Report.WorstCase.Points.Select(point => point.ForwardPasses),
            points.GetProperty("forwardPasses").EnumerateArray().Select(count => (long?)count.GetInt64()));
        Assert.Equal(
            metrics.Report["fgsm"].Correct, points.GetProperty("right").GetProperty("fgsm").GetString()!.Select(letter => letter == '1'));
    }

    [Fact]
    public void Any_attack_is_chosen_by_name_its_parts_are_told_and_what_is_doubtful_is_flagged()
    {
        var evaluation = Evaluation.Evaluation with { Attacks = ["autoattack", "fgsm"], Sequential = true };
        var metrics = ml.MulticlassClassification.EvaluateRobustness(classifier, Tiny.Glyphs(ml, 30), new() { Evaluation = evaluation });
        Assert.Contains(Rows(metrics["autoattack"]), row => row is { BrokenBy: "apgd-ce" });
        Assert.Contains(Rows(metrics["fgsm"]), row => row is { BrokenBy: "apgd-ce" });
        Assert.Contains(Rows(metrics.WorstCase), row => row is { BrokenBy: "autoattack" });
        // Of the sequence's last attack.
        Assert.Equal(metrics.WorstCase.Accuracy, metrics["fgsm"].Accuracy);
        Assert.Equal(metrics.WorstCase.Accuracy, metrics.WorstCase.Metrics.MicroAccuracy, 1e-9);
        Assert.InRange(metrics.WorstCase.Accuracy, metrics.WorstCase.Interval.Low, metrics.WorstCase.Interval.High);
        Assert.Same(metrics.Report.Flags, metrics.Flags);
        Assert.DoesNotContain(metrics.Flags, flag => flag.Code != RobustnessFlagCode.ZeroGradients);
    }

    [Fact]
    public void A_stopped_evaluation_goes_on_to_the_same_metrics()
    {
        var evaluation = Evaluation.Evaluation with { StateFile = Path.Combine(Tiny.Folder(), "state") };
        using var stop = new CancellationTokenSource();
        var steps = 0;
        var options = new AdversarialEvaluatorOptions
        {
            Evaluation = evaluation,
            Cancellation = stop.Token,
            Progress = new Heard(() =>
            {
                if (++steps == 4) stop.Cancel();
            }),
        };
        Assert.Throws<OperationCanceledException>(
            () => ml.MulticlassClassification.EvaluateRobustness(classifier, Tiny.Glyphs(ml, 40), options));
        var resumed = ml.MulticlassClassification.EvaluateRobustness(
            classifier, Tiny.Glyphs(ml, 40), options with { Cancellation = default });
        Assert.Equal(9, steps);
        var undisturbed = ml.MulticlassClassification.EvaluateRobustness(classifier, Tiny.Glyphs(ml, 40), Evaluation);
        Assert.Equal(undisturbed.Summary.ToJson(), resumed.Summary.ToJson());
    }

    private sealed class Heard(Action hear) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value) => hear();
    }

    private RowResult[] Rows(AttackMetrics attack) =>
        [.. ml.Data.CreateEnumerable<RowResult>(attack.Rows, reuseRowObject: false)];

    private sealed class RowResult
    {
        public long Row { get; set; }

        public uint Label { get; set; }

        public uint PredictedLabel { get; set; }

        public uint AttackedPredictedLabel { get; set; }

        public double PerturbationNorm { get; set; }

        public string BrokenBy { get; set; } = "";

        public long ForwardPasses { get; set; }

        public long BackwardPasses { get; set; }
    }
}
