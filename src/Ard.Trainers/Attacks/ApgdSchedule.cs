using static Ard.Trainers.Attacks.StepTensors;

namespace Ard.Trainers.Attacks;

/// <summary>Where APGD goes from gradients, and what follows from its losses. It is made in the scope outside that of a step.</summary>
internal abstract class ApgdSchedule(ThreatModel threat, int interval)
{
    private int sinceCheck;

    protected ThreatModel Threat { get; } = threat;
    protected int Interval { get; set; } = Math.Max(interval, 1);

    /// <summary>The length of each point's next step [n].</summary>
    public abstract Tensor StepSize { get; }

    /// <summary>The schedule of a run that begins at these points with these losses [n]; see <see cref="ApgdRun.Search"/>.</summary>
    public static ApgdSchedule Create(
        ApgdOptions options, int steps, ThreatModel threat, Tensor loss, Tensor start, Tensor images, bool dense) =>
        threat.Norm == Norm.L1
            ? new SparseSchedule(steps, threat, loss, start, images, dense)
            : new HalvingSchedule(options.Rho, steps, threat, loss);

    /// <summary>Where points [n,...] go next; <paramref name="previous"/>, the points before, is null in the first step.</summary>
    public abstract Tensor Next(Tensor points, Tensor? previous, Tensor gradient, Tensor images);

    /// <summary>Looks at the losses after a step, and at the best so far and where they were.</summary>
    /// <returns>Which points must go back to their best one, bool [n]; null where it is not the time to check.</returns>
    public Tensor? Review(Tensor loss, Tensor bestLoss, Tensor best, Tensor images)
    {
        Observe(loss);
        if (++sinceCheck < Interval) return null;
        sinceCheck = 0;
        return Check(bestLoss, best, images);
    }

    /// <summary>Goes on with the points of these places in the run, int64.</summary>
    public abstract void Keep(Tensor places);

    protected virtual void Observe(Tensor loss) { }
    protected abstract Tensor Check(Tensor bestLoss, Tensor best, Tensor images);
}

/// <summary>
/// Linf and L2 (Croce and Hein, ICML 2020, section 3): steps with momentum, at first of two epsilon. Where the loss grew too seldom since
/// the last check, or the best loss not at all though the step was not halved then, it is halved and the search goes on from the best
/// point. Checks come after 0.22 of the steps, then sooner and sooner.
/// </summary>
internal sealed class HalvingSchedule(double rho, int steps, ThreatModel threat, Tensor loss) : ApgdSchedule(threat, (int)(0.22 * steps))
{
    // Weight of the new step against the last one: section 3.1.
    private const double Momentum = 0.75;

    private readonly int sooner = Math.Max((int)(0.03 * steps), 1), shortest = Math.Max((int)(0.06 * steps), 1);
    private Tensor size = FullLike(loss, 2 * threat.Epsilon), increases = zeros_like(loss), bestLossAtCheck = loss.clone();
    private Tensor halved = ones_like(loss, dtype: ScalarType.Bool);

    // As in the reference implementation, by which results are compared: the first loss counts as an increase where it is positive,
    // whatever it was at the start.
    private Tensor lastLoss = zeros_like(loss);

    public override Tensor StepSize => size;

    public override Tensor Next(Tensor points, Tensor? previous, Tensor gradient, Tensor images)
    {
        var step = Threat.SteepestAscent(gradient).mul_(ThreatModel.PerPoint(size, points));
        var next = Threat.Project(step.Add_(points), images);
        if (previous is null) return next;
        return Threat.Project(next.sub_(points).Mul_(Momentum).AddScaled_(points - previous, 1 - Momentum).Add_(points), images);
    }

    public override void Keep(Tensor places)
    {
        Select(ref size, ref increases, ref lastLoss, places);
        Select(ref bestLossAtCheck, places);
        Select(ref halved, places);
    }

    protected override void Observe(Tensor loss)
    {
        increases.Add_(loss.gt(lastLoss));
        lastLoss.copy_(loss);
    }

    protected override Tensor Check(Tensor bestLoss, Tensor best, Tensor images)
    {
        var stalled = halved.logical_not().logical_and_(bestLossAtCheck.ge(bestLoss));
        var halve = increases.Le(rho * Interval).logical_or_(stalled);
        size.copy_(where(halve, size.Over(2), size));
        halved.copy_(halve);
        bestLossAtCheck.copy_(bestLoss);
        increases.zero_();
        Interval = Math.Max(Interval - sooner, shortest);
        return halve;
    }
}

/// <summary>
/// L1 (Croce and Hein, ICML 2021, algorithm 1): steps along few values, without momentum, at first of epsilon. At each check, every 0.04 of
/// the steps, their number becomes two thirds of what the best point has changed. Where that is fewer by a twentieth, the search goes on
/// there with steps of epsilon; elsewhere the step shrinks by a third, to a tenth of epsilon at least.
/// </summary>
internal sealed class SparseSchedule : ApgdSchedule
{
    private const double Shrink = 1.5, Shortest = 0.1, FewerThan = 0.95;
    private readonly double values;
    private Tensor size, share, changed;

    public SparseSchedule(int steps, ThreatModel threat, Tensor loss, Tensor start, Tensor images, bool dense)
        : base(threat, (int)(0.04 * steps))
    {
        values = images.numel() / images.shape[0];
        size = FullLike(loss, threat.Epsilon);
        var count = FullLike(loss, values, dtype: ScalarType.Float64);
        changed = dense ? count : Changed(start, images);
        share = dense ? FullLike(count, 0.2) : Share(changed);
    }

    public override Tensor StepSize => size;

    public override Tensor Next(Tensor points, Tensor? previous, Tensor gradient, Tensor images) =>
        Threat.Project(L1Ball.SparseAscent(gradient, share).mul_(ThreatModel.PerPoint(size, points)).Add_(points), images);

    public override void Keep(Tensor places) => Select(ref size, ref share, ref changed, places);

    protected override Tensor Check(Tensor bestLoss, Tensor best, Tensor images)
    {
        var now = Changed(best, images);
        var fewer = (now / changed).Lt(FewerThan);
        size.copy_(where(fewer, FullLike(size, Threat.Epsilon), size.Over(Shrink).ClampMin(Shortest * Threat.Epsilon)));
        share.copy_(Share(now));
        changed.copy_(now);
        return fewer;
    }

    private Tensor Share(Tensor count) => count.Over(values * 1.5);

    // How many values of each point differ from the image: [n], float64.
    private static Tensor Changed(Tensor points, Tensor images) => points.ne(images).flatten(1).sum(1).to(ScalarType.Float64);
}
