using System.ComponentModel.DataAnnotations;

namespace Ard.Trainers.Attacks;

/// <summary>What <see cref="Apgd"/> makes large.</summary>
public enum ApgdLoss
{
    /// <summary>Cross-entropy: APGD-CE.</summary>
    CrossEntropy,

    /// <summary>The difference of logits ratio, <see cref="AttackLosses.Dlr"/>: APGD-DLR.</summary>
    Dlr,

    /// <summary>
    /// The targeted ratio, <see cref="AttackLosses.TargetedDlr"/>, one class after another: APGD-T.
    /// </summary>
    TargetedDlr,

    /// <summary>The margin of probabilities, <see cref="AttackLosses.ProbabilityMargin"/>, the loss of PMA.</summary>
    ProbabilityMargin,
}

/// <summary>The settings of <see cref="Apgd"/>. The defaults are those of AutoAttack's reference implementation.</summary>
public sealed record ApgdOptions : IValidatableObject
{
    /// <summary>What is made large. Default cross-entropy.</summary>
    public ApgdLoss Loss { get; init; } = ApgdLoss.CrossEntropy;

    /// <summary>The number of gradient steps in a run. Default 100.</summary>
    [Range(1, int.MaxValue)]
    public int Steps { get; init; } = 100;

    /// <summary>The number of runs, each from another random start; for the targeted loss, of each target. Default 1.</summary>
    [Range(1, int.MaxValue)]
    public int Restarts { get; init; } = 1;

    /// <summary>
    /// For the targeted loss: how many classes to aim at, in the falling order of their logits at the clean image, and no more than there
    /// are besides the true one. Default 9.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int Targets { get; init; } = 9;

    /// <summary>
    /// For the targeted loss: whether the classes come in the order of how near their boundary would be if the network were linear at the
    /// clean image, among the 100 of the largest logits (MALT: Melamed, Yehudai and Shamir, "MALT powers up adversarial attacks", NeurIPS
    /// 2024). Costs a backward pass for each of them. Default false: in the order of the logits.
    /// </summary>
    public bool NearestTargets { get; init; }

    /// <summary>
    /// The share of steps between two checks on which the loss must grow, or else the step is halved (Linf and L2). Default 0.75.
    /// </summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double Rho { get; init; } = 0.75;

    /// <summary>
    /// Whether three tenths of the steps each go into balls of three and two times epsilon first, and the rest begin at the best point
    /// found there, projected (Croce and Hein, ICML 2021, section 4.2). Default false; AutoAttack uses it for L1.
    /// </summary>
    public bool LargerRadii { get; init; }

    /// <summary>
    /// Which point is returned: <see cref="KeptPoint.FirstBroken"/> (default) or <see cref="KeptPoint.Worst"/>, which runs on with points
    /// that are already misclassified.
    /// </summary>
    public KeptPoint Keep { get; init; } = KeptPoint.FirstBroken;

    /// <summary>
    /// Points [N,...] from which the first run (of each target, with the targeted loss) begins, projected; for comparisons with recorded
    /// runs. Default null: a random start.
    /// </summary>
    internal Tensor? Start { get; init; }

    /// <summary>
    /// Called with the start of every run and after each of its steps. The tensors are valid during the call only. Default null.
    /// </summary>
    internal Action<ApgdStep>? Observer { get; init; }

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (LargerRadii && Steps < 3) yield return new($"Steps is {Steps}, expected 3 or more with LargerRadii");
        if (Keep == KeptPoint.Last) yield return new("Keep is Last, expected FirstBroken or Worst");
    }
}

/// <summary>Where a run of <see cref="Apgd"/> stands.</summary>
/// <param name="Step">0 at the start, i after step i.</param>
/// <param name="Rows">The images that are still in the run, as rows of the batch: int64 [n].</param>
/// <param name="Loss">The loss at the current points [n].</param>
/// <param name="BestLoss">The largest loss so far [n].</param>
/// <param name="BestPoints">Where it was [n,...].</param>
/// <param name="StepSize">The length of the step just taken, in units of [0,1] images [n]; at the start of the first step.</param>
/// <param name="Broken">Which of the current points are misclassified [n].</param>
internal readonly record struct ApgdStep(
    int Step, Tensor Rows, Tensor Loss, Tensor BestLoss, Tensor BestPoints, Tensor StepSize, Tensor Broken);
