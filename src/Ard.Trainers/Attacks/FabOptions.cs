using System.ComponentModel.DataAnnotations;

namespace Ard.Trainers.Attacks;

/// <summary>The settings of <see cref="Fab"/>. The defaults are those of AutoAttack but for <see cref="FinalSearch"/>.</summary>
public sealed record FabOptions
{
    /// <summary>
    /// Whether one class at a time is aimed at, at one backward pass a step, instead of the class whose boundary is nearest, which takes a
    /// backward pass a class. Default false.
    /// </summary>
    public bool Targeted { get; init; }

    /// <summary>
    /// How many classes are aimed at one after the other, from the highest clean logit down, the true class left out; all of them where the
    /// network has no more. Read only when <see cref="Targeted"/>. Default 9, as in AutoAttack.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int Targets { get; init; } = 9;

    /// <summary>The number of steps in a restart. Default 100.</summary>
    [Range(1, int.MaxValue)]
    public int Steps { get; init; } = 100;

    /// <summary>
    /// How often the attack is run (at each class): first from the clean image, then from random starts. Default 1, which draws no random
    /// number.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int Restarts { get; init; } = 1;

    /// <summary>The largest share of a step that is taken from the clean image's projection, in [0,1]. Default 0.1, alpha_max.</summary>
    [Range(0.0, 1.0)]
    public double AlphaMax { get; init; } = 0.1;

    /// <summary>How far beyond the hyperplane a step goes, at least 1. Default 1.05, eta.</summary>
    [Range(1, double.MaxValue)]
    public double Eta { get; init; } = 1.05;

    /// <summary>
    /// What is left of the perturbation when a misclassified point is pulled back towards the clean image, above 0 and below 1.
    /// Default 0.9, beta.
    /// </summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true, MaximumIsExclusive = true)]
    public double Beta { get; init; } = 0.9;

    /// <summary>
    /// How many steps of the search for the boundary between the clean image and the closest point found. Default 3, as in the paper
    /// (section 3.3); AutoAttack leaves it out. It only ever brings a point closer.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int FinalSearch { get; init; } = 3;

    /// <summary>
    /// Whether a point leaves the batch as soon as one is found within the budget. The same points count as robust, for less work, but the
    /// points found are not the closest. Default false.
    /// </summary>
    public bool StopWithinBudget { get; init; }
}
