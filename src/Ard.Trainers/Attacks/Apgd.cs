using System.ComponentModel.DataAnnotations;

namespace Ard.Trainers.Attacks;

/// <summary>
/// Auto-PGD (Croce and Hein, ICML 2020; L1: Croce and Hein, ICML 2021): projected gradient ascent with momentum that chooses its own step
/// sizes and goes back to the best point when progress stops. An image leaves the batch when it is misclassified; restarts and further
/// targets run on those that are left. It returns the first misclassified point, or else the one of the largest loss.
/// </summary>
/// <param name="options">The settings; default those of AutoAttack's APGD-CE: cross-entropy, 100 steps, one random start.</param>
internal sealed class Apgd(ApgdOptions? options = null) : Attack<ApgdOptions>(options)
{
    // Radii in units of epsilon, and the shares of the steps that go there.
    private static readonly (double Radius, double Share)[] LargerRadii = [(3, 0.3), (2, 0.3), (1, 0.4)];

    /// <summary>
    /// <c>apgd-ce</c>, <c>apgd-dlr</c>, <c>apgd-pm</c>, <c>apgd-t</c> or, with the nearest targets, <c>apgd-malt</c>; with another number
    /// of steps than 100 or of starts than one, such as <c>apgd-ce-50x5</c>.
    /// </summary>
    public override string Name
    {
        get
        {
            var loss = Options.Loss switch
            {
                ApgdLoss.CrossEntropy => "ce",
                ApgdLoss.Dlr => "dlr",
                ApgdLoss.ProbabilityMargin => "pm",
                _ => Options.NearestTargets ? "malt" : "t",
            };
            if (Options is { Steps: 100, Restarts: 1 }) return $"apgd-{loss}";
            return $"apgd-{loss}-{Options.Steps}" + (Options.Restarts > 1 ? $"x{Options.Restarts}" : "");
        }
    }

    internal override int FewestClasses => Options.Loss switch
    {
        ApgdLoss.Dlr => AttackLosses.DlrClasses,
        ApgdLoss.TargetedDlr => AttackLosses.TargetedDlrClasses,
        _ => 0,
    };

    internal override int Targets => Options.Loss == ApgdLoss.TargetedDlr ? Options.Targets : 0;
    public override IReadOnlyList<Norm> Norms { get; } = [Norm.Linf, Norm.L2, Norm.L1];

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        var worst = new WorstPoints(images);
        // The images that are still to be broken.
        var rows = Arange(images.shape[0], dtype: ScalarType.Int64, device: images.device);
        var targets = Options switch
        {
            { Loss: not ApgdLoss.TargetedDlr } => null,
            { NearestTargets: true } => TargetClass.Nearest(target, images, labels, Options.Targets, threat),
            _ => TargetClass.RunnersUp(target.Logits(images), labels, Options.Targets),
        };
        for (var aim = 0; aim < (targets?.shape[1] ?? 1); aim++)
        {
            for (var restart = 0; restart < Options.Restarts && rows.shape[0] > 0; restart++)
            {
                using var scope = NewDisposeScope();
                var batch = new ApgdBatch(
                    rows,
                    images.index_select(0, rows),
                    labels.index_select(0, rows),
                    targets?.select(1, aim).index_select(0, rows));
                Run(target, batch, threat, worst, noise, restart == 0 ? Options.Start?.index_select(0, rows) : null);
                if (Options.Keep == KeptPoint.Worst) continue;
                var left = StepTensors.TruePlaces(worst.Broken.index_select(0, rows).logical_not());
                rows = rows.index_select(0, StepTensors.Index(left, rows)).MoveToOuterDisposeScope();
                noise = noise.Select(left);
            }
        }
        return worst.Points;
    }

    private void Run(
        AttackTarget target, ApgdBatch batch, ThreatModel threat, WorstPoints worst, PointNoise noise, Tensor? start)
    {
        var random = start is null;
        if (!Options.LargerRadii)
        {
            start = threat.Project(start ?? RandomStart(batch.Images, threat, noise), batch.Images);
            ApgdRun.Search(target, Options, Options.Steps, threat, worst, batch, start, dense: random);
            return;
        }
        var stepsLeft = Options.Steps;
        foreach (var (radius, share) in LargerRadii)
        {
            var ball = new ThreatModel(threat.Norm, radius * threat.Epsilon);
            var last = radius == 1;
            var steps = last ? stepsLeft : (int)Math.Ceiling(share * Options.Steps);
            stepsLeft -= steps;
            start = ball.Project(start ?? RandomStart(batch.Images, ball, noise), batch.Images);
            start = ApgdRun.Search(target, Options, steps, ball, last ? worst : null, batch, start, dense: false);
        }
    }

    // On the surface of the ball: for Linf noise of which the largest value is epsilon, for L2 of length epsilon, for L1 (which the
    // projection makes sparse) any.
    private static Tensor RandomStart(Tensor images, ThreatModel threat, Noise noise)
    {
        var random = threat.Norm == Norm.Linf ? noise.Uniform(images) : noise.Normal(images);
        if (threat.Norm == Norm.L1) return random.Add_(images);
        var direction = threat.Norm == Norm.Linf
            ? random.div_(ThreatModel.PerPoint(random.abs().flatten(1).amax(1).Add_(1e-12), images))
            : threat.SteepestAscent(random);
        return direction.Mul_(threat.Epsilon).Add_(images);
    }
}

