namespace Ard.Trainers.Objectives;

/// <summary>How the divergences of a batch become one number.</summary>
public enum KlReduction
{
    /// <summary>The mean over the batch: the usual meaning of an average divergence.</summary>
    BatchMean,

    /// <summary>
    /// The mean over batch and classes, which is the batch mean divided by the number of classes: what PyTorch's KLDivLoss does by default,
    /// and the released code of ARD and RSLAD with it.
    /// </summary>
    BatchAndClassMean,

    /// <summary>The sum over the batch.</summary>
    Sum,

    /// <summary>No reduction over the batch: one divergence a point, for methods that weight the points.</summary>
    None,
}

/// <summary>The Kullback-Leibler divergence of a prediction from a target, both given as logits.</summary>
internal static class KlDivergence
{
    /// <summary>
    /// Σ_c p_c (log p_c - log q_c) with p = softmax(target/T) and q = softmax(prediction/T), reduced over the batch. Gradients flow into
    /// both; detach a target that is to stay fixed. The factor T² that distillation puts in front is not included.
    /// </summary>
    /// <param name="prediction">Logits [N,classes] of q.</param>
    /// <param name="target">Logits [N,classes] of p.</param>
    /// <param name="temperature">T, positive. Default 1.</param>
    /// <param name="reduction">Default the batch mean.</param>
    /// <param name="weights">A factor [N] for each point's divergence. Default none.</param>
    /// <returns>A scalar, or [N] without reduction.</returns>
    public static Tensor Between(
        Tensor prediction, Tensor target, double temperature = 1, KlReduction reduction = KlReduction.BatchMean, Tensor? weights = null)
    {
        var logQ = prediction.Over(temperature).log_softmax(1);
        var logP = target.Over(temperature).log_softmax(1);
        var terms = logP.exp() * (logP - logQ);
        if (weights is not null) terms *= weights.unsqueeze(1);
        return reduction switch
        {
            KlReduction.BatchMean => terms.sum().Over(prediction.shape[0]),
            KlReduction.BatchAndClassMean => terms.mean(),
            KlReduction.Sum => terms.sum(),
            KlReduction.None => terms.sum(1),
            _ => throw new ArgumentOutOfRangeException(nameof(reduction), reduction, "expected BatchMean, BatchAndClassMean, Sum or None."),
        };
    }
}
