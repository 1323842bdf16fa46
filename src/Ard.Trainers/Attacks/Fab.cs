namespace Ard.Trainers.Attacks;

/// <summary>
/// The fast adaptive boundary attack (Croce and Hein, ICML 2020): looks for the misclassified point closest to the clean image. Each step
/// takes the boundary for the hyperplane of the linearised network, projects the current point and the clean image onto it within the box,
/// and goes a little beyond the mean of both; a misclassified point is pulled back towards the clean image.
/// </summary>
/// <remarks>Returns the closest misclassified point within epsilon, else the clean image, as where that is wrong.</remarks>
/// <param name="options">The settings; default untargeted, 100 steps, one run from the clean image.</param>
internal sealed class Fab(FabOptions? options = null) : Attack<FabOptions>(options)
{
    /// <summary><c>fab</c> or <c>fab-t</c>; then the steps where they are not 100, and the restarts where there are several.</summary>
    public override string Name =>
        (Options.Targeted ? "fab-t" : "fab") + AttackCatalog.Figures(Options.Steps, standard: 100, Options.Restarts);

    public override IReadOnlyList<Norm> Norms { get; } = Enum.GetValues<Norm>();
    internal override int Targets => Options.Targeted ? Options.Targets : 0;
    internal override Attack WithoutEarlyStop => new Fab(Options with { StopWithinBudget = false });

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        var logits = target.Logits(images);
        // The loss is the distance, in float64: the worst point is the closest one.
        var closest = new WorstPoints(images, ScalarType.Float64);
        var right = StepTensors.TruePlaces(logits.argmax(1).eq(labels));
        var rows = StepTensors.Index(right, labels);
        noise = noise.Select(right);
        // The other classes, from the highest logit down.
        var others = logits.scatter(1, labels.unsqueeze(1), FullLike(logits, double.NegativeInfinity)).argsort(1, descending: true);
        var aims = Options.Targeted ? Math.Min(Options.Targets, logits.shape[1] - 1) : Math.Min(1, logits.shape[1] - 1);
        for (var aim = 0; aim < aims && rows.shape[0] > 0; aim++)
        {
            for (var restart = 0; restart < Options.Restarts && rows.shape[0] > 0; restart++)
            {
                var clean = images.index_select(0, rows);
                var points = restart == 0 ? clean : RandomStart(clean, Distances());
                for (var step = 0; step < Options.Steps && rows.shape[0] > 0; step++)
                {
                    using var scope = NewDisposeScope();
                    using var previous = points;
                    var truth = labels.index_select(0, rows);
                    clean = images.index_select(0, rows);
                    var aimed = Options.Targeted ? others.select(1, aim).index_select(0, rows) : null;
                    points = Step(target, points, rows, clean, truth, aimed, threat.Norm);
                    var broken = target.Logits(points, rows).argmax(1).ne(truth);
                    Offer(rows, points, broken);
                    points = where(ThreatModel.PerPoint(broken, points), clean.Plus((points - clean).Mul_(Options.Beta)), points);
                    if (Options.StopWithinBudget && StepTensors.Keep(Distances().Gt(threat.Epsilon), ref rows, ref noise) is { } left)
                        points = points.index_select(0, left);
                    points.MoveToOuterDisposeScope();
                }
            }
        }
        Finish(target, images, labels, closest, Offer);
        return closest.Within(threat);

        void Offer(Tensor of, Tensor points, Tensor broken) =>
            closest.Offer(of, points, threat.Size(points, images.index_select(0, of)).neg(), broken);

        // From the clean images to the closest misclassified points of those that are left; infinity where there is none.
        Tensor Distances() => closest.Losses.neg().MaskedFill_(closest.Broken.logical_not(), double.PositiveInfinity).index_select(0, rows);

