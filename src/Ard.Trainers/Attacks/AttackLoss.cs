namespace Ard.Trainers.Attacks;

/// <summary>The losses that attacks make large: logits [N,classes] and labels [N] to one loss a point [N].</summary>
public static class AttackLosses
{
    // Keeps 0 from being divided by 0 where all logits are equal: the figure of the reference implementation.
    private const double Tiny = 1e-12;

    internal const int DlrClasses = 3;
    internal const int TargetedDlrClasses = 4;

    /// <summary>Cross-entropy, -log softmax(logits)[label].</summary>
    public static Tensor CrossEntropy(Tensor logits, Tensor labels) => functional.cross_entropy(logits, labels, reduction: Reduction.None);

    /// <summary>
    /// The margin, max of the others - z_y: the loss of Carlini and Wagner (IEEE S&amp;P 2017, f6) without its floor. Positive just where
    /// the point is misclassified; its gradient does not vanish where the network is sure. Minus infinity where there is one class only.
    /// </summary>
    public static Tensor Margin(Tensor logits, Tensor labels)
    {
        var others = logits.scatter(1, labels.unsqueeze(1), logits.NewFull([labels.shape[0], 1], double.NegativeInfinity));
        return others.amax(1) - LogitsOf(logits, labels);
    }

    /// <summary>The margin of probabilities, max of the others - p_y (PMA: Xie, Zheng, Huang, Ye and Ma, CVPR 2025).</summary>
    internal static Tensor ProbabilityMargin(Tensor logits, Tensor labels) => Margin(logits.softmax(1), labels);

    /// <summary>
    /// The difference of logits ratio (Croce and Hein, ICML 2020, equation 6): -(z_y - max of the others) / (z_1 - z_3), with the logits in
    /// falling order below. Positive exactly where the point is misclassified, and not changed by shifting or scaling the logits.
    /// </summary>
    /// <remarks>Of two classes, which have no third logit, it is the <see cref="Margin"/>.</remarks>
    public static Tensor Dlr(Tensor logits, Tensor labels)
    {
        if (logits.shape[1] < DlrClasses) return Margin(logits, labels);
        var (sorted, order) = logits.topk(3);
        var best = sorted.select(1, 0);
        var strongestOther = where(order.select(1, 0).eq(labels), sorted.select(1, 1), best);
        return (strongestOther - LogitsOf(logits, labels)) / (best - sorted.select(1, 2)).Plus(Tiny);
    }

    /// <summary>The targeted ratio (equation 7): -(z_y - z_t) / (z_1 - (z_3 + z_4) / 2); of two or three classes the numerator.</summary>
    internal static Tensor TargetedDlr(Tensor logits, Tensor labels, Tensor targets)
    {
        var margin = LogitsOf(logits, targets) - LogitsOf(logits, labels);
        if (logits.shape[1] < TargetedDlrClasses) return margin;
        var (sorted, _) = logits.topk(4);
        return margin / (sorted.select(1, 0) - sorted.select(1, 2).Plus(sorted.select(1, 3)).Times(0.5)).Plus(Tiny);
    }

    /// <summary>What a loss is called: that of a compiler for a function without a name says nothing.</summary>
    internal static string NameOf(Func<Tensor, Tensor, Tensor> loss) =>
        loss.Method.Name.Contains('<', StringComparison.Ordinal) ? "own loss" : loss.Method.Name;

    private static Tensor LogitsOf(Tensor logits, Tensor classes) => logits.gather(1, classes.unsqueeze(1)).squeeze(1);
}
