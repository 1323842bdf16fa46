using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Examples.Distill;

/// <summary>
/// Training methods by the names of the command line, all against one threat model, and all with adversarial weight perturbation or none.
/// </summary>
internal sealed record Methods(ThreatModel Threat, int Steps, double StepSize, double? Temperature, double? Alpha, bool Perturbed = false)
{
    public static IReadOnlyList<string> WithoutTeacher { get; } = ["natural", "at", "trades"];

    public static IReadOnlyList<string> Names { get; } = [.. WithoutTeacher, "kd", "ard", .. Presets.All.Select(preset => preset.Name)];

    /// <summary>
    /// The inner maximisation of all methods but TRADES, in train mode as in ARD, so that they differ in nothing but the loss.
    /// </summary>
    private InnerMaximisation Inner => new() { Threat = Threat, Steps = Steps, StepSize = StepSize };

    private DistillationTerm Term => new() { Temperature = Temperature ?? 4, Reduction = KlReduction.BatchMean };

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
        _ => name,
    };

    public Objective Create(string name) => Perturbed ? new AdversarialWeightPerturbation(Plain(name)) : Plain(name);

    private Objective Plain(string name) => name switch
    {
        "natural" => new Natural(),
        "at" => new AdversarialTraining(new() { Inner = Inner }),
        "trades" => new Trades(new() { Inner = new TradesOptions().Inner with { Threat = Threat, Steps = Steps, StepSize = StepSize } }),
        "kd" => new Distillation(new() { Distillation = Term, Alpha = Alpha ?? 1 }),
        "ard" => new AdversariallyRobustDistillation(
            new() { Inner = Inner, Distillation = Term, Alpha = Alpha ?? 1, AlwaysCleanPass = false }),
        "ard-official" => Preset(ArdOptions.Official),
        "ard-corrected" => Preset(ArdOptions.Corrected),
        _ => throw new ArgumentException($"Method '{name}': expected {string.Join(", ", Names)}."),
    };

    private AdversariallyRobustDistillation Preset(ArdOptions preset) => new(preset with
    {
        Inner = Inner,
        Alpha = Alpha ?? preset.Alpha,
        Distillation = preset.Distillation with { Temperature = Temperature ?? preset.Distillation.Temperature },
    });
}
