namespace Ard.Trainers.Attacks;

/// <summary>What an attack found.</summary>
public sealed record AttackOutcome
{
    internal AttackOutcome(Tensor points, IReadOnlyList<AttackedPoint> each) => (Points, Each) = (points, each);

    /// <summary>[N,...]: an allowed point for each image, the clean one where the network was wrong.</summary>
    public Tensor Points { get; }

    /// <summary>One entry an image, in their order.</summary>
    public IReadOnlyList<AttackedPoint> Each { get; }

    /// <summary>The class that the network takes each point for; -1 where an output was not finite.</summary>
    internal IReadOnlyList<long> Predictions { get; init; } = [];
}

/// <summary>What became of one image.</summary>
/// <param name="WasRight">Whether the network gets the image right without an attack. Otherwise it was not attacked.</param>
/// <param name="BrokenBy">The attack that found a misclassified point, in a sequence the first part that did; null: none did.</param>
/// <param name="Size">How far the point is from the image, in the norm of the threat model.</param>
/// <param name="ForwardPasses">How often it went through the network, clean and as result too; null where an attack does not say.</param>
/// <param name="BackwardPasses">How often its gradient was taken; null where an attack does not say.</param>
public sealed record AttackedPoint(bool WasRight, string? BrokenBy, double Size, long? ForwardPasses, long? BackwardPasses)
{
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
/// <param name="Beyond">How far the attack's own point was moved, where that was not an allowed one; else 0.</param>
/// <param name="MetNotFinite">Whether the attack met logits that are not finite. The point then counts as broken.</param>
/// <param name="GradientFaults">What was amiss with the gradients that the attack met.</param>
/// <param name="Forward">How often the image went forward through the network; null where the attack does not say.</param>
/// <param name="Backward">How often its gradient was taken; null where the attack does not say.</param>
/// <param name="Queries">After how many of its forward passes it was broken, where they were followed.</param>
internal sealed record PartPoint(
    bool Correct, long Prediction, double Size, double Beyond = 0, bool MetNotFinite = false,
    GradientFaults GradientFaults = GradientFaults.None, long? Forward = null, long? Backward = null, long? Queries = null)
{
    public float[]? Logits { get; init; }
}
