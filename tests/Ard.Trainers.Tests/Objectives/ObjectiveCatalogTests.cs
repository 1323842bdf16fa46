namespace Ard.Trainers.Tests.Objectives;

public sealed class ObjectiveCatalogTests
{
    [Theory]
    [InlineData("natural", typeof(Natural))]
    [InlineData("at", typeof(AdversarialTraining))]
    [InlineData("PGD-AT", typeof(AdversarialTraining))]
    [InlineData("trades", typeof(Trades))]
    [InlineData("kd", typeof(Distillation))]
    [InlineData(" ard ", typeof(AdversariallyRobustDistillation))]
    [InlineData("ard-corrected", typeof(AdversariallyRobustDistillation))]
    [InlineData("free", typeof(FreeAdversarialTraining))]
    [InlineData("fast-ard", typeof(FastArd))]
    [InlineData("fgsm-rs", typeof(AdversarialTraining))]
    [InlineData("n-fgsm", typeof(AdversarialTraining))]
    [InlineData("mart", typeof(Mart))]
    [InlineData("mtard", typeof(Mtard))]
    [InlineData("rslad", typeof(Rslad))]
    [InlineData("iad", typeof(Iad))]
    [InlineData("AdaAD", typeof(AdaAd))]
    [InlineData("adaiad", typeof(AdaIad))]
    [InlineData("saad", typeof(Saad))]
    [InlineData("AdaAD+IGDM", typeof(Igdm))]
    public void Methods_are_found_by_name(string name, Type type) => Assert.IsType(type, ObjectiveCatalog.ByName(name));

    [Fact]
    public void Without_settings_a_method_has_its_own_defaults()
    {
        Assert.Equal(new ArdOptions(), ((AdversariallyRobustDistillation)ObjectiveCatalog.ByName("ard")).Options);
        Assert.Equal(ArdOptions.Corrected, ((AdversariallyRobustDistillation)ObjectiveCatalog.ByName("ard-corrected")).Options);
        Assert.Equal(new TradesOptions(), ((Trades)ObjectiveCatalog.ByName("trades")).Options);
        Assert.Equal(new AdversarialTrainingOptions(), ((AdversarialTraining)ObjectiveCatalog.ByName("at")).Options);
        Assert.Equal(new DistillationOptions(), ((Distillation)ObjectiveCatalog.ByName("kd")).Options);
        Assert.Equal(new FreeAdversarialTrainingOptions(), ((FreeAdversarialTraining)ObjectiveCatalog.ByName("free")).Options);
        Assert.Equal(new FastArdOptions(), ((FastArd)ObjectiveCatalog.ByName("fast-ard")).Options);
        Assert.Equal(InnerMaximisation.FgsmRs, Attack("fgsm-rs"));
        Assert.Equal(new InnerMaximisation().Fast(), Attack("n-fgsm"));
        Assert.Equal(new MartOptions(), ((Mart)ObjectiveCatalog.ByName("mart")).Options);
        Assert.Equal(new MtardOptions(), ((Mtard)ObjectiveCatalog.ByName("mtard")).Options);
        Assert.Equal(new RsladOptions(), ((Rslad)ObjectiveCatalog.ByName("rslad")).Options);
        Assert.Equal(new IadOptions(), ((Iad)ObjectiveCatalog.ByName("iad")).Options);
        Assert.Equal(new AdaAdOptions(), ((AdaAd)ObjectiveCatalog.ByName("adaad")).Options);
        Assert.Equal(new AdaIadOptions(), ((AdaIad)ObjectiveCatalog.ByName("adaiad")).Options);
    }

    [Fact]
    public void Settings_replace_defaults_and_a_step_keeps_its_ratio_to_epsilon()
    {
        var options = ((Trades)ObjectiveCatalog.ByName("trades", new() { Threat = ThreatModel.Linf(0.062), Steps = 3, Beta = 2 })).Options;
        Assert.Equal((ThreatModel.Linf(0.062), 3, 2.0), (options.Inner.Threat, options.Inner.Steps, options.Beta));
        Assert.Equal(0.014, options.Inner.StepSize, 1e-12);
        Assert.Equal(Start.Gaussian(0.001), options.Inner.Start);

        var ard = ((AdversariallyRobustDistillation)ObjectiveCatalog.ByName(
            "ard", new() { Temperature = 5, Alpha = 0.5, StepSize = 0.01 })).Options;
        Assert.Equal((5.0, 0.5, 0.01), (ard.Distillation.Temperature, ard.Alpha, ard.Inner.StepSize));
        Assert.Equal(ThreatModel.Cifar10, ard.Inner.Threat);
    }

