namespace Ard.Trainers.Tests.Training;

public sealed class TrainingOptionsTests
{
    [Fact]
    public void The_defaults_and_all_presets_are_valid()
    {
        new TrainingOptions().Validate();
        Assert.All(Preset.All, preset => preset.Options.Validate());
    }

    [Fact]
    public void All_faults_are_in_one_message()
    {
        var options = new TrainingOptions
        {
            Epochs = 0,
            BatchSize = -1,
            Optimizer = new SgdOptimizer { LearningRate = 0, Momentum = 1, WeightDecay = -1, Nesterov = true },
            Schedule = new MultiStepSchedule([5, 3]) { Gamma = 2 },
            Augmentation = new Augmentation(-1, true) { Cutout = -2 },
            ClipGradientNorm = 0,
            LabelSmoothing = 1,
            Averaging = new ExponentialAveraging { Decay = 1 },
            CacheTeacherLogits = true,
            ValidationFraction = 1,
            Validation = new EvaluationOptions { Attacks = ["pgd-0"], BatchSize = 0 },
            ValidateEveryEpochs = 0,
            Device = "gpu",
            Precision = (Precision)7,
            Threads = 0,
            CheckpointEverySteps = 0,
            Resume = true,
            ProgressInterval = TimeSpan.FromSeconds(-1),
        };
        var message = Assert.Throws<ArgumentException>(options.Validate).Message;
        string[] expected =
        [
            "Epochs is 0, expected 1 or more", "BatchSize is -1", "Optimizer.LearningRate is 0, expected a positive finite number",
            "Optimizer.Momentum is 1, expected a number from 0 and below 1", "Optimizer.WeightDecay is -1, expected a finite number",
            "Schedule: Milestones are [5,3]", "Schedule.Gamma is 2, expected a number above 0 and at most 1",
            "Augmentation.Padding is -1, expected 0 to 1024", "Augmentation.Cutout is -2", "ValidationFraction is 1",
            "Validation: There is no attack 'pgd-0'", "Validation.BatchSize is 0", "ValidateEveryEpochs is 0", "'gpu'", "Threads is 0",
            "CheckpointEverySteps is 0", "Resume", "ProgressInterval", "ClipGradientNorm is 0", "LabelSmoothing is 1",
            "Averaging.Decay is 1", "CacheTeacherLogits is set", "Precision is 7, expected Full or Mixed",
        ];
        Assert.All(expected, fault => Assert.Contains(fault, message));
        // What the augmentation makes of images that are not known yet cannot be kept.
        Assert.Contains("with the augmentation by the images", Assert.Throws<ArgumentException>(
            new TrainingOptions { CacheTeacherLogits = true }.Validate).Message);
    }

    [Fact]
    public void Options_at_every_depth_are_checked_and_nothing_may_be_missing()
    {
        var fault = Assert.Throws<ArgumentException>(() => new Iad(new IadOptions
        {
            Inner = new() { Steps = -1, Threat = null! },
            Distillation = new() { Temperature = double.NaN, Reduction = (KlReduction)9 },
            Trust = new() { FullTrustShare = 1.5 },
        })).Message;
        Assert.Equal(
            "IadOptions: Trust.FullTrustShare is 1.5, expected a number from 0 to 1; "
            + "Distillation.Temperature is NaN, expected a positive finite number; "
            + "Distillation.Reduction is 9, expected BatchMean or BatchAndClassMean; "
            + "Inner.Threat is missing; Inner.Steps is -1, expected 0 or more.", fault);
        Assert.Equal(
            "TrainingOptions: Validation is missing; Device is missing.",
            Assert.Throws<ArgumentException>(new TrainingOptions { Validation = null!, Device = null! }.Validate).Message);
    }

    [Theory]
    [InlineData(3, 32, 32, "crop 4 + flip")]
    [InlineData(3, 64, 48, "crop 6 + flip")]
    [InlineData(1, 28, 28, "crop 3")]
    [InlineData(1, 16, 16, "crop 2")]
    [InlineData(1, 8, 8, "crop 1")]
    [InlineData(1, 7, 7, "none")]
    public void The_default_augmentation_is_that_of_the_paper_at_its_size_and_fits_other_sizes(
        int channels, int height, int width, string expected) => Assert.Equal(expected, $"{Augmentation.For(channels, height, width)}");

