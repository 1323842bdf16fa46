using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;

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
    [InlineData("rslad", typeof(Rslad))]
    [InlineData("iad", typeof(Iad))]
    [InlineData("AdaAD", typeof(AdaAd))]
    [InlineData("adaiad", typeof(AdaIad))]
    [InlineData("AdaAD+IGDM", typeof(Igdm))]
    public void Methods_are_found_by_name(string name, Type type) => Assert.IsType(type, ObjectiveCatalog.ByName(name));

    [Fact]
    public void Without_settings_a_method_has_its_own_defaults()
    {
        Assert.Equal(ArdOptions.Official, ((AdversariallyRobustDistillation)ObjectiveCatalog.ByName("ard")).Options);
        Assert.Equal(ArdOptions.Corrected, ((AdversariallyRobustDistillation)ObjectiveCatalog.ByName("ard-corrected")).Options);
        Assert.Equal(new TradesOptions(), ((Trades)ObjectiveCatalog.ByName("trades")).Options);
        Assert.Equal(new AdversarialTrainingOptions(), ((AdversarialTraining)ObjectiveCatalog.ByName("at")).Options);
        Assert.Equal(new DistillationOptions(), ((Distillation)ObjectiveCatalog.ByName("kd")).Options);
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

        Assert.Contains("the method kd finds no adversarial images, which +igdm needs",
            Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName("kd+igdm")).Message, StringComparison.Ordinal);
        Assert.Contains("IgdmWeight is set, and the method rslad has none",
            Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName("rslad", settings)).Message, StringComparison.Ordinal);
        Assert.Contains("with +igdm behind it",
            Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName("magic+igdm")).Message, StringComparison.Ordinal);
    }
}
