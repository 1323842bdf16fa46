using Ard.Trainers.Objectives;

namespace Ard.Trainers.Training;

/// <summary>A training method with the settings under which it was published.</summary>
/// <param name="Name">A short name, for tables and command lines.</param>
/// <param name="Summary">What it reproduces.</param>
/// <param name="Objective">The method.</param>
/// <param name="Options">The settings.</param>
public sealed record Preset(string Name, string Summary, Objective Objective, TrainingOptions Options);

/// <summary>The presets.</summary>
public static class Presets
{
    /// <summary>
    /// What the released code of ARD computes (2019-05-23), where it differs from the paper too: 200 epochs, batches of 128, SGD 0.1 with
    /// momentum 0.9 and weight decay 2e-4, crop and flip; temperature 30, alpha 1; the student attacked in train mode, the clean pass
    /// always run, the divergence a mean over batch and classes, and 0.01 as learning rate from epoch 100 to the end, since its second drop
    /// has no effect. The last epoch is the result.
    /// </summary>
    public static Preset ArdOfficial { get; } = new(
        "ard-official", "ARD as its released code computes it", AdversariallyRobustDistillation.Official(), new TrainingOptions
        {
            Schedule = new MultiStepSchedule([100, 150]) { FromBaseRate = true },
            ValidationFraction = 0,
        });

    /// <summary>
    /// ARD as its paper states it: as <see cref="ArdOfficial"/>, with 0.001 from epoch 150 on, and the divergence as a mean over the batch
    /// with a weight that makes it the same number at 10 classes.
    /// </summary>
    public static Preset ArdCorrected { get; } = new(
        "ard-corrected", "ARD as its paper states it", AdversariallyRobustDistillation.Corrected(), new TrainingOptions
        {
            Schedule = new MultiStepSchedule([100, 150]),
            ValidationFraction = 0,
        });

    /// <summary>All presets.</summary>
    public static IReadOnlyList<Preset> All { get; } = [ArdOfficial, ArdCorrected];

    /// <summary>The preset of that name, in any case.</summary>
    /// <exception cref="ArgumentException">There is none; the message lists those that there are.</exception>
    public static Preset ByName(string name) =>
        All.FirstOrDefault(preset => preset.Name.Equals(name.Trim(), StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException(
            $"Preset '{name}': expected one of {string.Join(", ", All.Select(preset => preset.Name))}.", nameof(name));
}
