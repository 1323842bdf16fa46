namespace Ard.Trainers.Tests.Training;

public sealed class TrainingAdviceTests
{
    private static readonly ThreatModel Tenth = ThreatModel.Linf(0.1);

    private static AdversarialTraining Against(ThreatModel threat) => new(new() { Inner = new() { Threat = threat, Steps = 1 } });

    private static string[] Advice(TrainingOptions options, Objective? objective = null)
    {
        using var data = TrainerTests.Data(12);
        objective ??= Against(Tenth);
        options = options.WithDefaults(objective, data);
        return [.. TrainingAdvice.Before(options, objective, data, validates: options.ValidationFraction > 0)];
    }

    [Fact]
    public void The_defaults_need_no_advice()
    {
        Assert.Empty(Advice(new()));
        Assert.Empty(Advice(new() { Epochs = 3 }, new Natural()));
        // What tells another threat model than a method without one is no conflict.
        Assert.Empty(Advice(new() { Validation = new() { Threat = Tenth } }, new Natural()));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(4, true)]
    public void A_crop_that_moves_images_by_a_quarter_is_told_with_the_usual_one(int padding, bool told)
    {
        var advice = Advice(new() { Augmentation = new(padding, false) });
        if (!told) Assert.Empty(advice);
        else Assert.Contains($"crop {padding} moves images of 8x8 by a quarter of their size or more: a padding of 1 is usual",
            Assert.Single(advice), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100, true)]
    [InlineData(101, false)]
    public void Milestones_after_the_end_are_told(int epochs, bool told) =>
        Assert.Equal(told, Advice(new() { Epochs = epochs, Schedule = new MultiStepSchedule([100, 150]) })
            .Any(advice => advice.Contains($"never lowers the learning rate in {epochs} epochs", StringComparison.Ordinal)));

    [Fact]
    public void What_begins_after_the_end_is_told()
    {
        foreach (var none in new[] { WeightAveraging.Stochastic(fromEpoch: 40), WeightAveraging.Stochastic(everySteps: 1000) })
            Assert.Contains("no weights are averaged: in 30 epochs of ", Assert.Single(Advice(new() { Epochs = 30, Averaging = none })));
        Assert.Empty(Advice(new() { Epochs = 30, Averaging = WeightAveraging.Stochastic(fromEpoch: 30) }));
        Assert.Contains("the weights are perturbed after 9 epochs, and there are 9", Assert.Single(
            Advice(new() { Epochs = 9 }, new AdversarialWeightPerturbation(new Trades(new() { Inner = new() { Threat = Tenth } })))));
        foreach (var name in new[] { "trades+awp+igdm", "trades+igdm+awp" })
        {
            var method = ObjectiveCatalog.ByName(name, new() { Threat = Tenth });
            Assert.Contains(Advice(new() { Epochs = 9 }, method), advice => advice.Contains("perturbed after 9 epochs"));
            Assert.DoesNotContain(Advice(new() { Epochs = 10 }, method), advice => advice.Contains("perturbed"));
        }
    }

    [Theory]
    [InlineData(8, "make any image of any other; the budget is in units of [0,1] images, such as 8 / 255.0")]
    [InlineData(8 / 255, "the adversary may do nothing (8 / 255 is 0 in whole numbers")]
    public void A_budget_in_other_units_is_told(double epsilon, string expected)
    {
        Assert.Contains(expected, Assert.Single(Advice(new(), Against(ThreatModel.Linf(epsilon)))), StringComparison.Ordinal);
        Assert.Contains($"the validation is against Linf {epsilon}: ", Assert.Single(Advice(
            new() { Validation = new() { Threat = ThreatModel.Linf(epsilon) } }, new Natural())), StringComparison.Ordinal);
    }

    /// <summary>As pixels are that were read as 0 to 255 and are 0 to 1, as -1 to 1 and are 0 to 1, and as what they are.</summary>
    [Theory]
    [InlineData(1 / 255.0, 0, "0 to 0.00392")]
    [InlineData(0.5, 0.5, "0.5 to 1")]
    [InlineData(1, 0, null)]
    public void Images_in_another_scale_than_the_training_images_are_told_with_both(double scale, double offset, string? told)
    {
        using var pixels = rand(20, 1, 8, 8);
        pixels[0, 0, 0, 0] = 0;
        pixels[0, 0, 0, 1] = 1;
        using var scaled = pixels * scale + offset;
        using var labels = arange(20, ScalarType.Int64).remainder(2);
        using var training = new ImageDataset(pixels, labels, ["a", "b"]);
        using var other = new ImageDataset(scaled, labels, ["a", "b"]);
        foreach (var (images, name, beside) in new[] { (other, "auxiliary", training), (training, "validation", other) })
        {
            var advice = TrainingAdvice.OfScale(name, images, beside);
            if (told is null) Assert.Empty(advice);
            else Assert.StartsWith($"the {name} images have pixels from {(images == other ? told : "0 to 1")}, the training images from "
                + $"{(images == other ? "0 to 1" : told)}: are they in another scale?", Assert.Single(advice));
        }
        Assert.Empty(TrainingAdvice.OfScale("validation", null, training));
        // Of few images none may be dark.
        using var few = other.Sample(19);
        Assert.Empty(TrainingAdvice.OfScale("validation", few, training));
    }

