namespace Ard.Trainers.Attacks;

/// <summary>What an attack found.</summary>
public sealed record AttackOutcome
{
    internal AttackOutcome(Tensor points, IReadOnlyList<AttackedPoint> each) => (Points, Each) = (points, each);

    /// <summary>
    /// [N,...]: an allowed point for each image, the clean one where the network was wrong; of the caller's dispose scope.
    /// </summary>
    public Tensor Points { get; }

    /// <summary>One entry an image, in their order.</summary>
    public IReadOnlyList<AttackedPoint> Each { get; }

    /// <summary>The class that the network takes each point for; -1 where an output was not finite.</summary>
    internal IReadOnlyList<long> Predictions { get; init; } = [];
}

/// <summary>What became of one image.</summary>
public sealed record AttackedPoint
{
    internal AttackedPoint(bool wasRight, string? brokenBy, double size, long? forwardPasses, long? backwardPasses) =>
        (WasRight, BrokenBy, Size, ForwardPasses, BackwardPasses) = (wasRight, brokenBy, size, forwardPasses, backwardPasses);

    /// <summary>Whether the network gets the image right without an attack. Otherwise it was not attacked.</summary>
    public bool WasRight { get; internal init; }

    /// <summary>The attack that found a misclassified point, in a sequence the first part that did; null where none did.</summary>
    public string? BrokenBy { get; internal init; }

    /// <summary>How far the point is from the image, in the norm of the threat model.</summary>
    public double Size { get; internal init; }

    /// <summary>How often the image went through the network, clean and as result too; null where an attack does not say.</summary>
    public long? ForwardPasses { get; internal init; }

    /// <summary>How often its gradient was taken; null where an attack does not say.</summary>
    public long? BackwardPasses { get; internal init; }

    /// <summary>
    /// How often a model that can only be asked (<see cref="Networks.BlackBox"/>) was asked until it got an allowed point wrong, by all
    /// attacks up to then, their own looks at the clean image included; null where it was not broken, and for other networks.
    /// </summary>
    public long? Queries { get; internal init; }

    /// <summary>Whether the network gets it right, also after the attack.</summary>
    public bool IsRight => WasRight && BrokenBy is null;
}

/// <summary>What one attack, alone or as a part of a sequence, found on some images.</summary>
/// <param name="Points">Allowed points [N,...]: those that were beyond what is allowed are projected back.</param>
/// <param name="Logits">The logits there [N,classes]; NaN where the attack met some that are not finite, there or on its way.</param>
/// <param name="Each">One entry an image.</param>
internal sealed record PartOutcome(Tensor Points, Tensor Logits, IReadOnlyList<PartPoint> Each);

/// <summary>What one attack did to one image.</summary>
/// <param name="Correct">Whether the network gets its point right.</param>
/// <param name="Prediction">The class that the network takes it for; -1 where the attack met logits that are not finite.</param>
/// <param name="Size">How far it is from the image.</param>
internal sealed record PartPoint(bool Correct, long Prediction, double Size)
{
    /// <summary>How far the attack's own point was moved, where that was not an allowed one; else 0.</summary>
    public double Beyond { get; init; }

    /// <summary>Whether the attack met logits that are not finite. The point then counts as broken.</summary>
    public bool MetNotFinite { get; init; }

    /// <summary>What was amiss with the gradients that the attack met.</summary>
    public GradientFaults GradientFaults { get; init; }

    /// <summary>How often the image went forward through the network; null where the attack does not say.</summary>
    public long? Forward { get; init; }

    /// <summary>How often its gradient was taken; null where the attack does not say.</summary>
    public long? Backward { get; init; }

    /// <summary>After how many of its forward passes it was broken, where they were followed.</summary>
    public long? Queries { get; init; }

    public float[]? Logits { get; init; }
}
