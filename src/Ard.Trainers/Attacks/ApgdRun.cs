using static Ard.Trainers.Attacks.StepTensors;

namespace Ard.Trainers.Attacks;

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
    /// Runs; steps, threat model and start (which it allows) are those of this run. The points are offered to <paramref name="worst"/>,
    /// which is null in a warm-up, whose points the attack may not return. <paramref name="dense"/>: the start is mere noise, so that the
    /// number of values that it changes says nothing.
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
        Select(ref rows, left);
        Select(ref images, left);
        Select(ref labels, left);
        Select(ref points, left);
        Select(ref gradient, left);
        Select(ref loss, left);
        Select(ref broken, left);
        Select(ref best, left);
        Select(ref bestGradient, left);
        Select(ref bestLoss, left);
        if (targets is not null) Select(ref targets, left);
        if (previous is not null) Select(ref previous, left);
        schedule.Keep(left);
        return left.shape[0] > 0;
    }

    private void Report(int step, Tensor stepSize) =>
        options.Observer?.Invoke(new ApgdStep(step, rows, loss, bestLoss, best, stepSize, broken));
}
