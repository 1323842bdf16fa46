namespace Ard.Trainers.Tests.Training;

/// <summary>What a training takes that is not told: one rule for every method, number of images and of classes.</summary>
public sealed class TrainingDefaultsTests
{
    private static TrainingOptions For(string method, int images, int classes = 10, TrainingOptions? options = null)
    {
        string[] names = [.. Enumerable.Range(0, classes).Select(number => $"{number}")];
        using var data = new ImageDataset(zeros([images, 1, 4, 4], ScalarType.Byte), zeros([images], ScalarType.Int64), names);
        return (options ?? new()).WithDefaults(ObjectiveCatalog.ByName(method), data);
    }

    [Theory]
    [InlineData(50_000, 128, 30)]
    [InlineData(5_000, 128, 38)]
    [InlineData(1_000, 50, 75)]
    [InlineData(500, 32, 94)]
    [InlineData(50, 32, 200)]
    public void Few_images_have_smaller_batches_and_more_epochs(int images, int batchSize, int epochs)
    {
        var options = For("at", images);
        Assert.Equal((batchSize, epochs), (options.BatchSize!.Value, options.Epochs!.Value));
        Assert.Equal(new SgdOptimizer { LearningRate = 0.1 * Math.Sqrt(batchSize / 128.0), WeightDecay = 5e-4 }, options.Optimizer);
        Assert.Equal("onecycle", $"{options.Schedule}");
    }

    [Theory]
    [InlineData("at", 10, 1)]
    [InlineData("natural", 10, 1)]
    [InlineData("trades", 10, 1)]
    [InlineData("ard", 10, 0.1)]
    [InlineData("ard", 100, 0.01)]
    [InlineData("ard", 2, 1.25)]
    [InlineData("rslad", 2, 0.1)]
    [InlineData("ard-corrected", 10, 0.1)]
    [InlineData("ard-corrected", 100, 0.1)]
    [InlineData("kd", 10, 0.1)]
    [InlineData("fast-ard", 10, 0.1)]
    [InlineData("rslad", 100, 0.1)]
    [InlineData("adaad", 100, 0.1)]
    [InlineData("adaad+igdm", 10, 0.1)]
    [InlineData("ard+awp", 10, 0.1)]
    [InlineData("mtard", 10, 0.1)]
    [InlineData("iad", 10, 1)]
    [InlineData("adaiad", 10, 1)]
    [InlineData("saad", 10, 1)]
    public void The_rate_is_divided_by_the_scale_of_the_loss_and_the_decay_multiplied(string method, int classes, double scale)
    {
        var optimizer = Assert.IsType<SgdOptimizer>(For(method, 50_000, classes).Optimizer);
        Assert.Equal((0.1 / scale, 5e-4 * scale), (optimizer.LearningRate, optimizer.WeightDecay), Near);
    }

    // The gradient of a student that knows nothing yet, from a teacher that is sure.
    [Theory]
    [InlineData(2, 30)]
    [InlineData(2, 4)]
    [InlineData(2, 1)]
    [InlineData(3, 30)]
    [InlineData(10, 1)]
    public void The_scale_of_a_distillation_is_that_of_its_gradient_beside_cross_entropys(int classes, double temperature)
    {
        using var scope = NewDisposeScope();
        var term = new DistillationTerm { Temperature = temperature };
        var teacher = zeros(1, classes);
        teacher[0, 0] = 5;
        double Slope(Func<Tensor, Tensor> loss)
        {
            var logits = zeros(1, classes, requires_grad: true);
            loss(logits).backward();
            return logits.grad!.norm().item<float>();
        }
        var truth = zeros(1, ScalarType.Int64);
        var ratio = Slope(logits => term.Loss(logits, teacher)) / Slope(logits => functional.cross_entropy(logits, truth));
        Assert.InRange(ratio / term.Scale(classes), 0.8, 1.2);
    }

    private static readonly EqualityComparer<(double, double)> Near = EqualityComparer<(double, double)>.Create((a, b) =>
        Math.Abs(a.Item1 / b.Item1 - 1) < 1e-9 && Math.Abs(a.Item2 / b.Item2 - 1) < 1e-9);

    [Fact]
    public void With_both_a_loss_of_a_tenth_takes_the_steps_of_the_whole_loss()
    {
        using var scope = NewDisposeScope();
        using var data = TrainerTests.Data();
        double[] Train(double weight)
        {
            using var student = TrainerTests.Spec.Build(3);
            using var teacher = TrainerTests.Teacher();
            student.to(ScalarType.Float64);
            teacher.to(ScalarType.Float64);
            var term = new DistillationTerm { Temperature = 4, Reduction = KlReduction.BatchMean, Weight = weight };
            var objective = new AdversariallyRobustDistillation(new() { Inner = TrainerTests.Inner, Distillation = term });
            Trainer.Fit(new(student, teacher), objective, data,
                TrainerTests.Options with { Optimizer = null, BatchSize = null, Epochs = 2 });
            return [.. student.parameters().SelectMany(parameter => parameter.detach().data<double>().ToArray())];
        }
        Assert.All(Train(1).Zip(Train(0.1)), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
    }

    [Fact]
    public void Replays_count_as_epochs() => Assert.Equal(4, For("free", 50_000).Epochs);

    [Fact]
    public void What_is_set_stays()
    {
        var set = new TrainingOptions
        {
            Epochs = 7,
            BatchSize = 11,
            Optimizer = new AdamOptimizer(),
            Schedule = Schedule.Constant,
            Augmentation = Augmentation.None,
        };
        var filled = For("ard", 100, options: set);
        Assert.Equal(set with { Validation = filled.Validation }, filled);
    }

    [Theory]
    [InlineData(1, 0.1)]
    [InlineData(3, 8.0 / 255)]
    public void The_usual_budget_is_that_of_the_images(int channels, double epsilon)
    {
        Assert.Equal(ThreatModel.Linf(epsilon), new ObjectiveSettings().For(channels).Threat);
        Assert.Equal(ThreatModel.L2(1), new ObjectiveSettings { Threat = ThreatModel.L2(1) }.For(channels).Threat);
    }

    [Fact]
    public void The_epochs_of_a_remedy_are_those_of_all_images_that_were_given()
    {
        using var data = TrainerTests.Data(300);
        using var student = TrainerTests.Spec.Build(3);
        var usual = new TrainingOptions().WithDefaults(new Natural(), data);
        var options = TrainerTests.Options with
        {
            Epochs = 1,
            BatchSize = usual.BatchSize,
            Optimizer = usual.Optimizer! with { LearningRate = 1e-9 },
            ValidationFraction = 0.2,
        };
        var warning = Assert.Single(Trainer.Fit(student, new Natural(), data, options).Warnings);
        Assert.Contains($"{usual.Epochs} epochs, which are usual for so many images", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void A_training_that_never_left_chance_is_told_with_the_usual_rate_and_epochs()
    {
        var options = TrainerTests.Options with { Epochs = 2, Optimizer = new SgdOptimizer { LearningRate = 1e-9 } };
        TrainerTests.Trained(options, out var result);
        Assert.Contains(result.Warnings, warning => warning.Contains("it has learned nothing. Try a learning rate of 0.036, which is usual "
            + "for ard at this batch size, in place of 1E-09; 200 epochs", StringComparison.Ordinal));
    }
}
