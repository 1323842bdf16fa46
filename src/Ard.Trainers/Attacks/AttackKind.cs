namespace Ard.Trainers.Attacks;

/// <summary>How an attack finds its points.</summary>
public enum AttackKind
{
    /// <summary>By the network's own gradient, in many steps.</summary>
    Gradient,

    /// <summary>By the network's own gradient, in one step.</summary>
    OneStep,

    /// <summary>From the network's outputs alone, without a gradient.</summary>
    GradientFree,

    /// <summary>By the gradient of another network.</summary>
    Transferred,
}
