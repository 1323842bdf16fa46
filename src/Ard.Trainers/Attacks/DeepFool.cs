using static Ard.Trainers.Attacks.StepTensors;

namespace Ard.Trainers.Attacks;

/// <summary>
/// DeepFool (Moosavi-Dezfooli, Fawzi and Frossard, CVPR 2016, algorithm 2; Linf: section 3.3): looks for a small perturbation. It takes the
/// network for linear at the point, moves a little beyond the nearest boundary to another class, clamped to [0,1], and does so again until
/// the point is misclassified. It returns that point where it is within epsilon, otherwise the clean image; for the smallest perturbations
/// themselves give a large epsilon. Draws no random number.
/// </summary>
/// <param name="options">The settings; default 50 iterations, overshoot 0.02, 10 classes.</param>
internal sealed class DeepFool(DeepFoolOptions? options = null) : Attack<DeepFoolOptions>(options)
{
    public override string Name => "deepfool";

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        var found = new WorstPoints(images);
        // A row for each image that is not misclassified yet; change is the perturbation without the overshoot.
        var rows = Arange(images.shape[0], dtype: ScalarType.Int64, device: images.device);
        var (clean, truth, points, change) = (images.alias(), labels.alias(), images.clone(), zeros_like(images));
        Tensor? rivals = null;
        for (var step = 0; ; step++)
        {
            using var scope = NewDisposeScope();
            var last = step == Options.Iterations;
            using var record = last ? no_grad() : enable_grad();
            var leaf = points.detach().requires_grad_(!last);
            var logits = target.Logits(leaf, rows);
            var broken = logits.detach().argmax(1).ne(truth);
            found.Offer(rows, points, zeros_like(rows).to(images.dtype), broken);
            var left = broken.logical_not().nonzero().flatten();
            if (last || left.shape[0] == 0) break;

            rivals ??= TargetClass.RunnersUp(logits.detach(), truth, Options.Classes - 1).MoveToOuterDisposeScope();
            var move = ToNearestBoundary(target, logits, leaf, rows, truth, rivals, threat);
            Replace(ref change, change.Plus(move).detach());
            Replace(ref points, clean.Plus(change.Times(1 + Options.Overshoot)).Clamp(0, 1).detach());
            if (left.shape[0] == rows.shape[0]) continue;
            Select(ref rows, ref clean, ref truth, left);
            Select(ref rivals, ref points, ref change, left);
        }
        return found.Within(threat);
    }

    // The boundary to a class is where its logit equals the true one's; as far as the gap between them is linear, it is at the distance
    // |gap| / dual norm of the gap's gradient.
    private static Tensor ToNearestBoundary(
        AttackTarget target, Tensor logits, Tensor leaf, Tensor rows, Tensor truth, Tensor rivals, ThreatModel threat)
    {
        var nearest = Full([rows.shape[0]], double.PositiveInfinity, dtype: ScalarType.Float64, device: leaf.device);
        var towards = zeros_like(leaf);
        foreach (var (gap, slope) in target.Gradients(logits.gather(1, rivals) - logits.gather(1, truth.unsqueeze(1)), leaf, rows))
        {
            using var noGrad = no_grad();
            // A value at the end of [0,1] does not go on: the way must be made with the others. (The paper has no such ends.)
            var ended = slope.Gt(0).logical_and(leaf.Ge(1)).logical_or(slope.Lt(0).logical_and(leaf.Le(0)));
            var gradient = where(ended, zeros_like(slope), slope);
            var distance = gap.to(ScalarType.Float64).abs() / threat.Slope(gradient).ClampMin(1e-300);
            var nearer = distance.lt(nearest);
            towards = where(ThreatModel.PerPoint(nearer, leaf), gradient, towards);
            nearest = where(nearer, distance, nearest);
        }
        using var end = no_grad();
        // Where the network is flat that is infinitely far; no point of the box is further away than the number of its values.
        var length = nearest.ClampMax(leaf.numel() / leaf.shape[0]).to(leaf.dtype);
        return threat.SteepestAscent(towards) * ThreatModel.PerPoint(length, leaf);
    }
}

/// <summary>The settings of <see cref="DeepFool"/>. The defaults are those of the paper and its released code.</summary>
public sealed record DeepFoolOptions
{
    /// <summary>The most moves that an image is given. Default 50.</summary>
    [Range(1, int.MaxValue)]
    public int Iterations { get; init; } = 50;

    /// <summary>How much longer the perturbation is made than the way to the boundary, to end behind it. Default 0.02.</summary>
    [Range(0, double.MaxValue)]
    public double Overshoot { get; init; } = 0.02;

    /// <summary>How many classes, those of the largest clean logits, each costs a backward pass a move. Default 10.</summary>
    [Range(2, int.MaxValue)]
    public int Classes { get; init; } = 10;
}
