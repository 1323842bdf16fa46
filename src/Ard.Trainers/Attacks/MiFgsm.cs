using System.ComponentModel.DataAnnotations;

namespace Ard.Trainers.Attacks;

/// <summary>
/// The momentum iterative fast gradient sign method (Dong et al., Boosting adversarial attacks with momentum, CVPR 2018, algorithm 1; L2:
/// equation 9): from the clean image, steps along accumulated gradients, each divided by its L1 norm first. It is PGD with
/// <see cref="PgdOptions.Momentum"/>. Draws no random number. Its points carry over to other networks better: see <see cref="Transfer"/>.
/// </summary>
/// <param name="options">The settings; default 20 steps of epsilon/20, decay 1.</param>
internal sealed class MiFgsm(MiFgsmOptions? options = null) : Attack<MiFgsmOptions>(options)
{
    /// <summary><c>mi-fgsm-20</c>; <c>mi-fgsm-20@2/255</c> with a step size that was set.</summary>
    public override string Name => $"mi-fgsm-{Options.Steps}{AttackCatalog.AtStep(Options.StepSize)}";

    public override string Description => $"{base.Description}, {AttackLosses.NameOf(Options.Loss)}";

    public override string Details(ThreatModel threat) =>
        $"{Options.Steps} steps of {AttackCatalog.Text(Options.StepSize ?? threat.Epsilon / Options.Steps)} {Start.Clean}; "
        + AttackCatalog.Text(Options.Keep);

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        var pgd = new Pgd(new PgdOptions
        {
            Steps = Options.Steps,
            StepSize = Options.StepSize ?? threat.Epsilon / Options.Steps,
            Momentum = Options.Decay,
            Start = Start.Clean,
            Keep = Options.Keep,
            Loss = Options.Loss,
        });
        return SearchBy(pgd, target, images, labels, threat, noise);
    }
}

/// <summary>The settings of <see cref="MiFgsm"/>.</summary>
public sealed record MiFgsmOptions
{
    /// <summary>The number of steps. Default 20, the figure of the distillation papers' tables; the paper's own is 10.</summary>
    [Range(1, int.MaxValue)]
    public int Steps { get; init; } = 20;

    /// <summary>The length of a step in the threat model's norm, in [0,1] images. Default null: epsilon / steps, as in the paper.</summary>
    [Range(0, double.MaxValue, MinimumIsExclusive = true)]
    public double? StepSize { get; init; }

    /// <summary>The decay factor μ of what has been accumulated. Default 1, as in the paper; 0 is plain iterative FGSM.</summary>
    [Range(0, double.MaxValue)]
    public double Decay { get; init; } = 1;

    /// <summary>Which point is returned. Default <see cref="KeptPoint.Worst"/>; the paper's is the last.</summary>
    public KeptPoint Keep { get; init; } = KeptPoint.Worst;

    /// <summary>What is made large. Default cross-entropy.</summary>
    public Func<Tensor, Tensor, Tensor> Loss { get; init; } = AttackLosses.CrossEntropy;
}