    [Fact]
    public void A_long_way_in_L2_is_no_mistake() => Assert.Empty(Advice(new(), Against(ThreatModel.L2(2))));

    [Fact]
    public void The_validation_takes_the_threat_model_of_the_objective_unless_it_has_its_own_which_is_told()
    {
        using var data = TrainerTests.Data(12);
        ThreatModel? Judge(TrainingOptions options, Objective objective) => options.WithDefaults(objective, data).Validation.Threat;
        var own = new TrainingOptions { Validation = new EvaluationOptions { Threat = ThreatModel.L2(0.5) } };

        Assert.Equal(Tenth, Judge(new(), Against(Tenth)));
        // Whoever says the default by name means it.
        Assert.Equal(ThreatModel.Cifar10, Judge(new() { Validation = new() { Threat = ThreatModel.Cifar10 } }, Against(Tenth)));
        // What is usual for gray images.
        Assert.Equal(Tenth, Judge(new(), new Natural()));
        Assert.Equal(ThreatModel.L2(0.5), Judge(own, Against(Tenth)));
        Assert.Contains("the best epoch is chosen against L2 0.5, and the training is against Linf 0.1",
            Assert.Single(Advice(own)), StringComparison.Ordinal);
        Assert.Empty(Advice(own with { ValidationFraction = 0 }));
    }

    [Fact]
    public void A_training_that_will_take_days_says_so_at_the_start_with_what_to_change()
    {
        using var source = new CancellationTokenSource();
        var told = new List<string>();
        var options = TrainerTests.Options with { Epochs = 50_000_000, ValidationFraction = 0, Schedule = Schedule.Constant };
        Assert.Throws<OperationCanceledException>(() => TrainerTests.Trained(options, out _, progress =>
        {
            told.AddRange(progress.Warnings.Where(warning => warning.Contains("pace", StringComparison.Ordinal)));
            if (told.Count > 0 || progress.Epoch > 2) source.Cancel();
        }, cancellation: source.Token));
        Assert.Matches(@"at the pace of its first steps the training takes [\d,]+ d( \d+ h)? on cpu: fewer epochs", Assert.Single(told));
    }

    [Fact]
    public void Every_method_of_the_catalogue_says_its_threat_model()
    {
        foreach (var name in ObjectiveCatalog.Names.Append("trades+awp").Append("rslad+igdm"))
        {
            var objective = ObjectiveCatalog.ByName(name, new() { Threat = Tenth });
            Assert.True(objective.Threat == (name is "natural" or "kd" ? null : Tenth), name);
        }
    }

    [Fact]
    public void Advice_is_a_warning_of_the_result_once_also_where_the_training_was_resumed()
    {
        var folder = Directory.CreateTempSubdirectory("ard-advice-").FullName;
        try
        {
            var options = TrainerTests.Options with { Epochs = 2, Augmentation = new(2, false) };
            string[] expected = ["Epoch 1, step 1: the augmentation crop 2 moves images of 8x8 by a quarter of their size or more: "
                + "a padding of 1 is usual for them"];
            var told = new List<string>();
            TrainerTests.Trained(options, out var whole, progress => told.AddRange(progress.Warnings));
            Assert.Equal(expected, whole.Warnings.Where(OfCrop));
            Assert.Equal(expected, told.Where(OfCrop));

            var writing = options with { CheckpointFolder = folder, Resume = true };
            Assert.Throws<TimeoutException>(() => TrainerTests.Trained(writing, out _, progress =>
            {
                if (progress.Epoch == 2) throw new TimeoutException();
            }));
            TrainerTests.Trained(writing, out var resumed);
            Assert.Equal(expected, resumed.Warnings.Where(OfCrop));
            Assert.Equal(whole.Warnings, resumed.Warnings);

            static bool OfCrop(string warning) => warning.Contains("crop", StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
