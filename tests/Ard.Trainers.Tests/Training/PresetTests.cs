namespace Ard.Trainers.Tests.Training;

public sealed class PresetTests
{
    [Theory]
    [InlineData("rslad", 300, 2e-4, 214, 0.1, 215, 0.01, 260, 0.001)]
    [InlineData("iad", 200, 2e-4, 99, 0.1, 100, 0.01, 150, 0.01)]
    [InlineData("adaad", 200, 5e-4, 99, 0.1, 100, 0.01, 150, 0.001)]
    [InlineData("adaiad", 200, 5e-4, 99, 0.1, 100, 0.01, 150, 0.001)]
    [InlineData("saad", 200, 2e-4, 99, 0.1, 100, 0.01, 150, 0.001)]
    [InlineData("adaad+igdm", 200, 5e-4, 99, 0.1, 100, 0.01, 150, 0.001)]
    [InlineData("at", 110, 5e-4, 99, 0.1, 100, 0.01, 105, 0.001)]
    [InlineData("at+awp", 200, 5e-4, 99, 0.1, 100, 0.01, 150, 0.001)]
    [InlineData("trades+awp", 200, 5e-4, 98, 0.1, 99, 0.01, 149, 0.001)]
    public void A_preset_is_the_published_recipe(
        string name, int epochs, double weightDecay, int epoch1, double rate1, int epoch2, double rate2, int epoch3, double rate3)
    {
        var preset = Preset.ByName(name);
        var options = preset.Options;
        Assert.Equal((name, epochs, 128), (preset.Name, options.Epochs, options.BatchSize));
        Assert.Equal(new SgdOptimizer { LearningRate = 0.1, Momentum = 0.9, WeightDecay = weightDecay }, options.Optimizer);
        Assert.Equal(Augmentation.CropAndFlip, options.Augmentation);
        foreach (var (epoch, rate) in new[] { (epoch1, rate1), (epoch2, rate2), (epoch3, rate3) })
            Assert.Equal(rate, options.Schedule!.LearningRate(0.1, epoch * 7, 7, epochs), 1e-12);
    }

    [Fact]
    public void A_recipe_names_the_network_that_it_was_published_for() => Assert.All(
        Preset.All, preset => Assert.Matches("(WideResNet-|ResNet-18|MobileNetV2)", preset.Describe().Split('\n')[0]));

