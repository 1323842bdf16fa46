using static Ard.Trainers.Attacks.StepTensors;

namespace Ard.Trainers.Attacks;

/// <summary>
/// The fast minimum-norm attack (Pintor et al., NeurIPS 2021, algorithm 1): looks for the misclassified point closest to the clean image by
/// gradient steps on the margin, ever smaller ones, within a ball that shrinks while the point is misclassified and grows while it is not.
/// </summary>
/// <remarks>Returns the closest misclassified point within epsilon, else the clean image. Draws no random number.</remarks>
/// <param name="steps">The number of gradient steps. Default 100.</param>
/// <exception cref="ArgumentOutOfRangeException"><paramref name="steps"/> is below 1.</exception>
internal sealed class Fmn(int steps = Fmn.StandardSteps) : Attack
{
    public const int StandardSteps = 100;

    // Of the paper and of its authors' code: the Euclidean length of the first step, which falls to a hundredth along a cosine; and by what
    // share the ball grows or shrinks in the first and in the last step.
    private const double StepSize = 1, Change = 0.05, FinalChange = 0.001;

    // Keeps 0 from being divided by 0.
    private const double Tiny = 1e-12;

    private readonly int steps = steps > 0 ? steps : throw new ArgumentOutOfRangeException(nameof(steps), steps, "expected 1 or more");

    public override string Name => "fmn" + AttackCatalog.Figures(steps, StandardSteps, restarts: 1);
    public override IReadOnlyList<Norm> Norms { get; } = Enum.GetValues<Norm>();

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        // The loss is the distance, in float64: the worst point is the closest one.
        var closest = new WorstPoints(images, ScalarType.Float64);
        var rows = target.Logits(images).argmax(1).eq(labels).nonzero().flatten();
        if (rows.shape[0] == 0) return images.clone();
        var (clean, truth) = (images.index_select(0, rows), labels.index_select(0, rows));
        // No point of the box is further away.
        var furthest = threat.Size(clean.Gt(0.5).logical_not_(), clean);
        var (points, radius) = (clean.clone(), FullLike(furthest, double.PositiveInfinity));
        for (var step = 0; step <= steps; step++)
        {
            using var scope = NewDisposeScope();
            if (step == steps)
            {
                Offer(target.Logits(points, rows));
                break;
            }
            var (logits, margin, gradient) = target.Measure(logits => AttackLosses.Margin(logits, truth), points, rows);
            var size = threat.Size(points, clean);
            var broken = Offer(logits);
            var annealed = (1 + Math.Cos(Math.PI * step / steps)) / 2;
            var (stepSize, change) = (Between(StepSize, 0.01 * StepSize), Between(Change, FinalChange));
            // Until a point has been found: a little further than the boundary would be if the network were linear. (The paper goes just
            // there, where on a linear network it stays.)
            var boundary = size.Plus(margin.to(ScalarType.Float64).abs() / threat.Slope(gradient).ClampMin(Tiny)).Times(1 + change);
            var found = closest.Broken.index_select(0, rows);
            var nearest = closest.Losses.index_select(0, rows).neg();
            var next = where(
                broken, radius.Times(1 - change).minimum(nearest), where(found, radius.Times(1 + change), boundary)).minimum(furthest);
            Replace(ref radius, next);
            var moved = points.PlusScaled(ThreatModel.L2(1).SteepestAscent(gradient), stepSize);
            Replace(ref points, ThreatModel.Project(moved, clean, radius, threat.Norm));

            double Between(double first, double last) => last + (first - last) * annealed;
        }
        return closest.Within(threat);

        // The current points; which of them are misclassified.
        Tensor Offer(Tensor logits)
        {
            var broken = logits.argmax(1).ne(truth);
            closest.Offer(rows, points, threat.Size(points, clean).neg(), broken);
            return broken;
        }
    }
}
