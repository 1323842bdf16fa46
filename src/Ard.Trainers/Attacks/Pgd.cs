namespace Ard.Trainers.Attacks;

/// <summary>
/// Projected gradient descent (Madry, Makelov, Schmidt, Tsipras and Vladu, ICLR 2018): steps along the direction of steepest ascent of the
/// loss, each followed by a projection onto the allowed set, from one or several random starts.
/// </summary>
/// <param name="options">The settings; default 20 steps of epsilon/4, one random start, the worst point met.</param>
internal sealed class Pgd(PgdOptions? options = null) : Attack<PgdOptions>(options)
{
    /// <summary>Such as <c>pgd-20x5@2/255-to-3</c>, <c>cw-20</c> or <c>mi-fgsm-20</c>: see <see cref="AttackCatalog"/>.</summary>
    public override string Name =>
        (IsMiFgsm ? "mi-fgsm" : Options.Loss == AttackLosses.Margin ? "cw" : "pgd")
        + AttackCatalog.Figures(Options.Steps, standard: null, Options.Restarts)
        + (Options.StepSize is { } size ? $"@{AttackCatalog.Text(size)}" : "") + (Options.Target is { } aim ? $"-{aim}" : "");

    public override AttackKind Kind => Options is { Steps: 1, Restarts: 1 } ? AttackKind.OneStep : AttackKind.Gradient;
    public override string Description => $"{base.Description}, {AttackLosses.NameOf(Options.Loss)}";

    internal override string Details(ThreatModel threat) =>
        $"{Options.Steps} steps of {AttackCatalog.Text(StepSize(threat))} {Options.Start}"
        + (Options.Restarts > 1 ? $", {Options.Restarts} times" : "") + Options.Keep switch
        {
            KeptPoint.FirstBroken => "; the first misclassified iterate counts",
            KeptPoint.Worst => "; the worst iterate counts",
            _ => "; the last iterate counts",
        };

    private bool IsMiFgsm => Options.Momentum > 0 && Options.Start == Start.Clean;

    private double StepSize(ThreatModel threat) => Options.StepSize ?? threat.Epsilon / (IsMiFgsm ? Options.Steps : 4);

    /// <summary>
    /// The loop itself, also of inner maximisations: <paramref name="steps"/> times x := project(x + stepSize · direction of steepest
    /// ascent of the loss at x). The loss is a scalar, usually a sum over the points, so that they do not influence one another. Neither
    /// checks, nor waits, nor sets a mode: that is the caller's. The first points need not be allowed ones.
    /// </summary>
    /// <returns>The points after the last step, a new tensor without a graph.</returns>
    /// <exception cref="InvalidOperationException">The loss has no gradient: something in the network cuts the graph.</exception>
    internal static Tensor Maximise(Func<Tensor, Tensor> loss, Tensor images, Tensor start, ThreatModel threat, double stepSize, int steps)
    {
        using var noGrad = no_grad();
        var points = start.detach().clone();
        for (var step = 0; step < steps; step++)
        {
            using var scope = NewDisposeScope();
            using var previous = points;
            points = Step(points, Gradient(loss, points), images, threat, stepSize).MoveToOuterDisposeScope();
        }
        return points;
    }

    internal static Tensor Step(Tensor points, Tensor gradient, Tensor images, ThreatModel threat, double stepSize) =>
        threat.Project(points.PlusScaled(threat.SteepestAscent(gradient), stepSize), images);

    /// <summary>The gradient of the loss, a scalar, with regard to the points, and nothing else.</summary>
    /// <exception cref="InvalidOperationException">The loss has no gradient: something in the network cuts the graph.</exception>
    internal static Tensor Gradient(Func<Tensor, Tensor> loss, Tensor points)
    {
        using var record = enable_grad();
        var leaf = points.detach().requires_grad_();
        return InputGradient.Require(loss(leaf), leaf);
    }

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        var worst = new WorstPoints(images);
        var aims = Options.Target?.Choose(target.Logits(images), labels);
        // The images that are still in the batch.
        var rows = Arange(images.shape[0], dtype: ScalarType.Int64, device: images.device);
        using (NewDisposeScope())
        {
            if (aims is not null) StepTensors.Keep(aims.ne(labels), ref rows, ref noise);
        }
        for (var restart = 0; restart < Options.Restarts && rows.shape[0] > 0; restart++)
        {
            var points = Options.Start.Points(images.index_select(0, rows), threat, noise);
            var momentum = Options.Momentum > 0 ? zeros_like(points) : null;
            for (var step = 0; step < Options.Steps && rows.shape[0] > 0; step++)
            {
                using var scope = NewDisposeScope();
                var offer = Options.Keep != KeptPoint.Last && (step > 0 || Options.Start.IsAllowed);
                var (logits, losses, gradient) = target.Measure(Losses, points, rows);
                if (offer) Offer(points, logits, losses);
                if (momentum is not null) StepTensors.Replace(ref momentum, gradient = Accumulated(momentum, gradient));
                StepTensors.Replace(ref points, Step(points, gradient, images.index_select(0, rows), threat, StepSize(threat)));
                if (DropBroken() is not { } left) continue;
                StepTensors.Select(ref points, left);
                if (momentum is not null) StepTensors.Select(ref momentum, left);
            }
            if (Options is { Keep: KeptPoint.Last, Restarts: 1 } && rows.shape[0] == images.shape[0]) return points;
            using (NewDisposeScope())
            {
                if (rows.shape[0] > 0 && target.Logits(points, rows) is var logits) Offer(points, logits, Losses(logits));
                DropBroken();
            }
        }
        return worst.Points;

