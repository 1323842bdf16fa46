using static Ard.Trainers.Attacks.StepTensors;

namespace Ard.Trainers.Attacks;

/// <summary>
/// Auto-PGD (Croce and Hein, ICML 2020; L1: ICML 2021): projected gradient ascent with momentum that chooses its own step sizes and goes
/// back to the best point when progress stops. Misclassified images leave the batch; restarts and further targets run on the others. It
/// returns the first misclassified point, else that of the largest loss.
/// </summary>
/// <param name="options">The settings; default those of AutoAttack's APGD-CE: cross-entropy, 100 steps, one random start.</param>
internal sealed class Apgd(ApgdOptions? options = null) : Attack<ApgdOptions>(options)
{
    // Radii in units of epsilon, and the shares of the steps that go there.
    private static readonly (double Radius, double Share)[] LargerRadii = [(3, 0.3), (2, 0.3), (1, 0.4)];

    /// <summary>Such as <c>apgd-t</c>, or <c>apgd-ce-50x5</c> with other numbers than 100 of steps and one of starts.</summary>
    public override string Name => "apgd-" + Options.Loss switch
    {
        ApgdLoss.CrossEntropy => "ce",
        ApgdLoss.Dlr => "dlr",
        ApgdLoss.ProbabilityMargin => "pm",
        _ => Options.NearestTargets ? "malt" : "t",
    } + AttackCatalog.Figures(Options.Steps, standard: 100, Options.Restarts);

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
                Keep(worst.Broken.index_select(0, rows).logical_not(), ref rows, ref noise);
            }
        }
        return worst.Points;
    }

    private void Run(AttackTarget target, ApgdBatch batch, ThreatModel threat, WorstPoints worst, PointNoise noise, Tensor? start)
    {
        var dense = start is null && !Options.LargerRadii;
        var stepsLeft = Options.Steps;
        foreach (var (radius, share) in Options.LargerRadii ? LargerRadii : [(1, 1)])
        {
            var ball = new ThreatModel(threat.Norm, radius * threat.Epsilon);
            var last = radius == 1;
            var steps = last ? stepsLeft : (int)Math.Ceiling(share * Options.Steps);
            stepsLeft -= steps;
            start = ball.Project(start ?? RandomStart(batch.Images, ball, noise), batch.Images);
            start = ApgdRun.Search(target, Options, steps, ball, last ? worst : null, batch, start, dense);
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

    /// <summary>The margin of probabilities, max of the others - p_y with p the softmax, the loss of PMA (Xie et al., CVPR 2025).</summary>
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
    /// For the targeted loss: whether classes come in the order of how near their boundary would be, were the network linear at the clean
    /// image, among the 100 of the largest logits (MALT: Melamed et al., NeurIPS 2024), at a backward pass each. Default false: of the
    /// logits.
    /// </summary>
    public bool NearestTargets { get; init; }

    /// <summary>The share of steps between checks on which the loss must grow, or the step is halved (Linf, L2). Default 0.75.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double Rho { get; init; } = 0.75;

    /// <summary>
    /// Whether three tenths of the steps each first go into balls of 3 and 2 epsilon, and the rest begin at the best point there, projected
    /// (Croce and Hein, ICML 2021, section 4.2). Default false; AutoAttack uses it for L1.
    /// </summary>
    public bool LargerRadii { get; init; }

    /// <summary>The point returned: <see cref="KeptPoint.FirstBroken"/> (default) or <see cref="KeptPoint.Worst"/> of all steps.</summary>
    public KeptPoint Keep { get; init; } = KeptPoint.FirstBroken;

    /// <summary>Points [N,...] at which the first run (of each target) begins, projected; to repeat recorded runs.</summary>
    internal Tensor? Start { get; init; }

    /// <summary>Called with the start of every run and after each step; the tensors are valid during the call only.</summary>
    internal Action<ApgdStep>? Observer { get; init; }

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (LargerRadii && Steps < 3) yield return new($"Steps is {Steps}, expected 3 or more with LargerRadii");
        if (Keep == KeptPoint.Last) yield return new("Keep is Last, expected FirstBroken or Worst");
    }
}

/// <summary>Where a run stands, 0 at the start, i after step i, for each row still in it; the step size is the last one's.</summary>
internal readonly record struct ApgdStep(
    int Step, Tensor Rows, Tensor Loss, Tensor BestLoss, Tensor BestPoints, Tensor StepSize, Tensor Broken);

/// <summary>The images of a run of <see cref="Apgd"/>, their rows in the attack's batch, and for the targeted loss its classes.</summary>
internal sealed record ApgdBatch(Tensor Rows, Tensor Images, Tensor Labels, Tensor? Targets);

/// <summary>One run of APGD: the loop. Its fields have a row for each image that is still in the run.</summary>
internal sealed class ApgdRun
{
    private readonly AttackTarget target;
    private readonly ApgdOptions options;
    private readonly WorstPoints? worst;
    private Tensor rows, images, labels;
    private Tensor? targets, previous;
    // Where the search is, and the best of where it has been.
    private Tensor points, gradient, loss, broken;
    private Tensor best, bestGradient, bestLoss;