    [Fact]
    public void The_objective_of_a_preset_is_that_of_the_catalog()
    {
        foreach (var preset in Preset.All.Concat(
            new[] { "trades-cutmix+fast", "trades+awp+igdm", "trades-generated+fast" }.Select(Preset.ByName)))
        {
            Assert.Equal(
                OptionsText.Lines("", ObjectiveCatalog.ByName(preset.Method, preset.Settings)), OptionsText.Lines("", preset.Objective));
        }
        Assert.Equal(
            OptionsText.Lines("", ObjectiveCatalog.ByName("iad+igdm")), OptionsText.Lines("", Preset.ByName("IAD+IGDM").Objective));
        Assert.Contains("expected one of ard-official",
            Assert.Throws<ArgumentException>(() => Preset.ByName("kd+igdm")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_recipes_with_weight_perturbation_are_those_of_its_release()
    {
        var (adversarial, trades) = (Awp("at+awp"), Awp("trades+awp"));
        Assert.Equal((0.01, 0), (adversarial.Options.Gamma, adversarial.Options.WarmUpEpochs));
        Assert.Equal((0.005, 9), (trades.Options.Gamma, trades.Options.WarmUpEpochs));
        foreach (var inner in new[]
        {
            Assert.IsType<AdversarialTraining>(adversarial.Host).Options.Inner, Assert.IsType<Trades>(trades.Host).Options.Inner,
        })
            Assert.Equal((ThreatModel.Cifar10, 10, 2.0 / 255), (inner.Threat, inner.Steps, inner.StepSize));
        Assert.Equal(6, Assert.IsType<Trades>(trades.Host).Options.Beta);
        // What is added to another recipe of TRADES is no recipe of its own.
        Assert.Equal(76, Preset.ByName("trades+igdm").Options.Epochs);
        // The longest name of a preset is the recipe.
        var longer = Preset.ByName("trades+awp+igdm");
        Assert.Equal((Preset.ByName("trades+awp").Options, "trades+awp+igdm"), (longer.Options, longer.Objective.Name));
        // Its step is the one of +fast, not the recipe's.
        var fast = Assert.IsType<Trades>(Preset.ByName("trades-cutmix+fast").Objective).Options.Inner;
        Assert.Equal((1, 8 / 255.0), (fast.Steps, fast.StepSize));

        static AdversarialWeightPerturbation Awp(string name) =>
            Assert.IsType<AdversarialWeightPerturbation>(Preset.ByName(name).Objective);
    }

    [Fact]
    public void The_recipe_with_CutMix_is_the_configuration_of_its_release()
    {
        var preset = Preset.ByName("trades-cutmix");
        var (objective, options) = (Assert.IsType<Trades>(preset.Objective).Options, preset.Options);
        Assert.Equal((6, ThreatModel.Cifar10, 10), (objective.Beta, objective.Inner.Threat, objective.Inner.Steps));
        Assert.Equal((400, 1024, 0.0, 0.0), (options.Epochs, options.BatchSize, options.LabelSmoothing, options.ValidationFraction));
        Assert.Equal(
            new SgdOptimizer { LearningRate = 0.1 * 1024 / 256, Momentum = 0.9, Nesterov = true, WeightDecay = 5e-4 }, options.Optimizer);
        Assert.Equal((Mixing.CutMix(), WeightAveraging.Exponential(0.995)), (options.Mixing, options.Averaging));
        Assert.Equal(0.4, options.Schedule!.LearningRate(0.4, 10 * 48 - 1, 48, 400), 1e-9);
        Assert.InRange(options.Schedule.LearningRate(0.4, 400 * 48 - 1, 48, 400), 0, 1e-5);
    }

    [Fact]
    public void The_recipe_for_generated_images_is_the_command_of_its_release()
    {
        var preset = Preset.ByName("trades-generated");
        var (objective, options) = (Assert.IsType<Trades>(preset.Objective).Options, preset.Options);
        Assert.Equal((5, ThreatModel.Cifar10, 10, 2.0 / 255),
            (objective.Beta, objective.Inner.Threat, objective.Inner.Steps, objective.Inner.StepSize));
        Assert.Equal((400, 512, 0.1), (options.Epochs, options.BatchSize, options.LabelSmoothing));
        Assert.Equal(new SgdOptimizer { LearningRate = 0.2, Momentum = 0.9, Nesterov = true, WeightDecay = 5e-4 }, options.Optimizer);
        Assert.Equal(WeightAveraging.Exponential(0.995), options.Averaging);
        Assert.Equal(1024, 50_000 * options.ValidationFraction, 1e-9);
        Assert.Equal(["cw-40"], options.Validation.Attacks);
        // The rate is at its height after 10 of 400 epochs of 98 steps, from a 25th of it.
        Assert.Equal(0.2 / 25, options.Schedule!.LearningRate(0.2, 0, 98, 400), 1e-9);
        Assert.Equal(0.2, options.Schedule.LearningRate(0.2, 979, 98, 400), 1e-9);
        Assert.Equal(0.7, options.Auxiliary!.Share);
        // Without the images it would be another recipe.
        using var images = TrainerTests.Data(6);
        using var student = TrainerTests.Spec.Build(1);
        Assert.Equal(
            "Trainer: Auxiliary.Images are missing, expected images beside the training set: they take 0.7 of each batch.",
            Assert.Throws<ArgumentException>(() => Trainer.Fit(student, preset.Objective, images, options)).Message);
    }

    [Fact]
    public void A_description_has_every_setting_once_on_a_line_of_its_own_in_any_culture()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            culture.NumberFormat.NumberDecimalSeparator = ",";
            CultureInfo.CurrentCulture = culture;
            var lines = Preset.ByName("adaiad+igdm").Describe().Split('\n');
            Assert.Equal("adaiad+igdm: AdaIAD as its released code computes it, for ResNet-18 and MobileNetV2 alike, with igdm", lines[0]);
            Assert.Equal(lines.Length, lines.Select(line => line.Split(':')[0]).Distinct().Count());
            string[] expected =
            [
                "Objective: adaiad+igdm", "Objective.Host: adaiad", "Objective.Host.Options.Inner.Mode: Eval",
                "Objective.Host.Options.Inner.Loss: DivergenceFromTeacherOnSame", "Objective.Host.Options.Distillation.Temperature: 30",
                "Objective.Host.Options.Trust.Exponent: 0.1", "Objective.Host.Options.Trust.FullTrustShare: 0.3",
                "Objective.Options.Weight: 1", "Options.Optimizer: SgdOptimizer", "Options.Optimizer.WeightDecay: 0.0005",
                "Options.Schedule: multistep:100,150", "Options.Validation.Attacks: not set", "Options.Validation.MoreAttacks: none",
                "Options.CheckpointFolder: not set",
            ];
            Assert.All(expected, line => Assert.Contains(line, lines));
            // Nothing is left out: what an options record has is there, under its name.
            foreach (var property in typeof(TrainingOptions).GetProperties())
                Assert.Contains(lines, line => line.StartsWith($"Options.{property.Name}", StringComparison.Ordinal));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void A_recipe_of_another_length_has_its_drops_in_proportion_and_is_valid()
    {
        foreach (var preset in Preset.All)
        {
            var same = preset.Options.WithEpochs(preset.Options.Epochs!.Value);
            Assert.Equal(OptionsText.Lines("", preset.Options), OptionsText.Lines("", same));
            Assert.All(Enumerable.Range(1, 40), epochs => preset.Options.WithEpochs(epochs).Validate());
        }
        var early = new TrainingOptions { Epochs = 100, Schedule = new MultiStepSchedule([0, 50]) };
        Assert.Equal("multistep:0,50", $"{early.WithEpochs(100).Schedule}");
        var tenth = Preset.ByName("peeraid").Options.WithEpochs(30);
        Assert.Equal((30, "multistep:21,25,28"), (tenth.Epochs, $"{tenth.Schedule}"));
        Assert.Equal(WeightAveraging.Stochastic(fromEpoch: 22), tenth.Averaging);
        Assert.Equal("multistep:2,3,4", $"{Preset.ByName("mtard").Options.WithEpochs(3).Schedule}");
    }
}
