namespace Ard.Trainers.Attacks;

/// <summary>The class that a targeted attack wants an image to be taken for, chosen once, from the clean image's logits.</summary>
public abstract record TargetClass
{
    private TargetClass() { }

    /// <summary>The class with the largest logit besides the true one: the easiest to reach.</summary>
    public static TargetClass SecondMostLikely { get; } = new ByRank("second", (logits, labels) => RunnersUp(logits, labels, 1).squeeze(1));

    /// <summary>The class with the smallest logit besides the true one (Kurakin, Goodfellow and Bengio, ICLR 2017, section 3).</summary>
    public static TargetClass LeastLikely { get; } = new ByRank(
        "least", (logits, labels) => logits.scatter(1, labels.unsqueeze(1), FullLike(logits, double.PositiveInfinity)).argmin(1));

    /// <summary>The same class for every image. Images of that very class are left as they are.</summary>
    /// <param name="index">The class, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public static TargetClass Given(long index) => index >= 0
        ? new Fixed(index)
        : throw new ArgumentOutOfRangeException(nameof(index), index, "expected a class, 0 or more.");

    /// <summary>The classes to aim at, by the clean images' logits: int64 [N]; the label where there is nothing to aim at.</summary>
    /// <exception cref="InvalidOperationException">The network has too few classes.</exception>
    internal abstract Tensor Choose(Tensor logits, Tensor labels);

    /// <summary>The classes besides the true one, those with the largest logits first: int64 [N,count], or fewer.</summary>
    internal static Tensor RunnersUp(Tensor logits, Tensor labels, int count)
    {
        var others = logits.scatter(1, labels.unsqueeze(1), FullLike(logits, double.NegativeInfinity));
        return others.topk((int)Math.Min(count, logits.shape[1] - 1)).indexes;
    }

    /// <summary>
    /// The classes besides the true one, those of the nearest boundary first, were the network linear at the images (Melamed, Yehudai and
    /// Shamir, NeurIPS 2024): gap over dual norm of its gradient.
    /// </summary>
    /// <returns>Int64 [N,count]; fewer where there are fewer.</returns>
    internal static Tensor Nearest(AttackTarget target, Tensor images, Tensor labels, int count, ThreatModel threat)
    {
        using var scope = NewDisposeScope();
        using var record = enable_grad();
        var leaf = images.detach().requires_grad_();
        var logits = target.Logits(leaf);
        var candidates = RunnersUp(logits.detach(), labels, Math.Max(count, Candidates));
        var gaps = logits.gather(1, labels.unsqueeze(1)) - logits.gather(1, candidates);
        Tensor[] distances =
        [
            .. target.Gradients(gaps, leaf).Select(each =>
                each.Loss.detach().to(ScalarType.Float64) / threat.Slope(each.Gradient).ClampMin(1e-300)),
        ];
        using var noGrad = no_grad();
        var order = stack(distances, 1).argsort(1).narrow(1, 0, Math.Min(count, distances.Length));
        return candidates.gather(1, order).MoveToOuterDisposeScope();
    }

    // How many classes, those of the largest logits, are looked at: the figure of the authors' code.
    private const int Candidates = 100;

    private static void RequireClasses(Tensor logits, long least, string attack)
    {
        if (logits.shape[1] < least)
            throw new InvalidOperationException($"{attack} needs {least} classes or more; the network has {logits.shape[1]}.");
    }

    private sealed record ByRank(string Name, Func<Tensor, Tensor, Tensor> Class) : TargetClass
    {
        public override string ToString() => Name;

        internal override Tensor Choose(Tensor logits, Tensor labels)
        {
            RequireClasses(logits, 2, "a targeted attack");
            return Class(logits, labels);
        }
    }

    private sealed record Fixed(long Index) : TargetClass
    {
        public override string ToString() => $"to-{Index}";

        internal override Tensor Choose(Tensor logits, Tensor labels)
        {
            RequireClasses(logits, Index + 1, $"an attack towards class {Index}");
            return FullLike(labels, Index);
        }
    }
}
