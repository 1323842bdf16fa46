using Ard.MLNet.Tests.Scorer;
using Ard.Trainers.Objectives;
using Ard.Trainers.Tests.Distributed;
using Microsoft.ML.Transforms;

namespace Ard.MLNet.Tests;

public sealed class TrainingTests
{
    private static ArdTrainerOptions Student(TeacherNetwork teacher) => new()
    {
        Network = "tinycnn-2",
        Teacher = teacher,
        Settings = new ObjectiveSettings { Steps = 1 },
        Training = Tiny.Training(),
    };

    [Fact]
    public void The_same_seed_of_the_context_gives_the_same_weights_and_no_seed_gives_others()
    {
        float[] Fit(int? seed)
        {
            var ml = new MLContext(seed);
            using var model = new ArdTrainer(ml, Tiny.Natural()).Fit(Tiny.Glyphs(ml, 20));
            return Tiny.Weights(model);
        }

        Assert.Equal(Fit(5), Fit(5));
        Assert.NotEqual(Fit(5), Fit(6));
        Assert.NotEqual(Fit(null), Fit(null));
    }

    [Fact]
    public void Perfect_on_a_few_validation_images_is_not_taken_for_chance()
    {
        var ml = new MLContext(1);
        using var model = new ArdTrainer(ml, Tiny.Natural() with
        {
            Network = "tinycnn-8-bn",
            Training = new() { Epochs = 80, Device = "cpu", ValidationFraction = 0.04, KeepBest = false },
        }).Fit(ml.Data.LoadFromEnumerable(
            Tiny.Images(ml, 100).Select(image => new NumberedImage { Features = image.Features, Label = image.Label % 2 }).ToArray()));
        Assert.InRange(model.Training!.History[^1].TrainingAccuracy, 0.9, 1);
        Assert.Equal(4, model.Training.ValidationImages);
        Assert.DoesNotContain(model.Training.Warnings, warning => warning.Contains("learned nothing", StringComparison.Ordinal));
        Assert.DoesNotContain(model.Training.Warnings, warning => warning.Contains("another scale", StringComparison.Ordinal));
    }

    [Fact]
    public void Labels_that_are_numbers_of_their_own_are_told_what_mlnet_makes_of_them()
    {
        var ml = new MLContext(1);
        var told = new List<string>();
        ml.Log += (_, log) => told.Add(log.Message);
        foreach (var first in new[] { 0, 1 })
        {
            told.Clear();
            var rows = Tiny.Images(ml, 20).Select((image, n) => new NumberedImage { Features = image.Features, Label = first + n % 2 });
            new ArdTrainer(ml, Tiny.Natural()).Fit(ml.Data.LoadFromEnumerable(rows.ToArray())).Dispose();
            Assert.Equal(first == 1, told.Exists(text => text.Contains("The labels are the numbers 1, 2: ML.NET's own Evaluate takes")));
        }
    }

    private sealed class NumberedImage
    {
        [VectorType(1, 16, 16)]
        public float[] Features { get; set; } = [];

        public float Label { get; set; }
    }

