using Ard.Trainers.Settings;

namespace Ard.Trainers.Attacks;

/// <summary>
/// Auto-PGD (Croce and Hein, ICML 2020; L1: Croce and Hein, ICML 2021): projected gradient ascent with momentum that chooses its own step
/// sizes and goes back to the best point when progress stops. An image leaves the batch when it is misclassified; restarts and further
/// targets run on those that are left. It returns the first misclassified point, or else the one of the largest loss.
/// </summary>
/// <param name="options">The settings; default those of AutoAttack's APGD-CE: cross-entropy, 100 steps, one random start.</param>
/// <exception cref="ArgumentException">A setting is wrong.</exception>
internal sealed class Apgd(ApgdOptions? options = null) : Attack
{
    // Radii in units of epsilon, and the shares of the steps that go there.
    private static readonly (double Radius, double Share)[] LargerRadii = [(3, 0.3), (2, 0.3), (1, 0.4)];

    public ApgdOptions Options { get; } = (options ?? new()).Validated();

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

    public override string Description => $"{Name}: {OptionsText.Line(Options)}";

    /// <summary>All of them.</summary>
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
