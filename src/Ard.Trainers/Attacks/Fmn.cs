using System.ComponentModel.DataAnnotations;
using static Ard.Trainers.Attacks.StepTensors;

namespace Ard.Trainers.Attacks;

/// <summary>
/// The fast minimum-norm attack (Pintor, Roli, Brendel and Biggio, "Fast minimum-norm adversarial attacks through adaptive norm
/// constraints", NeurIPS 2021, algorithm 1): looks for the misclassified point closest to the clean image. It makes the margin larger by
/// gradient steps within a ball that shrinks while the point is misclassified and grows while it is not, by steps that become ever smaller.
/// </summary>
/// <remarks>
/// Returns the closest misclassified point found, where it is within epsilon, and the clean image everywhere else: also for images that the
/// network gets wrong unattacked, on which no work is done. Draws no random number.
/// </remarks>
/// <param name="options">The settings; default 100 steps.</param>
internal sealed class Fmn(FmnOptions? options = null) : Attack<FmnOptions>(options)
{
    public override string Name => "fmn" + AttackCatalog.Figures(Options.Steps, standard: 100, restarts: 1);
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
        for (var step = 0; step <= Options.Steps; step++)
        {
            using var scope = NewDisposeScope();
            if (step == Options.Steps)
            {
                Offer(target.Logits(points, rows));
                break;
            }
            var (logits, margin, gradient) = target.Measure(logits => AttackLosses.Margin(logits, truth), points, rows);
            var size = threat.Size(points, clean);
            var broken = Offer(logits);
            var annealed = (1 + Math.Cos(Math.PI * step / Options.Steps)) / 2;
            var (stepSize, change) = (Between(Options.StepSize, 0.01 * Options.StepSize), Between(Options.Change, Options.FinalChange));
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
        return closest.Within(threat, images);

        // The current points; which of them are misclassified.
        Tensor Offer(Tensor logits)
        {
            var broken = logits.argmax(1).ne(truth);
            closest.Offer(rows, points, threat.Size(points, clean).neg(), broken);
            return broken;
        }
    }

    // Keeps 0 from being divided by 0.
    private const double Tiny = 1e-12;
}

/// <summary>The settings of <see cref="Fmn"/>. The defaults are those of the paper and of its authors' code.</summary>
public sealed record FmnOptions
{
    /// <summary>The number of gradient steps. Default 100.</summary>
    [Range(1, int.MaxValue)]
    public int Steps { get; init; } = 100;

    /// <summary>The Euclidean length of the first step, in [0,1] images; along a cosine it falls to a hundredth. Default 1.</summary>
    [Range(0.0, double.MaxValue, MinimumIsExclusive = true)]
    public double StepSize { get; init; } = 1;

    /// <summary>By what share the ball grows or shrinks in the first step. Default 0.05.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true, MaximumIsExclusive = true)]
    public double Change { get; init; } = 0.05;

    /// <summary>The same in the last step; between them it falls along a cosine. Default 0.001.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true, MaximumIsExclusive = true)]
    public double FinalChange { get; init; } = 0.001;
}