    [Fact]
    public void Stochastic_weight_averaging_checks_its_settings() =>
        Assert.Equal(2, OptionsValidator.Faults(new StochasticWeightAveraging { FromEpoch = 0, EverySteps = 0 }).Count());

    [Theory]
    [InlineData("auto")]
    [InlineData("cpu")]
    [InlineData("cuda")]
    [InlineData("cuda:3")]
    public void Devices_are_named_this_way(string device) => new TrainingOptions { Device = device }.Validate();

    [Fact]
    public void A_GPU_that_is_not_there_is_an_error_that_says_how_many_there_are()
    {
        var fault = Assert.Throws<ArgumentException>(() => TrainingDevice.Find("cuda:99"));
        Assert.Contains("'cuda:99'", fault.Message);
        Assert.Contains("GPU(s)", fault.Message);
    }

    [Fact]
    public void Adam_checks_its_settings()
    {
        var faults = OptionsValidator.Faults(new AdamOptimizer { Beta1 = 1, Beta2 = -1, Epsilon = 0, LearningRate = double.NaN });
        Assert.Equal(4, faults.Count());
    }

    [Fact]
    public void The_official_preset_is_the_released_codes_setting()
    {
        var (objective, options) = (Preset.ByName("ard-official").Objective, Preset.ByName("ard-official").Options);
        var settings = Assert.IsType<AdversariallyRobustDistillation>(objective).Options;
        Assert.Equal((200, 128, 0.0), (options.Epochs, options.BatchSize, options.ValidationFraction));
        Assert.Equal(new SgdOptimizer { LearningRate = 0.1, Momentum = 0.9, WeightDecay = 2e-4, Nesterov = false }, options.Optimizer);
        Assert.Equal(new Augmentation(4, true), options.Augmentation);
        Assert.Equal((30.0, 1.0, 10, AttackMode.Train),
            (settings.Distillation.Temperature, settings.Alpha, settings.Inner.Steps, settings.Inner.Mode));
        Assert.Equal(KlReduction.BatchAndClassMean, settings.Distillation.Reduction);
        Assert.True(settings.StatisticsPasses);
    }

    [Theory]
    [InlineData("free", 25, 0.1, 2e-4, "multistep:12,18")]
    [InlineData("fast-ard", 25, 0.1, 2e-4, "multistep:12,18")]
    [InlineData("trades", 76, 0.1, 2e-4, "multistep:74")]
    [InlineData("mart", 120, 0.01, 3.5e-3, "multistep:74,89,99")]
    [InlineData("mtard", 300, 0.1, 2e-4, "multistep:215,260,285")]
    public void Presets_are_the_published_recipes(string name, int epochs, double rate, double decay, string schedule)
    {
        var preset = Preset.ByName(name);
        var options = preset.Options;
        Assert.Equal((epochs, 128, 0.0, schedule), (options.Epochs, options.BatchSize, options.ValidationFraction, $"{options.Schedule}"));
        Assert.Equal(new SgdOptimizer { LearningRate = rate, Momentum = 0.9, WeightDecay = decay }, options.Optimizer);
        Assert.Equal(Augmentation.CropAndFlip, options.Augmentation);
        Assert.Equal(OptionsText.Lines("", ObjectiveCatalog.ByName(name)), OptionsText.Lines("", preset.Objective));
        if (preset.Objective.Replays > 1) Assert.Equal(Math.Ceiling(200.0 / preset.Objective.Replays), epochs);
    }

    [Fact]
    public void The_corrected_preset_drops_twice_and_averages_over_the_batch()
    {
        var preset = Preset.ByName("ARD-corrected");
        var settings = Assert.IsType<AdversariallyRobustDistillation>(preset.Objective).Options;
        Assert.Equal(KlReduction.BatchMean, settings.Distillation.Reduction);
        Assert.Equal(0.001, preset.Options.Schedule!.LearningRate(0.1, 150, 1, 200), 12);
        Assert.Contains("ard-official", Assert.Throws<ArgumentException>(() => Preset.ByName("ard")).Message);
    }
}
