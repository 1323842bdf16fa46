using static Ard.Trainers.Attacks.StepTensors;

namespace Ard.Trainers.Attacks;

/// <summary>
/// The L2 attack of Carlini and Wagner (Towards evaluating the robustness of neural networks, IEEE S&amp;P 2017, section VI-A): looks for
/// the smallest perturbation by minimising ‖x' - x‖² + c max(0, confidence - margin) with Adam over w, where x' = (tanh w + 1) / 2 stays in
/// [0,1] by itself. For each image the weight c is searched: ten times as large until a misclassified point is found, then by halves. It
/// returns the smallest misclassified perturbation where that is within epsilon, otherwise the clean image; to get the smallest
/// perturbations themselves, give a large epsilon. Draws no random number.
/// </summary>
/// <param name="options">The settings; default 9 values of c, 1000 steps for each.</param>
internal sealed class CarliniWagner(CarliniWagnerOptions? options = null) : Attack<CarliniWagnerOptions>(options)
{
    public override string Name => "cw-l2";
    internal override Attack WithoutEarlyStop => new CarliniWagner(Options with { StopWithinBudget = false });

    /// <summary>L2 only. For Linf, see <see cref="PgdOptions.Loss"/>.</summary>
    public override IReadOnlyList<Norm> Norms { get; } = [Norm.L2];

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        var smallest = new WorstPoints(images);
        var rows = Arange(images.shape[0], dtype: ScalarType.Int64, device: images.device);
        // The largest c of each image that was too small, the smallest that was not, and the one to try next.
        var tooSmall = zeros([images.shape[0]], dtype: ScalarType.Float64, device: images.device);
        var (enough, next) = (FullLike(tooSmall, double.PositiveInfinity), FullLike(tooSmall, Options.InitialWeight));
        using (NewDisposeScope())
        {
            // What is misclassified already needs no perturbation.
            var wrong = target.Logits(images, rows).argmax(1).ne(labels);
            smallest.Offer(rows, images, zeros_like(tooSmall).to(images.dtype), wrong);
            Select(ref rows, wrong.logical_not().nonzero().flatten());
        }
        for (var search = 0; search < Options.Searches && rows.shape[0] > 0; search++)
        {
            using var scope = NewDisposeScope();
            var weight = next.index_select(0, rows);
            var success = Minimise(target, images, labels, rows, weight, smallest, threat);
            var low = where(success, tooSmall.index_select(0, rows), weight);
            var high = where(success, weight, enough.index_select(0, rows));
            tooSmall.index_copy_(0, rows, low);
            enough.index_copy_(0, rows, high);
            next.index_copy_(0, rows, where(high.isfinite(), low.Plus(high).Over(2), low.Times(10)));
            if (!Options.StopWithinBudget) continue;
            Select(ref rows, smallest.BrokenWithin(threat).index_select(0, rows).logical_not().nonzero().flatten());
        }
        return smallest.Within(threat);
    }

    // One minimisation with a weight c for each image. Returns for which of them some point was misclassified.
    private Tensor Minimise(
        AttackTarget target, Tensor images, Tensor labels, Tensor of, Tensor weights, WorstPoints smallest, ThreatModel threat)
    {
        using var whole = NewDisposeScope();
        var success = zeros_like(labels).to(ScalarType.Bool);
        // A row for each image that is still in the batch. The clean values 0 and 1 would be infinitely far away in w.
        var (rows, weight) = (of.alias(), weights.to(images.dtype));
        var (clean, truth) = (images.index_select(0, rows), labels.index_select(0, rows));
        var w = clean.Times(2).Minus(1).Mul_(1 - 1e-6).atanh();
        var (mean, square) = (zeros_like(w), zeros_like(w));
        var before = FullLike(weight, double.PositiveInfinity);
        var interval = Math.Max(1, Options.Steps / 10);
        for (var step = 1; step <= Options.Steps; step++)
        {
            using var scope = NewDisposeScope();
            Tensor points, size, broken, loss, gradient;
            using (enable_grad())
            {
                var leaf = w.detach().requires_grad_();
                points = leaf.tanh().Plus(1).Times(0.5);
                var logits = target.Logits(points, rows);
                var margin = AttackLosses.Margin(logits, truth);
                size = (points - clean).Square().flatten(1).sum(1);
                loss = size.Plus(weight * Options.Confidence.Minus(margin).ClampMin(0));
                gradient = target.Gradient(loss, leaf, rows);
                broken = logits.detach().argmax(1).ne(truth).logical_and(margin.detach().Ge(Options.Confidence));
            }
            (points, loss) = (points.detach().Clamp(0, 1), loss.detach());
            smallest.Offer(rows, points, size.detach().neg(), broken);
            success.index_copy_(0, rows, success.index_select(0, rows).logical_or(broken));

            // Adam (Kingma and Ba, ICLR 2015) with its usual settings.
            mean.Mul_(0.9).AddScaled_(gradient, 0.1);
            square.Mul_(0.999).Addcmul_(gradient, gradient, 0.001);
            var scale = square.Over(1 - Math.Pow(0.999, step)).sqrt_().Add_(1e-8);
            w.Addcdiv_(mean, scale, -Options.LearningRate / (1 - Math.Pow(0.9, step)));

            // An image leaves when it is broken within epsilon, if that is all that is wanted, and when its loss no longer falls.
            var check = step % interval == 0;
            if (!check && !Options.StopWithinBudget) continue;
            var stay = ones_like(broken);
            if (Options.StopWithinBudget) stay = broken.logical_and(threat.Size(points, clean).Le(threat.Epsilon)).logical_not();
            if (check)
            {
                stay = stay.logical_and(loss.lt(before.Times(0.9999)));
                Replace(ref before, loss.alias());
            }
            var left = stay.nonzero().flatten();
            if (left.shape[0] == 0) break;
            if (left.shape[0] == rows.shape[0]) continue;
            Select(ref rows, ref clean, ref truth, left);
            Select(ref w, ref mean, ref square, left);
            Select(ref weight, left);
            Select(ref before, left);
        }
        return success.index_select(0, of).MoveToOuterDisposeScope();
    }
}

/// <summary>The settings of <see cref="CarliniWagner"/>. The defaults are those of the authors' released code but for the steps.</summary>
public sealed record CarliniWagnerOptions
{
    /// <summary>
    /// The most steps of Adam for each c. Every tenth part of them, an image stops whose loss has not fallen by 0.01 % since the last such
    /// look. Default 1000; the released code has 10000, other implementations 1000 as here.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int Steps { get; init; } = 1000;

    /// <summary>How many values of c are tried for each image. Default 9.</summary>
    [Range(1, int.MaxValue)]
    public int Searches { get; init; } = 9;

    /// <summary>The c tried first. Default 0.001.</summary>
    [Range(0, double.MaxValue, MinimumIsExclusive = true)]
    public double InitialWeight { get; init; } = 1e-3;

    /// <summary>Adam's learning rate, in units of w. Default 0.01, coarse for small perturbations; 0.001 finds all within 1 %.</summary>
    [Range(0, double.MaxValue, MinimumIsExclusive = true)]
    public double LearningRate { get; init; } = 0.01;

    /// <summary>By how much another logit has to be above the true one (the paper's κ). Default 0.</summary>
    [Range(0, double.MaxValue)]
    public double Confidence { get; init; }

    /// <summary>Whether an image leaves once one is found within the budget: less work, but not the smallest. Default false.</summary>
    public bool StopWithinBudget { get; init; }
}