/// <summary>What <see cref="Apgd"/> makes large.</summary>
public enum ApgdLoss
{
    /// <summary>Cross-entropy: APGD-CE.</summary>
    CrossEntropy,

    /// <summary>The difference of logits ratio, <see cref="AttackLosses.Dlr"/>: APGD-DLR.</summary>
    Dlr,

    /// <summary>The targeted ratio, <see cref="AttackLosses.TargetedDlr"/>, one class after another: APGD-T.</summary>
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

    /// <summary>For the targeted loss: how many classes to aim at, those of the largest clean logits, if there are. Default 9.</summary>
    [Range(1, int.MaxValue)]
    public int Targets { get; init; } = 9;

    /// <summary>
    /// For the targeted loss: whether the classes come in the order of how near their boundary would be if the network were linear at the
    /// clean image, among the 100 of the largest logits (MALT: Melamed, Yehudai and Shamir, "MALT powers up adversarial attacks", NeurIPS
    /// 2024). Costs a backward pass for each of them. Default false: in the order of the logits.
    /// </summary>
    public bool NearestTargets { get; init; }

    /// <summary>The share of steps between checks on which the loss must grow, or the step is halved (Linf, L2). Default 0.75.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double Rho { get; init; } = 0.75;

    /// <summary>
    /// Whether three tenths of the steps each go into balls of three and two times epsilon first, and the rest begin at the best point
    /// found there, projected (Croce and Hein, ICML 2021, section 4.2). Default false; AutoAttack uses it for L1.
    /// </summary>
    public bool LargerRadii { get; init; }

    /// <summary>The point returned: <see cref="KeptPoint.FirstBroken"/> (default) or <see cref="KeptPoint.Worst"/> of all steps.</summary>
    public KeptPoint Keep { get; init; } = KeptPoint.FirstBroken;

    /// <summary>
    /// Points [N,...] at which the first run (of each target) begins, projected; to repeat recorded runs. Default random.
    /// </summary>
    internal Tensor? Start { get; init; }

    /// <summary>Called with the start of every run and after each step; the tensors are valid during the call only.</summary>
    internal Action<ApgdStep>? Observer { get; init; }

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (LargerRadii && Steps < 3) yield return new($"Steps is {Steps}, expected 3 or more with LargerRadii");
        if (Keep == KeptPoint.Last) yield return new("Keep is Last, expected FirstBroken or Worst");
    }
}

/// <summary>
/// Where a run of <see cref="Apgd"/> stands, 0 at the start, i after step i, for each of the rows that are still in it. The step size is
/// that of the step just taken, at the start of the first one.
/// </summary>
internal readonly record struct ApgdStep(
    int Step, Tensor Rows, Tensor Loss, Tensor BestLoss, Tensor BestPoints, Tensor StepSize, Tensor Broken);
