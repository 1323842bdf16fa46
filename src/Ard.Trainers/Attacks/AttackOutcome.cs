using static TorchSharp.torch;

namespace Ard.Trainers.Attacks;

/// <summary>What an attack found.</summary>
/// <param name="Points">
/// [N,...]: one allowed point for each image; the clean image where the network was wrong without an attack. Belongs to the dispose scope
/// of the caller.
/// </param>
/// <param name="Each">One entry an image, in their order.</param>
public sealed record AttackOutcome(Tensor Points, IReadOnlyList<AttackedPoint> Each);

/// <summary>What one attack found on some images, with what it did amiss.</summary>
/// <param name="Points">Allowed points [N,...]: those that are beyond what is allowed were projected back.</param>
/// <param name="Logits">The logits there [N,classes].</param>
/// <param name="Passes">Each image's passes; null where the attack does not say.</param>
/// <param name="MetNotFinite">For each image whether the attack met logits that are not finite, there or on its way.</param>
/// <param name="GradientFaults">For each image what was amiss with the gradients that the attack met.</param>
/// <param name="Beyond">For each image whether the attack's own point was not an allowed one.</param>
/// <param name="OwnSize">How far the attack's own point was from each image.</param>
internal sealed record AttackAttempt(
    Tensor Points, Tensor Logits, (IReadOnlyList<long> Forward, IReadOnlyList<long> Backward)? Passes, bool[] MetNotFinite,
    GradientFaults[] GradientFaults, bool[] Beyond, double[] OwnSize);

/// <summary>What became of one image.</summary>
/// <param name="WasRight">Whether the network gets the image right without an attack. Otherwise it was not attacked.</param>
/// <param name="BrokenBy">
/// The attack that found a misclassified point, in a sequence the first part that did; null where none did.
/// </param>
/// <param name="Size">How far the point is from the image, in the norm of the threat model.</param>
/// <param name="ForwardPasses">
/// How often the image went through the network, the look at the clean image and at the result included; null where an attack does not say.
/// </param>
/// <param name="BackwardPasses">How often its gradient was taken; null where an attack does not say.</param>
public sealed record AttackedPoint(bool WasRight, string? BrokenBy, double Size, long? ForwardPasses, long? BackwardPasses)
{
    /// <summary>Whether the network gets it right, also after the attack.</summary>
    public bool IsRight => WasRight && BrokenBy is null;
}
