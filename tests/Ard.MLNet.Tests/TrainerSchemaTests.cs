using Ard.MLNet.Tests.Scorer;

namespace Ard.MLNet.Tests;

public sealed class TrainerSchemaTests
{
    private readonly MLContext ml = new MLContext(1);

    [Theory]
    [InlineData("text")]
    [InlineData("number")]
    [InlineData("key without values")]
    public void What_the_estimator_promises_is_what_its_transformer_gives_and_what_trainers_of_mlnet_give(string kind)
    {
        var data = Labelled(kind);
        var trainer = new ArdTrainer(ml, Tiny.Natural());

        var promised = Shapes.Text(trainer.GetOutputSchema(Shapes.Of(ml, data)));
        using var model = trainer.Fit(data);
        var given = model.GetOutputSchema(data.Schema);
        var theirs = ml.MulticlassClassification.Trainers.NaiveBayes().Fit(data).Transform(data).Schema;

        Assert.Equal(promised, Shapes.Text(given));
        Assert.Equal(Shapes.Text(theirs), Shapes.Text(given));
        Assert.Equal(given.ToString(), model.Transform(data).Schema.ToString());
        Assert.Equal(Text(theirs, "Score", "ScoreColumnKind"), Text(given, "Score", "ScoreColumnKind"));
        Assert.Equal(Text(theirs, "Score", "ScoreValueKind"), Text(given, "Score", "ScoreValueKind"));
        Assert.Equal(Text(theirs, "PredictedLabel", "ScoreValueKind"), Text(given, "PredictedLabel", "ScoreValueKind"));
        Assert.Equal(theirs["Score"].Type, given["Score"].Type);
        Assert.Equal(theirs["PredictedLabel"].Type, given["PredictedLabel"].Type);
        if (kind == "text")
        {
            VBuffer<ReadOnlyMemory<char>> slots = default;
            given["Score"].Annotations.GetValue("SlotNames", ref slots);
            Assert.Equal(model.ClassNames, slots.DenseValues().Select(name => name.ToString()));
        }
    }

    [Fact]
    public void A_second_model_on_the_same_data_gets_the_next_score_set()
    {
        var once = Tiny.Classifier.Transform(Tiny.Glyphs(ml, 10));
        var twice = Tiny.Classifier.Transform(once);

        Assert.Equal(1u, Set(once));
        Assert.Equal(2u, Set(twice));

        static uint Set(IDataView view)
        {
            uint id = 0;
            view.Schema["Score"].Annotations.GetValue("ScoreColumnSetId", ref id);
            return id;
        }
    }