        // As far from the clean image as half the budget, or half the distance already found.
        Tensor RandomStart(Tensor clean, Tensor distances)
        {
            var radius = distances.ClampMax(threat.Epsilon).Over(2).to(clean.dtype);
            var direction = new ThreatModel(threat.Norm, 1).RandomPerturbation(clean, noise);
            return clean.Plus(direction.mul_(ThreatModel.PerPoint(radius, clean))).Clamp_(0, 1);
        }
    }

    // One step of the paper's algorithm 1 (without the step back).
    private Tensor Step(AttackTarget target, Tensor points, Tensor rows, Tensor clean, Tensor labels, Tensor? aimed, Norm norm)
    {
        var (gap, normal) = Boundary(target, points, rows, labels, aimed, norm);
        var (here, origin) = (points.flatten(1), clean.flatten(1));
        // On the hyperplane, gap + normal · (x - points) is 0.
        var fromHere = HyperplaneProjection.Step(here, normal, -gap, norm);
        var fromClean = HyperplaneProjection.Step(origin, normal, (normal * (here - origin)).sum(1) - gap, norm);
        var (lengthHere, lengthClean) = (Length(fromHere, norm), Length(fromClean, norm));
        var share = (lengthHere / lengthHere.Plus(lengthClean)).ClampMax(Options.AlphaMax);
        var moved = (here.Plus(fromHere.Mul_(Options.Eta)) * 1.Minus(share)).Plus(origin.Plus(fromClean.Mul_(Options.Eta)) * share);
        return moved.Clamp_(0, 1).reshape(points.shape);
    }

    // The linearised boundary to the class aimed at, or to the class whose boundary is nearest: how far that class's logit is above the
    // true one's [n], and the gradient of that [n,d].
    private static (Tensor Gap, Tensor Normal) Boundary(
        AttackTarget target, Tensor points, Tensor rows, Tensor labels, Tensor? aimed, Norm norm)
    {
        using var record = enable_grad();
        var leaf = points.detach().requires_grad_();
        var logits = target.Logits(leaf, rows);
        var truth = labels.unsqueeze(1);
        var gaps = logits - logits.gather(1, truth);
        if (aimed is not null)
        {
            var gap = gaps.gather(1, aimed.unsqueeze(1)).flatten();
            return (gap.detach(), target.Gradient(gap, leaf, rows).flatten(1));
        }

        var nearest = points.NewFull([points.shape[0]], double.PositiveInfinity);
        var (nearestGap, normal) = (zeros_like(nearest), zeros_like(points).flatten(1));
        var dual = ThreatModel.Dual(norm);
        foreach (var (k, (gap, slope)) in target.Gradients(gaps, leaf, rows, k => labels.Eq(k).logical_not_()).Index())
        {
            using var noGrad = no_grad();
            var gradient = slope.flatten(1);
            var distance = (gap.abs() / Length(gradient, dual).flatten()).MaskedFill(labels.Eq(k), double.PositiveInfinity);
            var nearer = distance.lt(nearest);
            nearest = where(nearer, distance, nearest);
            nearestGap = where(nearer, gap, nearestGap);
            normal = where(nearer.unsqueeze(1), gradient, normal);
        }
        return (nearestGap, normal);
    }

    // Looks for the boundary on the line from the clean image to the closest point, where the margin would be zero if it were linear.
    private void Finish(AttackTarget target, Tensor images, Tensor labels, WorstPoints closest, Action<Tensor, Tensor, Tensor> offer)
    {
        var rows = closest.Broken.nonzero().flatten();
        if (rows.shape[0] == 0) return;
        var truth = labels.index_select(0, rows);
        var (inner, outer) = (images.index_select(0, rows), closest.Points.index_select(0, rows));
        for (var step = 0; step < Options.FinalSearch; step++)
        {
            var innerMargin = AttackLosses.Margin(target.Logits(inner, rows), truth).neg();
            var outerMargin = AttackLosses.Margin(target.Logits(outer, rows), truth);
            // Where outputs are random, a margin may have the other sign this time.
            var share = (innerMargin / innerMargin.Plus(outerMargin).ClampMin(Tiny)).Clamp_(0, 1);
            var middle = inner.Plus((outer - inner) * ThreatModel.PerPoint(share, images));
            // A margin of a rounding's size would be another one in another batch.
            var logits = target.Logits(middle, rows);
            var broken = AttackLosses.Margin(logits, truth).gt(logits.abs().amax(1).Times(LeastMargin));
            offer(rows, middle, broken);
            var pick = ThreatModel.PerPoint(broken, images);
            (inner, outer) = (where(pick, inner, middle), where(pick, middle, outer));
        }
    }

    // The length of each row, [n,1].
    private static Tensor Length(Tensor rows, Norm norm) => (norm switch
    {
        Norm.Linf => rows.abs().amax([1], keepdim: true),
        Norm.L2 => rows.Square().sum([1], keepdim: true).sqrt(),
        _ => rows.abs().sum([1], keepdim: true),
    }).ClampMin(Tiny);

    // Of the largest logit.
    private const double LeastMargin = 1e-5;

    // Keeps 0 from being divided by 0.
    private const double Tiny = 1e-12;
}

/// <summary>The settings of <see cref="Fab"/>. The defaults are those of AutoAttack but for <see cref="FinalSearch"/>.</summary>
public sealed record FabOptions
{
    /// <summary>Whether one class at a time is aimed at, or the nearest boundary, at a backward pass a class. Default false.</summary>
    public bool Targeted { get; init; }

    /// <summary>How many classes are aimed at in turn, from the highest clean logit down. Default 9, as in AutoAttack.</summary>
    [Range(1, int.MaxValue)]
    public int Targets { get; init; } = 9;

    /// <summary>The number of steps in a restart. Default 100.</summary>
    [Range(1, int.MaxValue)]
    public int Steps { get; init; } = 100;

    /// <summary>How often the attack is run (at each class), at first from the clean image. Default 1: nothing is drawn.</summary>
    [Range(1, int.MaxValue)]
    public int Restarts { get; init; } = 1;

    /// <summary>The largest share of a step that is taken from the clean image's projection, in [0,1]. Default 0.1, alpha_max.</summary>
    [Range(0.0, 1.0)]
    public double AlphaMax { get; init; } = 0.1;

    /// <summary>How far beyond the hyperplane a step goes, at least 1. Default 1.05, eta.</summary>
    [Range(1, double.MaxValue)]
    public double Eta { get; init; } = 1.05;

    /// <summary>What is left of a misclassified point's change when it is pulled back, between 0 and 1. Default 0.9, beta.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true, MaximumIsExclusive = true)]
    public double Beta { get; init; } = 0.9;

    /// <summary>Steps of the last search for the boundary. Default 3, as in the paper (section 3.3); AutoAttack has none.</summary>
    [Range(0, int.MaxValue)]
    public int FinalSearch { get; init; } = 3;

    /// <summary>Whether a point leaves once one is found within the budget: less work, but not the closest. Default false.</summary>
    public bool StopWithinBudget { get; init; }
}
