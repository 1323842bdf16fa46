namespace Ard.Trainers.Attacks;

/// <summary>
/// The class that a targeted attack wants an image to be taken for. It is chosen once, from the logits of the clean image.
/// </summary>
public abstract record TargetClass
{
    private TargetClass()
    {
    }

    /// <summary>The class with the largest logit besides the true one: the easiest to reach.</summary>
    public static TargetClass SecondMostLikely { get; } = new Second();

    /// <summary>The class with the smallest logit besides the true one (Kurakin, Goodfellow and Bengio, ICLR 2017, section 3).</summary>
    public static TargetClass LeastLikely { get; } = new Least();

    /// <summary>The same class for every image. Images of that very class are left as they are.</summary>
    /// <param name="index">The class, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public static TargetClass Given(long index) => index >= 0
        ? new Fixed(index)
        : throw new ArgumentOutOfRangeException(nameof(index), index, "expected a class, 0 or more.");

    /// <summary>The classes to aim at.</summary>
    /// <param name="logits">The clean images' logits [N,classes].</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <returns>Int64 [N]. Equal to the label where there is nothing to aim at.</returns>
    /// <exception cref="InvalidOperationException">The network has too few classes.</exception>
    internal abstract Tensor Choose(Tensor logits, Tensor labels);

    /// <summary>The classes besides the true one, those with the largest logits first.</summary>
    /// <param name="logits">[N,classes].</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="count">How many; no more than there are besides the true one.</param>
    /// <returns>Int64 [N,count].</returns>
    internal static Tensor RunnersUp(Tensor logits, Tensor labels, int count)
    {
        var others = logits.scatter(1, labels.unsqueeze(1), FullLike(logits, double.NegativeInfinity));
        return others.topk((int)Math.Min(count, logits.shape[1] - 1)).indexes;
    }

    /// <summary>
    /// The classes besides the true one, those first whose boundary would be nearest if the network were linear at the images (Melamed,
    /// Yehudai and Shamir, NeurIPS 2024): the gap of the logits over the dual norm of its gradient.
    /// </summary>
    /// <param name="target">The network.</param>
    /// <param name="images">The clean images [N,...], one of each row.</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="count">How many; no more than there are besides the true one.</param>
    /// <param name="threat">Whose norm measures the distance.</param>
    /// <returns>Int64 [N,count].</returns>
    internal static Tensor Nearest(AttackTarget target, Tensor images, Tensor labels, int count, ThreatModel threat)
    {
        using var scope = NewDisposeScope();
        using var record = enable_grad();
        var leaf = images.detach().requires_grad_();
        var logits = target.Logits(leaf);
        var candidates = RunnersUp(logits.detach(), labels, Math.Max(count, Candidates));
        var gaps = logits.gather(1, labels.unsqueeze(1)) - logits.gather(1, candidates);
        var distances = new Tensor[candidates.shape[1]];
        for (var i = 0; i < distances.Length; i++)
        {
            var gradient = target.Gradient(gaps.select(1, i), leaf, rows: null, retainGraph: i < distances.Length - 1);
            // The first backward pass is counted with the forward pass.
            if (i > 0) target.CountBackward(images.shape[0]);
            distances[i] = gaps.select(1, i).detach().to(ScalarType.Float64) / threat.Slope(gradient).ClampMin(1e-300);
        }
        using var noGrad = no_grad();
        var order = stack(distances, 1).argsort(1).narrow(1, 0, Math.Min(count, distances.Length));
        return candidates.gather(1, order).MoveToOuterDisposeScope();
    }

    // How many classes, those of the largest logits, are looked at: the figure of the authors' code.
    private const int Candidates = 100;

    private sealed record Second : TargetClass
    {
        public override string ToString() => "second";

        internal override Tensor Choose(Tensor logits, Tensor labels)
        {
            AttackLosses.RequireClasses(logits, 2, "a targeted attack");
            return RunnersUp(logits, labels, 1).squeeze(1);
        }
    }

    private sealed record Least : TargetClass
    {
        public override string ToString() => "least";

        internal override Tensor Choose(Tensor logits, Tensor labels)
        {
            AttackLosses.RequireClasses(logits, 2, "a targeted attack");
            return logits.scatter(1, labels.unsqueeze(1), FullLike(logits, double.PositiveInfinity)).argmin(1);
        }
    }

    private sealed record Fixed(long Index) : TargetClass
    {
        public override string ToString() => $"to-{Index}";

        internal override Tensor Choose(Tensor logits, Tensor labels)
        {
            AttackLosses.RequireClasses(logits, Index + 1, $"an attack towards class {Index}");
            return FullLike(labels, Index);
        }
    }
}
