using System.ComponentModel.DataAnnotations;

namespace Ard.Trainers.Attacks;

/// <summary>Which of the points that it meets an iterative attack returns.</summary>
public enum KeptPoint
{
    /// <summary>
    /// The worst of all iterates of all restarts: a misclassified one before one that is not, and between equals the one with the larger
    /// loss. Costs one forward pass a restart more than <see cref="Last"/>, and never makes an attack weaker.
    /// </summary>
    Worst,

    /// <summary>
    /// The first misclassified iterate; the point then leaves the batch, and later restarts run on the others only. A point that is never
    /// broken gets its iterate of the largest loss. The same points count as robust as with <see cref="Worst"/>, for less work.
    /// </summary>
    FirstBroken,

    /// <summary>
    /// The last iterate, as most released attack code does, even if an earlier one was misclassified. With several restarts, the worst of
    /// the last iterates.
    /// </summary>
    Last,
}

/// <summary>The settings of <see cref="Pgd"/>.</summary>
public sealed record PgdOptions : IValidatableObject
{
    /// <summary>The number of gradient steps in a restart. Default 20, the usual figure of the distillation papers' tables.</summary>
    [Range(1, int.MaxValue)]
    public int Steps { get; init; } = 20;

    /// <summary>
    /// The length of a step in the norm of the threat model, in units of [0,1] images. Default null: a quarter of epsilon, the 2/255 of the
    /// papers at their 8/255.
    /// </summary>
    [Range(0, double.MaxValue, MinimumIsExclusive = true)]
    public double? StepSize { get; init; }

    /// <summary>How often the attack is run, each time from another random start. Default 1.</summary>
    [Range(1, int.MaxValue)]
    public int Restarts { get; init; } = 1;

    /// <summary>
    /// Where it starts. Default uniform in the ball, clamped to [0,1]. <see cref="Start.Clean"/> switches the random start off.
    /// </summary>
    public Start Start { get; init; } = Start.Uniform;

    /// <summary>Which point is returned. Default <see cref="KeptPoint.Worst"/>.</summary>
    public KeptPoint Keep { get; init; } = KeptPoint.Worst;

    /// <summary>
    /// What is made large. Default cross-entropy. With <see cref="AttackLosses.Margin"/> it is the Linf attack of Carlini and Wagner as the
    /// distillation papers use it, 30 steps of it: <c>cw-30</c>.
    /// </summary>
    public Func<Tensor, Tensor, Tensor> Loss { get; init; } = AttackLosses.CrossEntropy;

    /// <summary>
    /// The class to aim at: then the loss with that class for a label is made small instead. A point counts as broken, and is kept for it,
    /// when it is misclassified as whatever class. Default null: away from the true class.
    /// </summary>
    public TargetClass? Target { get; init; }

    /// <summary>
    /// The decay factor μ of accumulated gradients: a step goes along g := μ g + gradient / ‖gradient‖₁ in place of the gradient (Dong et
    /// al., CVPR 2018: see <see cref="MiFgsm"/>). Default 0: the gradient alone.
    /// </summary>
    [Range(0, double.MaxValue)]
    public double Momentum { get; init; }

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (Restarts > 1 && Start == Start.Clean)
            yield return new($"Restarts is {Restarts}, expected 1 when every restart begins at the clean image");
    }
}