    [Fact]
    public void Settings_of_free_and_fast_methods_are_put_in_their_places()
    {
        var threat = ThreatModel.Linf(0.1);
        var settings = new ObjectiveSettings { Threat = threat, Replays = 4, Alpha = 0.9, Temperature = 7 };
        var fast = ((FastArd)ObjectiveCatalog.ByName("fast-ard", settings)).Options;
        Assert.Equal((threat, 4, 0.9, 7.0), (fast.Free.Threat, fast.Free.Replays, fast.Alpha, fast.Distillation.Temperature));
        var free = ((FreeAdversarialTraining)ObjectiveCatalog.ByName("free", new() { Threat = threat, Replays = 4 })).Options.Free;
        Assert.Equal((threat, 4), (free.Threat, free.Replays));
        foreach (var budget in (ThreatModel[])[threat, ThreatModel.L2(0.5)])
            Assert.Equal(
                new InnerMaximisation { Threat = budget }.Fast(), Attack("n-fgsm", new() { Threat = budget }));
        Assert.Equal(2, ((Mart)ObjectiveCatalog.ByName("mart", new() { Beta = 2 })).Options.Lambda);
        var mtard = ((Mtard)ObjectiveCatalog.ByName("mtard", new() { Threat = threat, Temperature = 3 })).Options;
        Assert.Equal((threat, 3.0, 0.1), (mtard.Inner.Threat, mtard.Distillation.Temperature, mtard.Distillation.Weight));
        Assert.Contains("Steps is set, and the method fgsm-rs has none; Replays is set",
            Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName("fgsm-rs", new() { Steps = 3, Replays = 4 })).Message,
            StringComparison.Ordinal);
    }

    private static InnerMaximisation Attack(string name, ObjectiveSettings? settings = null) =>
        ((AdversarialTraining)ObjectiveCatalog.ByName(name, settings)).Options.Inner;

    [Fact]
    public void Fast_puts_one_step_in_the_place_of_a_methods_attack_and_leaves_its_loss()
    {
        var threat = ThreatModel.Linf(0.1);
        var own = new RsladOptions().Inner;
        var rslad = ((Rslad)ObjectiveCatalog.ByName("rslad+fast", new() { Threat = threat })).Options;
        Assert.Equal((own with { Threat = threat }).Fast() with { StepSize = 0.1 }, rslad.Inner);
        var igdm = (Igdm)ObjectiveCatalog.ByName("ard+fast+igdm", new() { Threat = threat, IgdmWeight = 3 });
        Assert.Equal(threat, igdm.Threat);
        // A command line's steps are for the methods that have them.
        var shared = new ObjectiveSettings { Threat = threat, Steps = 5, StepSize = 0.05 };
        var ard = (AdversariallyRobustDistillation)ObjectiveCatalog.ByName("ard+fast", ObjectiveCatalog.Applicable("ard+fast", shared));
        Assert.Equal((1, 0.1, false), (ard.Options.Inner.Steps, ard.Options.Inner.StepSize, ard.Options.Inner.Project));
        Assert.NotNull(ard.Options.Inner.Guard);
        Assert.Contains("Steps is set, and the method ard+fast has none; StepSize is set, and the method ard+fast has none",
            Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName("ard+fast", shared)).Message, StringComparison.Ordinal);
        foreach (var name in (string[])["natural", "kd", "free", "fast-ard", "n-fgsm"])
        {
            var fault = Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName($"{name}+fast")).Message;
            Assert.Equal($"The method {name} has no attack of several steps, which +fast needs.", fault);
        }
    }

    [Fact]
    public void Each_method_trains_an_epoch_on_the_built_in_images()
    {
        foreach (var name in (string[])[
            "free", "fast-ard", "fgsm-rs", "n-fgsm", "mart", "mtard", "ard+fast", "adaad+fast", "saad+fast", "peeraid+fast"])
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            var (result, weights) = Small.Train(
                ObjectiveCatalog.ByName(name, new() { Threat = ThreatModel.Linf(0.1) }), Small.Options with { Epochs = 1 });
            Assert.True(result.History is [{ Loss: > 0 and < 100, TrainingAccuracy: >= 0 and <= 1 }], $"{name}: {result.History[0]}");
            // Neither the teachers nor one epoch teach anything, which is told.
            Assert.All(result.Warnings, warning => Assert.Contains("where chance gets", warning, StringComparison.Ordinal));
            using var untrained = Small.GlyphNetwork(3);
            Assert.Contains(untrained.state_dict(), pair => !pair.Value.allclose(weights[pair.Key]));
        }
    }

    [Fact]
    public void A_setting_that_a_method_has_not_and_a_name_that_is_none_are_refused()
    {
        var fault = Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName("at", new() { Temperature = 5, Beta = 1 }));
        Assert.Contains("Temperature is set, and the method at has none; Beta is set, and the method at has none", fault.Message,
            StringComparison.Ordinal);
        Assert.Contains("expected natural, at, trades, kd, ard, ard-corrected",
            Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName("magic")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName("ard", new() { Alpha = 2 }));
    }

    [Fact]
    public void The_term_of_IGDM_goes_with_every_method_that_finds_adversarial_images()
    {
        var settings = new ObjectiveSettings { Steps = 3, Alpha = 0.9, IgdmWeight = 20 };
        var objective = Assert.IsType<Igdm>(ObjectiveCatalog.ByName("rslad+igdm", settings));
        Assert.Equal(20, objective.Options.Weight);
        var host = Assert.IsType<Rslad>(objective.Host).Options;
        Assert.Equal((3, 0.9), (host.Inner.Steps, host.Alpha));
        Assert.Equal("trades+igdm", ObjectiveCatalog.ByName("trades+igdm").Name);

        Assert.Contains("The method kd finds no adversarial images, which +igdm needs",
            Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName("kd+igdm")).Message, StringComparison.Ordinal);
        Assert.Contains("IgdmWeight is set, and the method rslad has none",
            Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName("rslad", settings)).Message, StringComparison.Ordinal);
        Assert.Contains("then +igdm or +awp",
            Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName("magic+igdm")).Message, StringComparison.Ordinal);
    }
}
