using static TorchSharp.torch;

namespace Ard.Trainers.Attacks;

/// <summary>
/// Projected gradient descent (Madry, Makelov, Schmidt, Tsipras and Vladu, ICLR 2018): steps along the direction of steepest ascent of the
/// loss, each followed by a projection onto the allowed set, from one or several random starts.
/// </summary>
/// <param name="options">The settings; default 20 steps of epsilon/4, one random start, the worst point met.</param>
/// <exception cref="ArgumentException">A setting is wrong.</exception>
public sealed class Pgd(PgdOptions? options = null) : Attack
{
    /// <summary>The settings.</summary>
    public PgdOptions Options { get; } = Validated(options ?? new PgdOptions());

    /// <inheritdoc/>
    public override string Name => $"pgd-{Options.Steps}" + (Options.Restarts > 1 ? $"x{Options.Restarts}" : "");

    /// <inheritdoc/>
    public override AttackKind Kind => Options is { Steps: 1, Restarts: 1 } ? AttackKind.OneStep : AttackKind.Gradient;

    /// <inheritdoc/>
    public override string Description => $"{Name} {Options}, {Options.Loss.Method.Name}";

    /// <summary>
    /// The loop itself, for attacks and for the inner maximisation of training alike: <paramref name="steps"/> times
    /// x := project(x + stepSize · direction of steepest ascent of the loss at x). The gradient is taken with regard to x only. Neither
    /// checks nor waits for the device, and sets no mode on the network: those are the caller's.
    /// </summary>
    /// <param name="loss">
    /// Points [N,...] to a scalar, usually a sum over the points, so that they do not influence one another's step.
    /// </param>
    /// <param name="images">Clean images [N,...] in [0,1].</param>
    /// <param name="start">The first points [N,...]; they need not be allowed ones.</param>
    /// <param name="threat">Owns direction and projection.</param>
    /// <param name="stepSize">The length of a step in the norm of the threat model.</param>
    /// <param name="steps">The number of steps.</param>
    /// <returns>The points after the last step, a new tensor without a graph.</returns>
    public static Tensor Maximise(Func<Tensor, Tensor> loss, Tensor images, Tensor start, ThreatModel threat, double stepSize, int steps)
    {
        using var noGrad = no_grad();
        var points = start.detach().clone();
        for (var step = 0; step < steps; step++)
        {
            using var scope = NewDisposeScope();
            using var previous = points;
            var direction = threat.SteepestAscent(Gradient(loss, points));
            points = threat.Project(points.add(direction, stepSize), images).MoveToOuterDisposeScope();
        }
        return points;
    }

    /// <summary>The gradient of the loss with regard to the points, and nothing else.</summary>
    /// <param name="loss">Points [N,...] to a scalar.</param>
    /// <param name="points">Where the gradient is wanted.</param>
    public static Tensor Gradient(Func<Tensor, Tensor> loss, Tensor points)
    {
        using var record = enable_grad();
        var leaf = points.detach().requires_grad_();
        return autograd.grad([loss(leaf)], [leaf])[0];
    }

    /// <inheritdoc/>
    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        var stepSize = Options.StepSize ?? threat.Epsilon / 4;
        var worst = new WorstPoints(images);
        // The images that are still in the batch.
        var rows = arange(images.shape[0], dtype: ScalarType.Int64, device: images.device);
        for (var restart = 0; restart < Options.Restarts && rows.shape[0] > 0; restart++)
        {
            var points = Options.Start.Points(images.index_select(0, rows), threat, noise);
            for (var step = 0; step < Options.Steps && rows.shape[0] > 0; step++)
            {
                using var scope = NewDisposeScope();
                using var previous = points;
                var offer = Options.Keep != KeptPoint.Last && (step > 0 || Options.Start.IsAllowed);
                points = Maximise(x => Loss(x, offer), images.index_select(0, rows), points, threat, stepSize, steps: 1);
                DropBroken(ref points);
                points.MoveToOuterDisposeScope();
            }
            if (Options is { Keep: KeptPoint.Last, Restarts: 1 }) return points;
            using (NewDisposeScope())
            {
                if (rows.shape[0] > 0) Loss(points, offer: true);
                DropBroken(ref points);
            }
        }
        return worst.Points;

        Tensor Loss(Tensor points, bool offer)
        {
            var truth = labels.index_select(0, rows);
            var logits = target.Logits(points, rows);
            var losses = Options.Loss(logits, truth);
            if (offer) worst.Offer(rows, points.detach(), losses.detach(), logits.detach().argmax(1).ne(truth));
            return losses.sum();
        }

        void DropBroken(ref Tensor points)
        {
            if (Options.Keep != KeptPoint.FirstBroken) return;
            var left = worst.Broken.index_select(0, rows).logical_not().nonzero().flatten();
            if (left.shape[0] == rows.shape[0]) return;
            rows = rows.index_select(0, left).MoveToOuterDisposeScope();
            points = points.index_select(0, left);
            noise = noise.Select(left.cpu().data<long>().ToArray());
        }
    }

    private static PgdOptions Validated(PgdOptions options)
    {
        options.Validate();
        return options;
    }
}
