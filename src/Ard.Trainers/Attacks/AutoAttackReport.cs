using static TorchSharp.torch;

namespace Ard.Trainers.Attacks;

/// <summary>What <see cref="AutoAttack.Evaluate"/> found.</summary>
/// <param name="Threat">What the adversary was allowed to do.</param>
/// <param name="Attacks">The attacks, in the order in which they were run.</param>
/// <param name="Points">One entry an image, in their order.</param>
/// <param name="Perturbed">
/// [N,...]: the point that was misclassified, or the clean image where none was found. Belongs to the dispose scope of the caller.
/// </param>
public sealed record AutoAttackReport(
    ThreatModel Threat, IReadOnlyList<string> Attacks, IReadOnlyList<AutoAttackPoint> Points, Tensor Perturbed)
{
    /// <summary>The share of images that the network gets right without an attack, from 0 to 1; NaN where there are none.</summary>
    public double CleanAccuracy => Share(Points.Count(point => point.IsCleanRight));

    /// <summary>The share of images that the network gets right under every attack, from 0 to 1; NaN where there are none.</summary>
    public double RobustAccuracy => Share(Points.Count(point => point.IsRobust));

    /// <summary>Which images are still right after an attack and all before it.</summary>
    /// <param name="attack">Its name, such as <c>apgd-ce</c>.</param>
    /// <exception cref="KeyNotFoundException">It was not run; the message names those that were.</exception>
    public IReadOnlyList<bool> RobustAfter(string attack)
    {
        var place = Attacks.ToList().IndexOf(attack);
        if (place < 0) throw new KeyNotFoundException($"No result for '{attack}': found {string.Join(", ", Attacks)}.");
        var before = Attacks.Take(place + 1).ToHashSet();
        return [.. Points.Select(point => point.IsCleanRight && (point.BrokenBy is null || !before.Contains(point.BrokenBy)))];
    }

    private double Share(int count) => Points.Count == 0 ? double.NaN : (double)count / Points.Count;
}

/// <summary>What became of one image.</summary>
/// <param name="IsCleanRight">Whether the network gets the image right without an attack. Otherwise it was not attacked.</param>
/// <param name="BrokenBy">The first attack that found a misclassified point; null where none did.</param>
/// <param name="Size">How far that point is from the image, in the norm of the threat model; 0 where there is none.</param>
/// <param name="ForwardPasses">How often the image went through the network; null where an attack does not say.</param>
/// <param name="BackwardPasses">How often its gradient was taken; null where an attack does not say.</param>
public sealed record AutoAttackPoint(bool IsCleanRight, string? BrokenBy, double Size, long? ForwardPasses, long? BackwardPasses)
{
    /// <summary>Whether the network gets it right, also under every attack.</summary>
    public bool IsRobust => IsCleanRight && BrokenBy is null;
}

/// <summary>How far an <see cref="AutoAttack"/> has come.</summary>
/// <param name="Attack">The attack that is running.</param>
/// <param name="Done">How many images it has been through.</param>
/// <param name="Total">How many it has to go through.</param>
/// <param name="Robust">How many images are still right.</param>
public sealed record AutoAttackProgress(string Attack, int Done, int Total, int Robust);
