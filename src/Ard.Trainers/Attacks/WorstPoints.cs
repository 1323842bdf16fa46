namespace Ard.Trainers.Attacks;

/// <summary>
/// The worst point so far for each image: a misclassified one before one that is not, then the one with the larger loss. It begins with the
/// clean images; the losses have their type unless another is given.
/// </summary>
internal sealed class WorstPoints(Tensor images, ScalarType? losses = null)
{
    /// <summary>The points [N,...], their losses [N], minus infinity where none was offered, and which are misclassified [N].</summary>
    public Tensor Points { get; } = images.clone();
    public Tensor Losses { get; } = images.NewFull([images.shape[0]], double.NegativeInfinity, dtype: losses);
    public Tensor Broken { get; } = zeros([images.shape[0]], dtype: ScalarType.Bool, device: images.device);

    /// <summary>Offers points [n,...] for the images of these rows, int64 [n]: their losses, and which are misclassified.</summary>
    public void Offer(Tensor rows, Tensor points, Tensor loss, Tensor broken)
    {
        using var scope = NewDisposeScope();
        var (bestPoints, bestLoss, wasBroken) = (Points.index_select(0, rows), Losses.index_select(0, rows), Broken.index_select(0, rows));
        var better = broken.logical_and(wasBroken.logical_not()).logical_or(broken.eq(wasBroken).logical_and(loss.gt(bestLoss)));
        var pick = ThreatModel.PerPoint(better, points);
        Points.index_copy_(0, rows, where(pick, points, bestPoints));
        Losses.index_copy_(0, rows, where(better, loss, bestLoss));
        Broken.index_copy_(0, rows, broken.logical_or(wasBroken));
    }

    /// <summary>The allowed misclassified points, and the clean images in place of the others.</summary>
    public Tensor Within(ThreatModel threat) => where(ThreatModel.PerPoint(BrokenWithin(threat), images), Points, images);

    /// <summary>For which images there is one, bool [N].</summary>
    public Tensor BrokenWithin(ThreatModel threat) => Broken.logical_and(threat.Size(Points, images).Le(threat.Epsilon));
}