    [Fact]
    public void What_one_of_several_processes_cannot_read_ends_all()
    {
        var failure = Assert.Throws<AggregateException>(() => ThreadGroup.Run(2, group =>
        {
            var ml = new MLContext(1);
            var images = Tiny.Images(ml, 20);
            if (group.Rank == 1) images[7].Features[0] = 2;
            var training = Tiny.Natural().Training with { Group = group };
            return new ArdTrainer(ml, Tiny.Natural() with { Training = training }).Fit(ml.Data.LoadFromEnumerable(images));
        }));
        Assert.Equal(2, failure.InnerExceptions.Count);
        Assert.Contains(failure.InnerExceptions, each => each.Message.StartsWith("In the process of rank 1: ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_trainer_may_be_fitted_again_and_a_seed_of_its_own_wins()
    {
        var trainer = new ArdTrainer(new MLContext(), Tiny.Natural() with { Seed = 3 });
        var ml = new MLContext(1);
        var data = Tiny.Glyphs(ml, 20);
        using var first = trainer.Fit(data);
        using var second = trainer.Fit(data);
        using var other = new ArdTrainer(ml, Tiny.Natural() with { Seed = 3 }).Fit(data);

        Assert.NotSame(first.Model, second.Model);
        Assert.Equal(Tiny.Weights(first), Tiny.Weights(second));
        Assert.Equal(Tiny.Weights(first), Tiny.Weights(other));
    }

    [Fact]
    public void A_teacher_may_be_a_classifier_a_module_or_a_file_and_all_give_the_same_student()
    {
        var ml = new MLContext(1);
        var data = Tiny.Glyphs(ml, 20);
        var file = Path.Combine(Tiny.Folder(), "teacher.safetensors");
        ModelFile.Write(file, Tiny.Classifier.Model);
        var before = Tiny.Weights(Tiny.Classifier);

        var students = new[]
        {
            Tiny.Classifier,
            Tiny.Classifier.Model,
            TeacherNetwork.FromFile(file),
            TeacherNetwork.FromFile(file, Tiny.Classifier.Network),
        }.Select(teacher =>
        {
            using var student = new ArdTrainer(ml, Student(teacher) with { Seed = 1 }).Fit(data);
            return Tiny.Weights(student);
        }).ToArray();

        Assert.All(students, student => Assert.Equal(students[0], student));
        Assert.Equal(before, Tiny.Weights(Tiny.Classifier));
        Assert.False(Tiny.Classifier.Model.training);
    }

    [Fact]
    public void A_classifier_that_teaches_may_score_and_be_disposed_of_meanwhile()
    {
        var ml = new MLContext(1);
        var data = Tiny.Glyphs(ml, 40);
        float[] Fit(ImageClassifierTransformer teacher, Action meanwhile)
        {
            var training = Tiny.Training() with { ProgressInterval = TimeSpan.Zero };
            var options = Student(teacher) with { Seed = 1, Progress = new Watcher(meanwhile), Training = training };
            using var student = new ArdTrainer(ml, options).Fit(data);
            return Tiny.Weights(student);
        }
        ImageClassifierTransformer Teacher() => new ArdTrainer(ml, Tiny.Natural() with { Seed = 3 }).Fit(data);

        using var teacher = Teacher();
        var (parameters, scores) = (teacher.Model.parameters().ToArray(), Tiny.Vectors(teacher.Transform(data), "Score"));
        var expected = Fit(teacher, () =>
        {
            Assert.Equal(parameters, teacher.Model.parameters());
            Assert.Equal(scores, Tiny.Vectors(teacher.Transform(data), "Score"));
        });
        var other = Teacher();
        Assert.Equal(expected, Fit(other, other.Dispose));
        Assert.NotSame(teacher.Model, ((TeacherNetwork)teacher).Open().Network);
    }

    private sealed class Watcher(Action see) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => see();
    }

    [Fact]
    public void A_pipeline_fitted_or_loaded_is_a_teacher_by_its_classifier()
    {
        var ml = new MLContext(1);
        var (data, raw) = (Tiny.Glyphs(ml, 20), ml.Data.LoadGlyphs(20, 7));
        var pipeline = Tiny.Keys(ml).Fit(ml.Data.LoadGlyphs(10, 7)).Append(Tiny.Classifier)
            .Append(ml.Transforms.CopyColumns("X", "Score").Fit(Tiny.Classifier.Transform(data)));
        var loaded = ml.Model.Load(new MemoryStream(Saving.SaveLoadTests.Save(ml, pipeline, raw.Schema)), out _);
        float[] Fit(TeacherNetwork teacher)
        {
            using var student = new ArdTrainer(ml, Student(teacher) with { Seed = 1 }).Fit(data);
            return Tiny.Weights(student);
        }

        Assert.Same(Tiny.Classifier, ImageClassifierTransformer.From(pipeline));
        var expected = Fit(Tiny.Classifier);
        Assert.Equal(expected, Fit(TeacherNetwork.From(Tiny.Classifier)));
        Assert.Equal(expected, Fit(TeacherNetwork.From(pipeline)));
        Assert.Equal(expected, Fit(TeacherNetwork.From(loaded)));
        Assert.Contains("found 0 in", Assert.Throws<ArgumentException>(
            () => TeacherNetwork.From(Tiny.Keys(ml).Fit(raw))).Message, StringComparison.Ordinal);
        Assert.Contains("found 2 in", Assert.Throws<ArgumentException>(
            () => TeacherNetwork.From(pipeline.Append(Tiny.Classifier))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("at", "training accuracy (on attacked images) ")]
    [InlineData("natural", "training accuracy ")]
    public void The_log_says_what_the_training_accuracy_is_of(string method, string expected)
    {
        var ml = new MLContext(1);
        var messages = new List<string>();
        ml.Log += (_, message) => messages.Add(message.Message);
        var settings = method == "at" ? new ObjectiveSettings { Steps = 1 } : new();
        using var model = new ArdTrainer(ml, Tiny.Natural() with { Method = method, Settings = settings }).Fit(Tiny.Glyphs(ml, 20));
        Assert.Matches($@"Epoch 1 of 1: loss [\d.]+, {System.Text.RegularExpressions.Regex.Escape(expected)}[\d.]+",
            Assert.Single(messages, message => message.Contains("Epoch 1 of 1", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("at", true)]
    [InlineData("at", false)]
    [InlineData("natural", true)]
    public void The_validation_is_against_the_threat_model_of_the_method(string method, bool byName)
    {
        var ml = new MLContext(1);
        var threat = ThreatModel.Linf(0.02);
        var attack = new SpyAttack();
        var options = Tiny.Natural() with
        {
            Method = method,
            Settings = byName ? new ObjectiveSettings { Threat = threat } : new(),
            Objective = byName ? null : ObjectiveCatalog.ByName(method, new() { Threat = threat }),
            Validation = Tiny.Glyphs(ml, 10, seed: 8),
            Training = Tiny.Training() with { Validation = new() { Attacks = [], MoreAttacks = [attack] } },
        };
        using (new ArdTrainer(ml, options).Fit(Tiny.Glyphs(ml, 20)))
        {
            Assert.Equal([threat], attack.Threats.Distinct());
        }

        var validation = options.Training.Validation with { Threat = ThreatModel.L2(1) };
        var own = options with { Training = options.Training with { Validation = validation } };
        attack.Threats.Clear();
        using var model = new ArdTrainer(ml, own).Fit(Tiny.Glyphs(ml, 20));
        Assert.Equal([ThreatModel.L2(1)], attack.Threats.Distinct());
        Assert.Equal(method == "at", model.Training!.Warnings.Any(
            warning => warning.Contains("the best epoch is chosen against L2 1", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_the_data_have_that_the_model_does_not_know_is_named()
    {
        var ml = new MLContext(1);
        var keys = Tiny.Keys(ml).Fit(Tiny.Texts(ml, 4));
        var unknown = Ard.Trainers.Data.Glyphs.ClassNames[4];
        var fault = Assert.Throws<InvalidOperationException>(
            () => new ArdTrainer(ml, Tiny.Natural()).Fit(keys.Transform(Tiny.Texts(ml, 10))));
        Assert.Contains($"the label is missing (it is '{unknown}', which is none of the key's classes)", fault.Message,
            StringComparison.Ordinal);

        using var four = new ArdTrainer(ml, Tiny.Natural()).Fit(keys.Transform(Tiny.Texts(ml, 4)));
        var robustness = Assert.Throws<InvalidOperationException>(
            () => ml.MulticlassClassification.EvaluateRobustness(keys.Append(four), Tiny.Texts(ml, 10)));
        Assert.Contains($"(it is '{unknown}'", robustness.Message, StringComparison.Ordinal);
    }

    private sealed class SpyAttack : Attack
    {
        public List<ThreatModel> Threats { get; } = [];

        public override string Name => "spy";

        protected override TorchSharp.torch.Tensor Search(AttackTarget target, TorchSharp.torch.Tensor images,
            TorchSharp.torch.Tensor labels, ThreatModel threat, PointNoise noise)
        {
            Threats.Add(threat);
            return images.clone();
        }
    }

    [Fact]
    public void Every_method_of_the_catalog_trains_by_its_name()
    {
        var ml = new MLContext(1);
        var data = Tiny.Glyphs(ml, 20);
        foreach (var name in ObjectiveCatalog.Names)
        {
            var settings = ObjectiveCatalog.Applicable(name, new() { Steps = 1, Threat = ThreatModel.Linf(0.1) });
            using var model = new ArdTrainer(
                ml, Student(Tiny.Classifier) with { Method = name, Settings = settings, NaturalTeacher = Tiny.Classifier }).Fit(data);
            Assert.True(model.Training!.History[0].Loss > 0, name);
        }
    }

    [Fact]
    public void A_method_with_two_teachers_asks_for_the_second_and_leaves_it_as_it_was()
    {
        var ml = new MLContext(1);
        var data = Tiny.Glyphs(ml, 20);
        var options = Student(Tiny.Classifier) with { Method = "mtard", Settings = new() };
        Assert.Contains("NaturalTeacher is missing", Assert.Throws<ArgumentException>(() => new ArdTrainer(ml, options)).Message,
            StringComparison.Ordinal);

        using var natural = new ArdTrainer(ml, Tiny.Natural() with { Seed = 9 }).Fit(data);
        var before = Tiny.Weights(natural);
        float[] Fit(TeacherNetwork second)
        {
            using var student = new ArdTrainer(ml, options with { NaturalTeacher = second, Seed = 1 }).Fit(data);
            return Tiny.Weights(student);
        }
        Assert.NotEqual(Fit(Tiny.Classifier), Fit(natural));
        Assert.Equal(before, Tiny.Weights(natural));
        Assert.False(natural.Model.training);
    }

    [Fact]
    public void A_warning_of_the_training_is_a_warning_in_the_log_and_in_the_result()
    {
        var ml = new MLContext(1);
        var messages = Warnings(ml);
        var options = Tiny.Natural() with { Objective = new WarningObjective(), Training = Tiny.Training(epochs: 2) };
        using var model = new ArdTrainer(ml, options).Fit(Tiny.Glyphs(ml, 20));
        Assert.Single(messages, message => message.Contains("Epoch 2, step 1: mind {0} the step", StringComparison.Ordinal));
        Assert.Contains("Epoch 2, step 1: mind {0} the step", model.Training!.Warnings);
    }

    [Fact]
    public void A_crop_that_is_too_wide_for_the_images_is_a_warning_in_the_log()
    {
        var ml = new MLContext(1);
        var messages = Warnings(ml);
        var options = Tiny.Natural() with { Training = Tiny.Training() with { Augmentation = Augmentation.CropAndFlip } };
        using (new ArdTrainer(ml, options).Fit(Tiny.Glyphs(ml, 20)))
        {
            const string Crop = "crop 4 + flip moves images of 16x16 by a quarter of their size or more: a padding of 2 is usual";
            Assert.Single(messages, message => message.Contains(Crop, StringComparison.Ordinal));
        }
        messages.Clear();
        using var quiet = new ArdTrainer(ml, options with { Training = options.Training with { Augmentation = null } })
            .Fit(Tiny.Glyphs(ml, 20));
        Assert.DoesNotContain(messages, message => message.Contains("crop", StringComparison.Ordinal));
    }

    [Fact]
    public void Auxiliary_images_are_labelled_by_a_teacher_that_is_there_for_that_alone_and_the_log_says_how_it_agrees()
    {
        var ml = new MLContext(1);
        var messages = new List<string>();
        ml.Log += (_, message) => messages.Add(message.Message);
        var data = Tiny.Glyphs(ml, 40);
        var classifier = new ArdTrainer(ml, Tiny.Natural()).Fit(data);
        using var extra = Trainers.Data.Glyphs.Generate(60, seed: 3);
        var options = new ArdTrainerOptions
        {
            Network = "tinycnn-2",
            Teacher = classifier,
            Method = "natural",
            Seed = 1,
            Training = Tiny.Training() with { Auxiliary = new(extra) { Share = 0.5, TeacherLabels = true } },
        };
        var result = new ArdTrainer(ml, options).Fit(data).Training!;
        Assert.Equal(60, result.AuxiliaryLabels!.Images);
        Assert.Contains(messages, message => message.EndsWith($"Auxiliary labels: {result.AuxiliaryLabels}.", StringComparison.Ordinal));
        Assert.DoesNotContain(messages, message => message.Contains("is left alone"));
        Assert.Contains("TeacherLabels is set and Teacher is missing", Assert.ThrowsAny<Exception>(
            () => new ArdTrainer(ml, options with { Teacher = null }).Fit(data)).Message);

        // A view without labels is labelled alike.
        var view = ml.Transforms.DropColumns("Label").Fit(ml.Data.LoadGlyphs(60, seed: 3)).Transform(ml.Data.LoadGlyphs(60, seed: 3));
        var bare = options with { Auxiliary = view, Training = Tiny.Training() with { Auxiliary = new() { Share = 0.5 } } };
        var same = new ArdTrainer(ml, bare).Fit(data);
        Assert.Equal((60, null), (same.Training!.AuxiliaryLabels!.Images, same.Training.AuxiliaryLabels.Disagreement));
        Assert.Equal(Tiny.Weights(new ArdTrainer(ml, options).Fit(data)), Tiny.Weights(same));
        Assert.Contains("Auxiliary has no label column 'Label', expected one, or a teacher", Assert.Throws<ArgumentException>(
            () => new ArdTrainer(ml, bare with { Teacher = null }).Fit(data)).Message);
    }

    [Theory]
    [InlineData("auxiliary")]
    [InlineData("validation")]
    public void Images_beside_those_of_the_training_have_their_dimensions_or_none(string role)
    {
        var ml = new MLContext(1);
        Fit(Rows(3, 8, 8));
        Fit(Rows(3 * 8 * 8));
        // A layout that is given goes before the dimensions, which are the same wrong ones then.
        Fit(Rows(8, 8, 3), Rows(8, 8, 3), new() { Channels = 3, Height = 8, Width = 8 });
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => Fit(Rows(8, 8, 3)));
        Assert.Contains(
            $"{role} feature column 'Features': expected Vector<Byte, 3, 8, 8>, images of 3x8x8 (channels, height, width) as in the "
            + "training data, got Vector<Byte, 8, 8, 3>",
            fault.Message, StringComparison.Ordinal);

        void Fit(IDataView more, IDataView? training = null, ImageLayout? layout = null) => new ArdTrainer(ml, Tiny.Natural() with
        {
            Layout = layout ?? new(),
            Auxiliary = role == "auxiliary" ? more : null,
            Validation = role == "auxiliary" ? null : more,
        }).Fit(training ?? Rows(3, 8, 8)).Dispose();

        IDataView Rows(params int[] dimensions)
        {
            var rows = Enumerable.Range(0, 8)
                .Select(row => new { Features = new byte[3 * 8 * 8], Label = row % 2 == 0 ? "a" : "b" }).ToArray();
            var schema = SchemaDefinition.Create(rows[0].GetType());
            schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Byte, dimensions);
            return ml.Data.LoadFromEnumerable(rows, schema);
        }
    }

    [Fact]
    public void Auxiliary_rows_go_by_the_values_of_their_labels_as_a_data_set_goes_by_its_names()
    {
        var ml = new MLContext(1);
        var data = Tiny.Glyphs(ml, 40);
        using var extra = Trainers.Data.Glyphs.Generate(60, seed: 3);
        var options = Tiny.Natural() with { Seed = 1, Training = Tiny.Training() with { Auxiliary = new(extra) { Share = 0.5 } } };
        var expected = Tiny.Weights(new ArdTrainer(ml, options).Fit(data));

        var texts = Tiny.Texts(ml, 60, seed: 3);
        // Their keys are in the order of occurrence, and then in that of the alphabet, which the training data's are not.
        var ordered = ml.Transforms.Conversion.MapValueToKey(
            "Label", keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(texts).Transform(texts);
        foreach (var view in new[] { texts, ordered }) Assert.Equal(expected, Fit(view));
        // Some of the classes only, as keys in an order of their own too; and even one.
        Assert.Equal(Fit(Two("ring", "disk")), Fit(Tiny.Keys(ml).Fit(Two("ring", "disk")).Transform(Two("ring", "disk"))));
        Assert.NotEqual(Fit(Two("ring", "disk")), Fit(Two("disk", "ring")));
        Fit(Two("disk", "disk"));

        var unknown = Assert.ThrowsAny<Exception>(() => Fit(Two("disk", "zebra")));
        Assert.Contains("'zebra', which is none of the key's classes", unknown.Message);
        Assert.Contains("or some of them", Assert.ThrowsAny<Exception>(
            () => Fit(Tiny.Keys(ml).Fit(Two("disk", "zebra")).Transform(Two("disk", "zebra")))).Message);
        Assert.Contains("both set", Message(options with { Auxiliary = texts }));
        Assert.Contains("without Auxiliary", Message(options with { Training = options.Training with { Auxiliary = new() } }));

        float[] Fit(IDataView view) => Tiny.Weights(new ArdTrainer(ml, options with
        {
            Auxiliary = view,
            Training = options.Training with { Auxiliary = new() { Share = 0.5 } },
        }).Fit(data));

        string Message(ArdTrainerOptions wrong) =>
            Assert.Throws<ArgumentException>(() => new ArdTrainer(ml, wrong)).Message;

        IDataView Two(string first, string second) => ml.Data.LoadFromEnumerable(Tiny.Images(ml, 6).Select(
            (image, row) => new { image.Features, Label = row % 3 == 0 ? first : second }), Shaped());

        static SchemaDefinition Shaped()
        {
            var schema = SchemaDefinition.Create(new { Features = Array.Empty<float>(), Label = "" }.GetType());
            schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 1, 16, 16);
            return schema;
        }
    }

    [Fact]
    public void A_teacher_that_the_method_does_not_use_is_a_warning_in_the_log()
    {
        var ml = new MLContext(1);
        var messages = Warnings(ml);
        var options = new ArdTrainerOptions
        {
            Network = "tinycnn-2",
            Method = "natural",
            Teacher = Tiny.Classifier,
            NaturalTeacher = Tiny.Classifier,
            Training = Tiny.Training(),
        };
        using var model = new ArdTrainer(ml, options).Fit(Tiny.Glyphs(ml, 20));
        Assert.Collection(
            messages.Where(message => message.Contains("has no", StringComparison.Ordinal)),
            message => Assert.Contains("natural has no teacher: Teacher is left alone", message, StringComparison.Ordinal),
            message => Assert.Contains("natural has no natural teacher: NaturalTeacher is left", message, StringComparison.Ordinal));
    }

    private static List<string> Warnings(MLContext ml)
    {
        var messages = new List<string>();
        ml.Log += (_, message) =>
        {
            if (message.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning) messages.Add(message.Message);
        };
        return messages;
    }

    private sealed class WarningObjective : Objective
    {
        public override string Name => "warning";

        public override TorchSharp.torch.Tensor Loss(TrainingBatch batch)
        {
            if (batch.Step == 2) batch.Warn!("mind {0} the step");
            return new Natural().Loss(batch);
        }
    }

    [Fact]
    public void An_objective_of_ones_own_and_a_module_of_ones_own_are_trained()
    {
        var ml = new MLContext(1);
        var objective = new CountingObjective();
        using var model = new ArdTrainer(ml, Tiny.Natural(LinearNetwork.Definition) with { Objective = objective })
            .Fit(Tiny.Glyphs(ml, 20));

        Assert.Equal(2, objective.Batches);
        Assert.IsType<LinearNetwork>(model.Model);
    }

    [Fact]
    public void What_was_trained_is_right_and_scores_are_probabilities()
    {
        var ml = new MLContext(1);
        var data = Tiny.Glyphs(ml, 200);
        var trainer = new ArdTrainer(ml, Tiny.Natural(
            "tinycnn-8") with
        { Training = Tiny.Training(epochs: 12) with { Optimizer = new AdamOptimizer { LearningRate = 0.005 } } });
        using var model = trainer.Fit(data);

        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(data));
        Assert.True(metrics.MicroAccuracy > 0.8, $"{metrics.MicroAccuracy}");
        Assert.InRange(metrics.LogLoss, 0.0, 1.0);
        Assert.All(Tiny.Vectors(model.Transform(data), "Score"), scores => Assert.Equal(1, scores.Sum(), 1e-4));
    }

    [Fact]
    public void The_best_epoch_is_chosen_by_the_validation_set_that_is_given()
    {
        var ml = new MLContext(1);
        var progress = new Recorder();
        var options = Tiny.Natural() with
        {
            Training = Tiny.Training(epochs: 2) with { Validation = new() { Attacks = ["fgsm"] } },
            Settings = new ObjectiveSettings { Threat = ThreatModel.Linf(0.01) },
            Validation = Tiny.Glyphs(ml, 10, seed: 8),
            Progress = progress,
        };
        using var model = new ArdTrainer(ml, options).Fit(Tiny.Glyphs(ml, 20));

        Assert.NotNull(model.Training!.BestEpoch);
        Assert.Equal(2, progress.Ended.Count);
        Assert.All(progress.Ended, report => Assert.NotNull(report.RobustValidationAccuracy));

        using var fraction = new ArdTrainer(
            ml, options with { Validation = null, Training = options.Training with { ValidationFraction = 0.5 } }).Fit(Tiny.Glyphs(ml, 20));
        Assert.NotNull(fraction.Training!.BestEpoch);
    }

    [Fact]
    public void A_validation_set_with_other_keys_is_refused()
    {
        var ml = new MLContext(1);
        var keys = ml.Transforms.Conversion.MapValueToKey(
            "Label", keyOrdinality: Microsoft.ML.Transforms.ValueToKeyMappingEstimator.KeyOrdinality.ByValue);
        var other = Tiny.Texts(ml, 10, 8);
        var trainer = new ArdTrainer(ml, Tiny.Natural() with { Validation = keys.Fit(other).Transform(other) });

        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => trainer.Fit(Tiny.Glyphs(ml, 20)));
        Assert.Contains("Schema mismatch for validation label column 'Label'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Epochs_are_told_to_the_log_of_the_context()
    {
        var ml = new MLContext(1);
        var messages = new List<string>();
        ml.Log += (_, message) => messages.Add(message.Message);
        using var model = new ArdTrainer(ml, Tiny.Natural()).Fit(Tiny.Glyphs(ml, 20));

        Assert.Contains(messages, message => message.Contains("Epoch 1 of 1: loss", StringComparison.Ordinal));
    }

    [Fact]
    public void A_cancelled_training_throws_or_returns_what_it_has()
    {
        var ml = new MLContext(1);
        var data = Tiny.Glyphs(ml, 20);
        using var cancellation = new CancellationTokenSource();
        var options = Tiny.Natural() with
        {
            Training = Tiny.Training(epochs: 50),
            Cancellation = cancellation.Token,
            Progress = new Recorder(report => cancellation.Cancel()),
        };

        Assert.Throws<OperationCanceledException>(() => new ArdTrainer(ml, options).Fit(data));
        var returning = options with { Training = options.Training with { WhenCancelled = CancellationBehaviour.ReturnBestSoFar } };
        // It is cancelled already: there is nothing to return.
        Assert.Throws<OperationCanceledException>(() => new ArdTrainer(ml, returning).Fit(data));
        using var later = new CancellationTokenSource();
        using var early = new ArdTrainer(
            ml, returning with { Cancellation = later.Token, Progress = new Recorder(report => later.Cancel()) }).Fit(data);
        Assert.True(early.Training!.Cancelled);
        Assert.Equal(20, Tiny.Vectors(early.Transform(data), "Score").Count);
    }

    [Fact]
    public void A_training_that_was_stopped_goes_on_from_its_folder_to_the_same_weights()
    {
        var folder = Tiny.Folder();
        using var cancellation = new CancellationTokenSource();
        ArdTrainerOptions Options(string path) =>
            Tiny.Natural() with { Training = Tiny.Training(epochs: 3) with { CheckpointFolder = path, Resume = true } };

        float[] Fit(ArdTrainerOptions options)
        {
            var ml = new MLContext(9);
            using var model = new ArdTrainer(ml, options).Fit(Tiny.Glyphs(ml, 20));
            return Tiny.Weights(model);
        }

        Assert.Throws<OperationCanceledException>(
            () => Fit(Options(folder) with { Cancellation = cancellation.Token, Progress = new Recorder(_ => cancellation.Cancel()) }));
        Assert.Equal(Fit(Options(Tiny.Folder())), Fit(Options(folder)));
    }

    [Fact]
    public void A_GPU_that_is_not_there_is_an_error_unless_the_context_may_fall_back()
    {
        var ml = new MLContext(1) { GpuDeviceId = 99, FallbackToCpu = false };
        var options = Tiny.Natural() with { Training = Tiny.Training() with { Device = "auto" } };
        var data = Tiny.Glyphs(ml, 20);

        var fault = Assert.Throws<InvalidOperationException>(() => new ArdTrainer(ml, options).Fit(data));
        Assert.Contains("MLContext.GpuDeviceId is 99", fault.Message, StringComparison.Ordinal);

        using var saved = new MemoryStream();
        ml.Model.Save(Tiny.Classifier, data.Schema, saved);
        fault = Assert.Throws<InvalidOperationException>(() => Saving.SaveLoadTests.Unwrapped(() => ml.Model.Load(saved, out _)));
        Assert.Contains("MLContext.GpuDeviceId is 99", fault.Message, StringComparison.Ordinal);

        ml.FallbackToCpu = true;
        using var model = new ArdTrainer(ml, options).Fit(data);
        Assert.NotNull(model.Training);
        saved.Position = 0;
        Assert.NotNull(ml.Model.Load(saved, out _));
    }

    [Fact]
    public void The_log_has_a_validation_where_there_was_one_which_may_be_of_one_class()
    {
        var ml = new MLContext(1);
        var messages = new List<string>();
        ml.Log += (_, message) => messages.Add(message.Message);
        var data = Tiny.Glyphs(ml, 20);
        using var model = new ArdTrainer(ml, Tiny.Natural() with
        {
            Training = Tiny.Training(epochs: 5) with { ValidateEveryEpochs = 2 },
            Validation = ml.Data.TakeRows(data, 1),
        }).Fit(data);
        bool Has(int epoch) => messages.Single(text => text.Contains($"Epoch {epoch} of 5: ")).Contains("validation accuracy");
        Assert.Equal([false, true, false, true, true], Enumerable.Range(1, 5).Select(Has));
    }

    [Fact]
    public void The_short_constructors_have_the_defaults_of_the_options()
    {
        var ml = new MLContext(1);
        var data = Tiny.Glyphs(ml, 16);
        using var teacher = ml.MulticlassClassification.Trainers.AdversarialTraining("tinycnn-4-bn").Fit(data);
        using var student = ml.MulticlassClassification.Trainers.AdversarialDistillation("tinycnn-2", teacher, epochs: 1).Fit(data);

        // So few images are seen often, and under the budget that is usual for gray ones.
        Assert.Equal(200, teacher.Training!.History.Count);
        Assert.Contains("Objective.Options.Inner.Threat: Linf 0.1", teacher.Training.Settings);
        Assert.Contains("Options.Augmentation: crop 2", teacher.Training.Settings);
        Assert.Single(student.Training!.History);
    }

    private sealed class CountingObjective : Objective
    {
        public int Batches { get; private set; }

        public override string Name => "counting";

        public override TorchSharp.torch.Tensor Loss(TrainingBatch batch)
        {
            Batches++;
            return new Natural().Loss(batch);
        }
    }

    private sealed class Recorder(Action<TrainingProgress>? then = null) : IProgress<TrainingProgress>
    {
        public List<TrainingProgress> Ended { get; } = [];

        public void Report(TrainingProgress value)
        {
            if (value.EpochEnded) Ended.Add(value);
            then?.Invoke(value);
        }
    }
}