    [Theory]
    [InlineData("text")]
    [InlineData("int")]
    [InlineData("bool")]
    public void A_label_that_is_no_key_becomes_one_of_its_values_in_their_order(string kind)
    {
        var all = Tiny.Images(ml, 20);
        var rows = all.Select(image => new AnyLabel
        {
            Features = image.Features,
            Text = image.Label % 2 == 0 ? "odd" : "even",
            Number = image.Label % 2 == 0 ? 7 : -3,
            Truth = image.Label % 2 == 0,
        }).ToArray();
        var data = ml.Data.LoadFromEnumerable(rows);
        var label = kind switch { "text" => "Text", "int" => "Number", _ => "Truth" };
        var trainer = new ArdTrainer(ml, Tiny.Natural() with { LabelColumnName = label, Validation = data, Seed = 3 });
        using var model = trainer.Fit(data);
        Assert.Equal(
            Shapes.Text(trainer.GetOutputSchema(Shapes.Of(ml, data))), Shapes.Text(model.GetOutputSchema(data.Schema)));

        // The same as with a key by value in front of it.
        var key = ml.Transforms.Conversion.MapValueToKey(
            label, keyOrdinality: Microsoft.ML.Transforms.ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(data).Transform(data);
        using var same = new ArdTrainer(ml, Tiny.Natural() with { LabelColumnName = label, Validation = key, Seed = 3 })
            .Fit(key);
        Assert.Equal(Scores.Of(ml, same, data), Scores.Of(ml, model, data));
        var named = ml.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(model.Transform(data)).Transform(model.Transform(data));
        Assert.Equal(data.Schema[label].Type, named.Schema["PredictedLabel"].Type);

        // Evaluated on the values, and on the key.
        var evaluator = new AdversarialEvaluatorOptions
        {
            LabelColumnName = label,
            Evaluation = new() { Attacks = ["fgsm"], Threat = ThreatModel.Linf(0.1) },
        };
        var (ofKey, ofData) = (
            ml.MulticlassClassification.EvaluateRobustness(model, key, evaluator),
            ml.MulticlassClassification.EvaluateRobustness(model, data, evaluator));
        Assert.Equal(ofKey["fgsm"].Accuracy, ofData["fgsm"].Accuracy);
        var unknown = ml.Data.LoadFromEnumerable(
            rows.Append(new AnyLabel { Features = rows[0].Features, Text = "none", Number = 5 }).Reverse().ToArray());
        if (kind == "bool") return;
        var fault = Assert.Throws<InvalidOperationException>(
            () => ml.MulticlassClassification.EvaluateRobustness(model, unknown, evaluator));
        Assert.Contains($"Row 0, label column '{label}': the label is missing", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_label_that_cannot_name_a_class_is_refused_in_the_words_of_mlnet()
    {
        var data = ml.Transforms.CopyColumns("Vector", "Features").Fit(Tiny.Glyphs(ml, 10)).Transform(Tiny.Glyphs(ml, 10));
        var trainer = new ArdTrainer(ml, Tiny.Natural() with { LabelColumnName = "Vector" });
        var atSchema = Assert.Throws<ArgumentOutOfRangeException>(() => trainer.GetOutputSchema(Shapes.Of(ml, data)));
        var atFit = Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(data));
        foreach (var fault in new[] { atSchema, atFit })
            Assert.Contains("Schema mismatch for label column 'Vector': expected a key, text, a number or a truth value, got Vector<Single",
                fault.Message, StringComparison.Ordinal);
        using var model = new ArdTrainer(ml, Tiny.Natural()).Fit(data);
        var other = Assert.Throws<ArgumentOutOfRangeException>(
            () => ml.MulticlassClassification.EvaluateRobustness(model, data, new() { LabelColumnName = "Vector" }));
        Assert.Contains("expected a key, or text as 10 classes (", other.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Nothing", "Label", "Could not find feature column 'Nothing'")]
    [InlineData("Features", "Nothing", "Could not find label column 'Nothing'")]
    [InlineData("Text", "Label", "Schema mismatch for feature column 'Text': expected Vector<Single>")]
    public void A_missing_or_wrong_column_is_named(string features, string label, string message)
    {
        var data = ml.Transforms.CopyColumns("Text", "Label").Fit(Tiny.Glyphs(ml, 10)).Transform(Tiny.Glyphs(ml, 10));
        var trainer = new ArdTrainer(ml, Tiny.Natural() with { FeatureColumnName = features, LabelColumnName = label });

        var atSchema = Assert.Throws<ArgumentOutOfRangeException>(() => trainer.GetOutputSchema(Shapes.Of(ml, data)));
        var atFit = Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(data));

        Assert.Contains(message.Split(':')[0], atSchema.Message, StringComparison.Ordinal);
        Assert.Contains(message, atFit.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_vector_of_unknown_size_is_refused()
    {
        var schema = SchemaDefinition.Create(typeof(Image));
        schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single);
        var data = ml.Data.LoadFromEnumerable([new Image { Features = new float[256], Label = 1 }], schema);
        var trainer = new ArdTrainer(ml, Tiny.Natural());

        foreach (var fault in new[]
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => trainer.GetOutputSchema(Shapes.Of(ml, data))),
            Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(data)),
        })
        {
            Assert.Contains(
                "Schema mismatch for feature column 'Features': expected Vector<Single> or Vector<Byte> of known size, or Image, got",
                fault.Message, StringComparison.Ordinal);
            Assert.Contains("[VectorType(channels, height, width)]", fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_row_of_another_length_is_refused_in_plain_words()
    {
        // The schema promises 256 values, and a row has fewer.
        var schema = SchemaDefinition.Create(typeof(Image));
        schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single);
        var rows = ml.Data.LoadFromEnumerable([Row(1), new Image { Features = new float[9], Label = 2 }], schema);
        var format = new PixelFormat(1, 16, 16, new()) { Column = NumberDataViewType.Single };
        var vectors = Tiny.Column<VBuffer<float>>(rows, "Features");
        var fault = Assert.Throws<InvalidOperationException>(() => format.Read(vectors[1], new float[256], "Features", 1));
        Assert.Equal("Row 1, feature column 'Features': expected 256 values, an image of 1x16x16 (channels, height, width), found 9.",
            fault.Message);
    }

    [Theory]
    [InlineData(-1f, "Layout = new() { Scale = 0.5, Offset = -1 }")]
    [InlineData(200f, "Layout = new() { Scale = 1.0 / 255 }")]
    public void Pixels_of_another_scale_are_refused_with_the_layout_that_they_need(float pixel, string hint) =>
        Refused(hint, [Row(1), Row(2), Row(3, pixel)]);

    [Fact]
    public void Another_length_than_the_layout_says_is_refused_and_so_is_a_length_that_makes_no_image()
    {
        var data = Tiny.Glyphs(ml, 10);
        var trainer = new ArdTrainer(
            ml, Tiny.Natural() with { Layout = new ImageLayout { Channels = 3, Height = 16, Width = 16 } });
        Assert.Contains("expected Vector<Single, 768>, an image of 3x16x16",
            Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(data)).Message, StringComparison.Ordinal);

        // No vector is as long as this image.
        trainer = new ArdTrainer(
            ml, Tiny.Natural() with { Layout = new ImageLayout { Channels = 99999, Height = 99999, Width = 99999 } });
        Assert.Contains("an image of 99999x99999x99999",
            Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(data)).Message, StringComparison.Ordinal);

        var odd = OfLength(7);
        var unknown = Assert.Throws<ArgumentOutOfRangeException>(() => new ArdTrainer(ml, Tiny.Natural()).Fit(odd));
        Assert.Contains("expected a square image of 3 channels or of 1", unknown.Message, StringComparison.Ordinal);
        Assert.Contains("Layout = new() { Channels = …, Height = …, Width = … }", unknown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_transformer_refuses_images_of_another_size_before_it_reads_any()
    {
        var other = OfLength(4);

        foreach (var attempt in new Action[]
        {
            () => Tiny.Classifier.Transform(other),
            () => Tiny.Classifier.GetOutputSchema(other.Schema),
            () => ((ITransformer)Tiny.Classifier).GetRowToRowMapper(other.Schema),
        })
        {
            var fault = Assert.Throws<ArgumentOutOfRangeException>(attempt);
            Assert.Contains("Schema mismatch for feature column 'Features': expected Vector<Single, 1, 16, 16>", fault.Message,
                StringComparison.Ordinal);
        }
        var without = Assert.Throws<ArgumentOutOfRangeException>(
            () => Tiny.Classifier.Transform(ml.Data.LoadFromEnumerable([new { X = 1f }])));
        Assert.Contains("Could not find feature column 'Features'", without.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Data_without_rows_is_refused() => Refused("no rows", []);

    [Fact]
    public void Data_of_one_class_is_refused() => Refused("All 3 rows have the label '5'", [Row(5), Row(5), Row(5)]);

    [Fact]
    public void A_missing_label_is_refused_with_its_row() =>
        Refused("Row 1, label column 'Label': the label is missing", [Row(1), Row(99), Row(2)]);

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(-0.01f)]
    [InlineData(255f)]
    [InlineData(float.PositiveInfinity)]
    public void A_pixel_outside_0_to_1_is_refused_with_its_row(float pixel) =>
        Refused($"Row 2, feature column 'Features': expected pixels in [0,1], found {pixel}", [Row(1), Row(2), Row(3, pixel)]);

    [Theory]
    [InlineData(1, false, "All 2 rows have the label in column 'Label'")]
    [InlineData(1, true, "The data has no rows")]
    public void A_key_of_one_class_is_refused(ulong count, bool empty, string message)
    {
        var schema = SchemaDefinition.Create(typeof(Image));
        schema["Label"].ColumnType = new KeyDataViewType(typeof(uint), count);
        var data = ml.Data.LoadFromEnumerable<Image>(empty ? [] : [Row(0), Row(0)], schema);
        var fault = Assert.Throws<InvalidOperationException>(() => new ArdTrainer(ml, Tiny.Natural()).Fit(data));
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, "All 3 rows have the label 'cat' in column 'Label': expected rows of two classes or more.")]
    [InlineData(0, "The data has no rows: expected images.")]
    public void Data_of_one_class_or_none_is_refused_after_MapValueToKey_too(int count, string message)
    {
        var rows = Enumerable.Repeat(new TextRow { Features = new float[256], Label = "cat" }, count);
        var pipeline = Tiny.Keys(ml).Append(new ArdTrainer(ml, Tiny.Natural()));
        var fault = Assert.Throws<InvalidOperationException>(() => pipeline.Fit(ml.Data.LoadFromEnumerable(rows)));
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_of_ones_own_is_made_anew_each_time_by_a_function_that_gives_one_under_a_name_of_its_own()
    {
        var data = Tiny.Glyphs(ml, 20);
        var spec = NetworkSpec.Parse("tinycnn-2") with { InputChannels = 1, ImageSize = 16 };
        var same = spec.Build(1);
        var repeating = new ArdTrainer(ml, Tiny.Natural(NetworkDefinition.Custom("same", () => same)));
        Assert.Contains("The function of the network same gave the same module again",
            Assert.Throws<InvalidOperationException>(() => repeating.Fit(data)).Message, StringComparison.Ordinal);
        // Also where it did so from the third on; the classifier that has the first is none the worse.
        var made = 0;
        var later = new ArdTrainer(ml, Tiny.Natural(NetworkDefinition.Custom("later", () => ++made < 3 ? spec.Build(made) : same)));
        using var first = later.Fit(data);
        Assert.Contains("The function of the network later gave the same module again",
            Assert.Throws<InvalidOperationException>(() => later.Fit(data)).Message, StringComparison.Ordinal);
        Assert.Equal(20, Tiny.Vectors(first.Transform(data), "Score").Count);

        Assert.Contains("The function of the network none gave null", Assert.Throws<InvalidOperationException>(
            () => NetworkDefinition.Custom("none", () => null!).Build(1)).Message, StringComparison.Ordinal);
        foreach (var name in new[] { "resnet18", "TinyCNN-2-bn" })
            Assert.Contains("is built in", Assert.Throws<ArgumentException>(
                () => NetworkDefinition.Custom(name, () => spec.Build(1))).Message, StringComparison.Ordinal);
        Assert.Contains("NetworkDefinition.Custom(\"my-net\", …)", Assert.Throws<FormatException>(
            () => (NetworkDefinition)"my-net").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_module_that_did_not_register_its_parts_is_told_to()
    {
        var forgetful = NetworkDefinition.Custom("forgetful", () => new Forgetful());
        Assert.Contains("RegisterComponents()", Assert.Throws<ArgumentException>(
            () => new ArdTrainer(ml, Tiny.Natural(forgetful)).Fit(Tiny.Glyphs(ml, 20))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_module_that_registered_a_part_of_its_layers_only_is_told_to_register_all()
    {
        var partly = NetworkDefinition.Custom("partly", () => new PartlyRegistered());
        var fault = Assert.Throws<InvalidOperationException>(
            () => new ArdTrainer(ml, Tiny.Natural(partly)).Fit(Tiny.Glyphs(ml, 20)));
        Assert.Contains("The network partly has weights outside of its state dict", fault.Message, StringComparison.Ordinal);

        // One that is random even in eval mode shows nothing.
        var random = NetworkDefinition.Custom("random", () => new RandomNetwork());
        using var model = new ArdTrainer(ml, Tiny.Natural(random)).Fit(Tiny.Glyphs(ml, 20));
    }

    [Fact]
    public void No_message_names_a_parameter_of_the_library()
    {
        var fault = Assert.Throws<ArgumentException>(
            () => new ArdTrainer(ml, Tiny.Natural() with { Method = "magic" }));
        Assert.DoesNotContain("(Parameter", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_for_other_images_or_classes_is_refused_before_training()
    {
        var spec = NetworkSpec.Parse("tinycnn-2") with { Classes = 11, InputChannels = 1, ImageSize = 16 };
        var classes = NetworkDefinition.Custom("eleven", () => spec.Build(1));
        var fault = Assert.Throws<InvalidOperationException>(
            () => new ArdTrainer(ml, Tiny.Natural(classes)).Fit(Tiny.Glyphs(ml, 20)));
        Assert.Contains("The network eleven gives [1,11] for one image of 1x16x16", fault.Message, StringComparison.Ordinal);

        var channels = NetworkDefinition.Custom("colour", () => (spec with { InputChannels = 3 }).Build(1));
        var shape = Assert.Throws<InvalidOperationException>(
            () => new ArdTrainer(ml, Tiny.Natural(channels)).Fit(Tiny.Glyphs(ml, 20)));
        Assert.Contains("The network colour does not take images of 1x16x16", shape.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_of_the_settings_come_in_one_message()
    {
        var fault = Assert.Throws<ArgumentException>(() => new ArdTrainer(ml, new ArdTrainerOptions
        {
            Network = "tinycnn-2",
            FeatureColumnName = "",
            ScoringBatchSize = 0,
            Layout = new ImageLayout { Channels = 0, Scale = double.NaN },
            Training = new TrainingOptions { Epochs = 0, Device = "gpu" },
            Method = "magic",
        }));

        foreach (var part in new[] { "FeatureColumnName", "ScoringBatchSize is 0", "Layout.Channels is 0",
            "Layout.Scale is NaN", "Training.Epochs is 0",
            "Training: Device is 'gpu'", "no method 'magic'" })
            Assert.Contains(part, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_method_that_needs_a_teacher_needs_one()
    {
        var without = Assert.Throws<ArgumentException>(() => new ArdTrainer(ml, new ArdTrainerOptions { Network = "tinycnn-2" }));
        Assert.Contains("Teacher is missing, the method ard needs one", without.Message, StringComparison.Ordinal);
        var trainers = ml.MulticlassClassification.Trainers;
        without = Assert.Throws<ArgumentException>(() => trainers.AdversarialTraining(new() { Network = "tinycnn-2", Method = "mtard" }));
        Assert.Contains("Teacher is missing, the method mtard needs one", without.Message, StringComparison.Ordinal);
        trainers.AdversarialTraining(new() { Network = "tinycnn-2" });
    }

    [Fact]
    public void A_teacher_with_its_classes_in_another_order_is_refused()
    {
        // Keys are numbered by first occurrence: reversed data has reversed keys.
        var reversed = ml.Data.LoadFromEnumerable(
            ml.Data.CreateEnumerable<TextRow>(Tiny.Texts(ml, 20), reuseRowObject: false).Reverse().ToArray());
        var data = Tiny.Keys(ml).Fit(reversed).Transform(reversed);
        var trainer = new ArdTrainer(
            ml, new ArdTrainerOptions { Network = "tinycnn-2", Teacher = Tiny.Classifier, Training = Tiny.Training() });

        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(data));
        Assert.Contains("as the teacher has them", fault.Message, StringComparison.Ordinal);

        using var fitting = new ArdTrainer(ml, Tiny.Natural()).Fit(data);
        var second = new ArdTrainer(ml, new ArdTrainerOptions
        {
            Network = "tinycnn-2",
            Method = "mtard",
            Teacher = fitting,
            NaturalTeacher = Tiny.Classifier,
            Training = Tiny.Training(),
        });
        fault = Assert.Throws<ArgumentOutOfRangeException>(() => second.Fit(data));
        Assert.Contains("as the natural teacher has them", fault.Message, StringComparison.Ordinal);
    }

    private sealed class AnyLabel
    {
        [VectorType(1, 16, 16)]
        public float[] Features { get; set; } = [];

        public string Text { get; set; } = "";

        public int Number { get; set; }

        public bool Truth { get; set; }
    }

    private void Refused(string message, Image[] rows)
    {
        var data = ml.Data.LoadFromEnumerable(rows);
        var fault = Assert.Throws<InvalidOperationException>(() => new ArdTrainer(ml, Tiny.Natural()).Fit(data));
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    private static Image Row(uint label, float pixel = 0.5f)
    {
        var row = new Image { Features = new float[256], Label = label };
        row.Features[7] = pixel;
        return row;
    }

    private IDataView Labelled(string kind)
    {
        if (kind == "text") return Tiny.Glyphs(ml, 20);
        var rows = Tiny.Images(ml, 20);
        var keys = ml.Data.LoadFromEnumerable(rows);
        if (kind == "key without values") return keys;
        var numbers = ml.Data.LoadFromEnumerable(rows.Select(row => new NumberRow { Features = row.Features, Label = (int)row.Label * 5 }));
        return Tiny.Keys(ml).Fit(numbers).Transform(numbers);
    }

    private static string Text(DataViewSchema schema, string column, string annotation)
    {
        ReadOnlyMemory<char> text = default;
        schema[column].Annotations.GetValue(annotation, ref text);
        return text.ToString();
    }

    private IDataView OfLength(int size)
    {
        var schema = SchemaDefinition.Create(typeof(Image));
        schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, size);
        return ml.Data.LoadFromEnumerable([new Image { Features = new float[size], Label = 1 }], schema);
    }

    private sealed class Forgetful() : Module<Tensor, Tensor>("forgetful")
    {
        private readonly Module<Tensor, Tensor> linear = Linear(256, 10);

        public override Tensor forward(Tensor input) => linear.call(input.flatten(1));
    }

    // The middle layer is in a list, where RegisterComponents does not look.
    private sealed class PartlyRegistered : Module<Tensor, Tensor>
    {
        private readonly List<Module<Tensor, Tensor>> body = [Linear(256, 20), ReLU()];
        private readonly Module<Tensor, Tensor> head = Linear(20, 10);

        public PartlyRegistered() : base("partly") => RegisterComponents();

        public override Tensor forward(Tensor input) => head.call(body.Aggregate(input.flatten(1), (x, layer) => layer.call(x)));
    }

    private sealed class RandomNetwork : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> linear = Linear(256, 10);

        public RandomNetwork() : base("random") => RegisterComponents();

        public override Tensor forward(Tensor input) => linear.call(input.flatten(1) + randn(256));
    }

    private sealed class TextRow
    {
        [VectorType(1, 16, 16)]
        public float[] Features { get; set; } = [];

        public string Label { get; set; } = "";
    }

    private sealed class NumberRow
    {
        [VectorType(1, 16, 16)]
        public float[] Features { get; set; } = [];

        public int Label { get; set; }
    }
}