    private ApgdRun(AttackTarget target, ApgdOptions options, WorstPoints? worst, ApgdBatch batch, Tensor start)
    {
        (this.target, this.options, this.worst) = (target, options, worst);
        (rows, images, labels, targets) = (batch.Rows.alias(), batch.Images.alias(), batch.Labels.alias(), batch.Targets?.alias());
        points = start.alias();
        (loss, broken, var first) = Measure(backward: true);
        gradient = first!;
        (best, bestGradient, bestLoss) = (points.alias(), gradient.alias(), loss.alias());
    }

    /// <summary>
    /// Steps, threat model and start, an allowed point, are those of this run. <paramref name="worst"/>, to which points are offered, is
    /// null in a warm-up. <paramref name="dense"/>: the start is noise, so that the number of values that it changes says nothing.
    /// </summary>
    /// <returns>The points of the largest loss, of the images that have not left.</returns>
    public static Tensor Search(
        AttackTarget target, ApgdOptions options, int steps, ThreatModel threat, WorstPoints? worst, ApgdBatch batch, Tensor start,
        bool dense)
    {
        using var scope = NewDisposeScope();
        var run = new ApgdRun(target, options, worst, batch, start);
        run.Loop(steps, ApgdSchedule.Create(options, steps, threat, run.loss, start, run.images, dense));
        return run.best.MoveToOuterDisposeScope();
    }

    private void Loop(int steps, ApgdSchedule schedule)
    {
        Report(0, schedule.StepSize);
        // What was measured is recorded before a check moves the points.
        for (var step = 1; OfferAndLeave(schedule) && step <= steps; step++)
        {
            using var scope = NewDisposeScope();
            if (step > 1 && schedule.Review(loss, bestLoss, best, images) is { } back)
            {
                Replace(ref points, where(ThreatModel.PerPoint(back, points), best, points));
                Replace(ref gradient, where(ThreatModel.PerPoint(back, points), bestGradient, gradient));
            }
            var next = schedule.Next(points, previous, gradient, images);
            previous?.Dispose();
            (previous, points) = (points, next.MoveToOuterDisposeScope());
            var (newLoss, newBroken, newGradient) = Measure(backward: step < steps);
            Replace(ref loss, newLoss);
            Replace(ref broken, newBroken);

            var better = loss.gt(bestLoss);
            Replace(ref best, where(ThreatModel.PerPoint(better, points), points, best));
            Replace(ref bestLoss, where(better, loss, bestLoss));
            Report(step, schedule.StepSize);
            // The last points need no gradient.
            if (newGradient is null) continue;
            Replace(ref gradient, newGradient);
            Replace(ref bestGradient, where(ThreatModel.PerPoint(better, points), gradient, bestGradient));
        }
        if (Leaves) worst?.Offer(rows, best, bestLoss, zeros_like(broken));
    }

    // Loss, whether misclassified, and the gradient, at the current points.
    private (Tensor Loss, Tensor Broken, Tensor? Gradient) Measure(bool backward)
    {
        // The means of random outputs are only known together.
        if (backward || target.Samples > 1)
        {
            var (logits, its, slope) = target.Measure(Losses, points, rows);
            return (its, logits.argmax(1).ne(labels), slope);
        }
        var last = target.Logits(points, rows);
        return (Losses(last), last.argmax(1).ne(labels), null);
    }

    private Tensor Losses(Tensor logits) => options.Loss switch
    {
        ApgdLoss.CrossEntropy => AttackLosses.CrossEntropy(logits, labels),
        ApgdLoss.Dlr => AttackLosses.Dlr(logits, labels),
        ApgdLoss.ProbabilityMargin => AttackLosses.ProbabilityMargin(logits, labels),
        _ => AttackLosses.TargetedDlr(logits, labels, targets!),
    };

    // Where outputs are random, the first broken point may be broken by chance.
    private bool Leaves => options.Keep == KeptPoint.FirstBroken && target.Samples == 1;

    // Offers the current points; where broken ones leave, says whether any image is left.
    private bool OfferAndLeave(ApgdSchedule schedule)
    {
        if (!Leaves) worst?.Offer(rows, points, loss, broken);
        if (worst is null || !Leaves) return true;
        using var scope = NewDisposeScope();
        var left = broken.logical_not().nonzero().flatten();
        if (left.shape[0] == rows.shape[0]) return true;
        var gone = broken.nonzero().flatten();
        worst.Offer(rows.index_select(0, gone), points.index_select(0, gone), loss.index_select(0, gone), broken.index_select(0, gone));
        Select(ref rows, ref images, ref labels, left);
        Select(ref points, ref gradient, ref loss, left);
        Select(ref best, ref bestGradient, ref bestLoss, left);
        Select(ref broken, left);
        if (targets is not null) Select(ref targets, left);
        if (previous is not null) Select(ref previous, left);
        schedule.Keep(left);
        return left.shape[0] > 0;
    }

    private void Report(int step, Tensor stepSize) =>
        options.Observer?.Invoke(new ApgdStep(step, rows, loss, bestLoss, best, stepSize, broken));
}
