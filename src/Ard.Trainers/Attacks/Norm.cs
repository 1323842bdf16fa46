namespace Ard.Trainers.Attacks;

/// <summary>How the size of a perturbation is measured, point by point, over all of the point's values.</summary>
public enum Norm
{
    /// <summary>The largest absolute change of a value.</summary>
    Linf,

    /// <summary>The Euclidean length of the change.</summary>
    L2,

    /// <summary>The sum of the absolute changes. Not all attacks can do it: see <see cref="Attack.Norms"/>.</summary>
    L1,
}
