using Ard.Trainers.Evaluation;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Trainers.Tests.Training;

public sealed class TrainingOptionsTests
{
    [Fact]
    public void The_defaults_and_all_presets_are_valid()
    {
        new TrainingOptions().Validate();
        Assert.All(Presets.All, preset => preset.Options.Validate());
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
            "Epochs is 0", "BatchSize is -1", "LearningRate is 0", "Momentum is 1", "WeightDecay is -1", "[5,3]", "gamma 2", "padding -1",
            "ValidationFraction is 1", "'pgd-0'", "BatchSize is 0", "ValidateEveryEpochs is 0", "'gpu'", "Threads is 0",
            "CheckpointEverySteps is 0", "Resume", "ProgressInterval", "cutout -2", "ClipGradientNorm is 0", "LabelSmoothing is 1",
            "decay 1", "CacheTeacherLogits is set", "Precision is 7",
        ];
        Assert.All(expected, fault => Assert.Contains(fault, message));
        // What the augmentation makes of images that are not known yet cannot be kept.
        Assert.Contains("with the augmentation by the images", Assert.Throws<ArgumentException>(
            new TrainingOptions { CacheTeacherLogits = true }.Validate).Message);
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
        Assert.Equal(2, new StochasticWeightAveraging { FromEpoch = 0, EverySteps = 0 }.Faults().Count());

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
        var faults = new AdamOptimizer { Beta1 = 1, Beta2 = -1, Epsilon = 0, LearningRate = double.NaN }.Faults().ToArray();
        Assert.Equal(4, faults.Length);
    }

    [Fact]
    public void The_official_preset_is_the_released_codes_setting()
    {
        var (objective, options) = (Presets.ArdOfficial.Objective, Presets.ArdOfficial.Options);
        var settings = Assert.IsType<AdversariallyRobustDistillation>(objective).Options;
        Assert.Equal((200, 128, 0.0), (options.Epochs, options.BatchSize, options.ValidationFraction));
        Assert.Equal(new SgdOptimizer { LearningRate = 0.1, Momentum = 0.9, WeightDecay = 2e-4, Nesterov = false }, options.Optimizer);
        Assert.Equal(new Augmentation(4, true), options.Augmentation);
        Assert.Equal((30.0, 1.0, 10, AttackMode.Train),
            (settings.Distillation.Temperature, settings.Alpha, settings.Inner.Steps, settings.Inner.Mode));
        Assert.Equal(KlReduction.BatchAndClassMean, settings.Distillation.Reduction);
        Assert.True(settings.AlwaysCleanPass);
    }

    [Theory]
    [InlineData("free", 25, 0.1, 2e-4, "multistep:12,18")]
    [InlineData("fast-ard", 25, 0.1, 2e-4, "multistep:12,18")]
    [InlineData("trades", 76, 0.1, 2e-4, "multistep:74")]
    [InlineData("mart", 120, 0.01, 3.5e-3, "multistep:74,89,99")]
    [InlineData("mtard", 300, 0.1, 2e-4, "multistep:215,260,285")]
    public void Presets_are_the_published_recipes(string name, int epochs, double rate, double decay, string schedule)
    {
        var preset = Presets.ByName(name);
        var options = preset.Options;
        Assert.Equal((epochs, 128, 0.0, schedule), (options.Epochs, options.BatchSize, options.ValidationFraction, $"{options.Schedule}"));
        Assert.Equal(new SgdOptimizer { LearningRate = rate, Momentum = 0.9, WeightDecay = decay }, options.Optimizer);
        Assert.Equal(Augmentation.CropAndFlip, options.Augmentation);
        Assert.Equal(ObjectiveCatalog.ByName(name).Description, preset.Objective.Description);
        if (preset.Objective.Replays > 1) Assert.Equal(Math.Ceiling(200.0 / preset.Objective.Replays), epochs);
    }

    [Fact]
    public void The_corrected_preset_drops_twice_and_averages_over_the_batch()
    {
        var preset = Presets.ByName("ARD-corrected");
        var settings = Assert.IsType<AdversariallyRobustDistillation>(preset.Objective).Options;
        Assert.Equal(KlReduction.BatchMean, settings.Distillation.Reduction);
        Assert.Equal(0.001, preset.Options.Schedule!.LearningRate(0.1, 150, 1, 200), 12);
        Assert.Contains("ard-official", Assert.Throws<ArgumentException>(() => Presets.ByName("ard")).Message);
    }
}
