using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Examples.Distill;

/// <summary>Training methods by the names of the command line, all against one threat model.</summary>
internal sealed record Methods(ThreatModel Threat, int Steps, double StepSize, double? Temperature, double? Alpha)
{
    public static IReadOnlyList<string> WithoutTeacher { get; } = ["natural", "at", "trades"];

    public static IReadOnlyList<string> Names { get; } = [.. WithoutTeacher, "kd", "ard", .. ArdPresets.Select(preset => preset.Name)];

    /// <summary>The presets whose schedules are those of the command line's methods of the same name.</summary>
    public static IReadOnlyList<Preset> ArdPresets =>
    [
        Presets.ArdOfficial, Presets.ArdCorrected, Presets.Rslad, Presets.Iad, Presets.AdaAd, Presets.AdaIad,
    ];

    /// <summary>
    /// The inner maximisation of all methods but TRADES, in train mode as in ARD, so that they differ in nothing but the loss.
    /// </summary>
    private InnerMaximisation Inner => new() { Threat = Threat, Steps = Steps, StepSize = StepSize };

    private DistillationTerm Term => new() { Temperature = Temperature ?? 4, Reduction = KlReduction.BatchMean };

    /// <summary>One of <see cref="Names"/>, or one of those with adversarial images and the term of IGDM behind it.</summary>
    public static string CheckedStudent(string name)
    {
        var host = Igdm.HostOf(name, out var hasIgdm);
        Checked(host, hasIgdm ? [.. Names.Except(["natural", "kd"])] : Names);
        return name;
    }

    public static string Checked(string name, IReadOnlyList<string> allowed) => allowed.Contains(name)
        ? name
        : throw new FormatException($"expected {string.Join(", ", allowed)}");

    public static string Title(string name) => name switch
    {
        "natural" => "natural training",
        "at" => "adversarial training",
        "trades" => "TRADES",
        "kd" => "clean distillation",
        "ard" => "ARD",
        "ard-official" => "ARD (official)",
        "ard-corrected" => "ARD (corrected)",
        "rslad" => "RSLAD",
        "iad" => "IAD",
        "adaad" => "AdaAD",
        "adaiad" => "AdaIAD",
        _ => Igdm.HostOf(name, out var hasIgdm) is var host && hasIgdm ? $"{Title(host)} + IGDM" : name,
    };

    public Objective Create(string name) => name switch
    {
        "natural" => new Natural(),
        "at" => new AdversarialTraining(new() { Inner = Inner }),
        "trades" => new Trades(new() { Inner = new TradesOptions().Inner with { Threat = Threat, Steps = Steps, StepSize = StepSize } }),
        "kd" => new Distillation(new() { Distillation = Term, Alpha = Alpha ?? 1 }),
        "ard" => new AdversariallyRobustDistillation(
            new() { Inner = Inner, Distillation = Term, Alpha = Alpha ?? 1, AlwaysCleanPass = false }),
        "ard-official" => Preset(ArdOptions.Official),
        "ard-corrected" => Preset(ArdOptions.Corrected),
        _ when Igdm.HostOf(name, out var hasIgdm) is var host && hasIgdm => new Igdm(Create(host)),
        _ when Names.Contains(name) => ObjectiveCatalog.ByName(
            name, new() { Threat = Threat, Steps = Steps, StepSize = StepSize, Temperature = Temperature, Alpha = Alpha }),
        _ => throw new ArgumentException($"Method '{name}': expected {string.Join(", ", Names)}."),
    };

    private AdversariallyRobustDistillation Preset(ArdOptions preset) => new(preset with
    {
        Inner = Inner,
        Alpha = Alpha ?? preset.Alpha,
        Distillation = preset.Distillation with { Temperature = Temperature ?? preset.Distillation.Temperature },
    });
}