        Tensor Losses(Tensor logits) => aims is null
            ? Options.Loss(logits, labels.index_select(0, rows))
            : Options.Loss(logits, aims.index_select(0, rows)).neg();

        void Offer(Tensor points, Tensor logits, Tensor losses) =>
            worst.Offer(rows, points, losses, logits.argmax(1).ne(labels.index_select(0, rows)));

        // Where outputs are random, the first broken point may be broken by chance.
        Tensor? DropBroken() => Options.Keep == KeptPoint.FirstBroken && target.Samples == 1
            ? StepTensors.Keep(worst.Broken.index_select(0, rows).logical_not(), ref rows, ref noise)
            : null;
    }

    private Tensor Accumulated(Tensor momentum, Tensor gradient)
    {
        // In float64, and never divided by 0: gradients may be very small.
        var size = gradient.to(ScalarType.Float64).abs().flatten(1).sum(1).ClampMin_(1e-300);
        return momentum.Times(Options.Momentum).Plus((gradient / ThreatModel.PerPoint(size, gradient)).to(gradient.dtype));
    }
}

/// <summary>Which of the points that it meets an iterative attack returns.</summary>
public enum KeptPoint
{
    /// <summary>
    /// The worst of all iterates of all restarts: a misclassified one before one that is not, and between equals the one with the larger
    /// loss. Costs one forward pass a restart more than <see cref="Last"/>, and never makes an attack weaker.
    /// </summary>
    Worst,

    /// <summary>
    /// The first misclassified iterate; the point then leaves the batch, and later restarts run on the others only. A point that is never
    /// broken gets its iterate of the largest loss. The same points count as robust as with <see cref="Worst"/>, for less work.
    /// </summary>
    FirstBroken,

    /// <summary>The last iterate, as in most released code, even if one was misclassified; of several restarts the worst.</summary>
    Last,
}

/// <summary>The settings of <see cref="Pgd"/>.</summary>
public sealed record PgdOptions : IValidatableObject
{
    /// <summary>The number of gradient steps in a restart. Default 20, the usual figure of the distillation papers' tables.</summary>
    [Range(1, int.MaxValue)]
    public int Steps { get; init; } = 20;

    /// <summary>
    /// The length of a step in the threat model's norm, in [0,1] images. Default null: epsilon / 4, as in most papers; of MI-FGSM
    /// (<see cref="Momentum"/> from <see cref="Start.Clean"/>) epsilon / steps.
    /// </summary>
    [Range(0, double.MaxValue, MinimumIsExclusive = true)]
    public double? StepSize { get; init; }

    /// <summary>How often the attack is run, each time from another random start. Default 1.</summary>
    [Range(1, int.MaxValue)]
    public int Restarts { get; init; } = 1;

    /// <summary>Where it starts. Default uniform in the ball, clamped to [0,1]; <see cref="Start.Clean"/>: no random start.</summary>
    public Start Start { get; init; } = Start.Uniform;

    /// <summary>Which point is returned. Default <see cref="KeptPoint.Worst"/>.</summary>
    public KeptPoint Keep { get; init; } = KeptPoint.Worst;

    /// <summary>What is made large. Default cross-entropy; <see cref="AttackLosses.Margin"/>: Carlini and Wagner's Linf attack.</summary>
    public Func<Tensor, Tensor, Tensor> Loss { get; init; } = AttackLosses.CrossEntropy;

    /// <summary>
    /// The class to aim at: then the loss with that class for a label is made small instead. A point counts as broken, and is kept for it,
    /// when it is misclassified as whatever class. Default null: away from the true class.
    /// </summary>
    public TargetClass? Target { get; init; }

    /// <summary>
    /// The decay factor μ of accumulated gradients: a step goes along g := μ g + gradient / ‖gradient‖₁ in place of the gradient (Dong et
    /// al., CVPR 2018). Default 0: the gradient alone; <see cref="Attack.MiFgsm"/> has 1.
    /// </summary>
    [Range(0, double.MaxValue)]
    public double Momentum { get; init; }

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (Restarts > 1 && Start == Start.Clean)
            yield return new($"Restarts is {Restarts}, expected 1 when every restart begins at the clean image");
    }
}
