using System.Text.Json.Serialization;

namespace Ard.Trainers.Evaluation;

/// <summary>A sign that an accuracy under attack is better than the network's robustness, or means nothing.</summary>
public enum RobustnessFlagCode
{
    /// <summary>The same images give other outputs each time.</summary>
    RandomOutputs,

    /// <summary>The outputs are not finite (NaN or infinity) at some image, or where an attack looked.</summary>
    NotFinite,

    /// <summary>An attack's points were beyond the budget or outside [0,1].</summary>
    BudgetExceeded,

    /// <summary>The outputs are probabilities, not logits.</summary>
    Probabilities,

    /// <summary>The gradient of the loss is exactly 0 at some image, or where an attack looked.</summary>
    ZeroGradients,

    /// <summary>A targeted attack found fewer classes than it would aim at.</summary>
    FewClasses,

    /// <summary>An attack without gradients broke points that those with gradients left.</summary>
    GradientFreeStronger,

    /// <summary>An attack of one step broke more points than one of many.</summary>
    OneStepStronger,

    /// <summary>Another network's examples broke more points than the network's own gradient.</summary>
    TransferStronger,

    /// <summary>The adversary may do nothing, or anything, or no attack was asked for.</summary>
    NoAdversary,

    /// <summary>The network says the same class of every image.</summary>
    OneClass,

    /// <summary>The gradient of the loss is NaN or infinite at some image, or where an attack looked, at finite outputs.</summary>
    NotFiniteGradients,

    /// <summary>There is no gradient: the outputs do not hang on the images by a graph.</summary>
    MissingGradients,

    /// <summary>An image's outputs depend on what other images share its batch.</summary>
    BatchDependentOutputs,
}

/// <summary>A reason not to believe the figures of a report.</summary>
public sealed record RobustnessFlag
{
    [JsonConstructor]
    internal RobustnessFlag(RobustnessFlagCode code, string seen, string advice) => (Code, Seen, Advice) = (code, seen, advice);

    /// <summary>Which.</summary>
    public RobustnessFlagCode Code { get; internal init; }

    /// <summary>What the evaluation found, with the numbers.</summary>
    public string Seen { get; internal init; }

    /// <summary>What to do.</summary>
    public string Advice { get; internal init; }

    /// <summary>
    /// Whether the accuracies may be higher than the truth for it. Otherwise they hold, as where an attack left its budget or has few
    /// classes to aim at, or are rather too low, as where outputs are not finite.
    /// </summary>
    public bool IsSerious => Code is not (
        RobustnessFlagCode.BudgetExceeded or RobustnessFlagCode.FewClasses or RobustnessFlagCode.NotFinite);

    /// <summary>Code, finding and advice as a sentence.</summary>
    public override string ToString() => $"{Code}: {Seen}. {Advice}.";
}
