namespace Ard.Trainers.Objectives;

/// <summary>The distillation loss of Hinton, Vinyals and Dean (2015): weight · T² · KL(student ‖ teacher), softened by T.</summary>
public sealed record DistillationTerm
{
    /// <summary>T, on both sides. Default 30, as in the released code of ARD.</summary>
    [Range(0, double.MaxValue, MinimumIsExclusive = true)]
    public double Temperature { get; init; } = 30;

    /// <summary>How the divergences of a batch become one number. Default the mean over batch and classes, as ARD's code has it.</summary>
    public KlReduction Reduction { get; init; } = KlReduction.BatchAndClassMean;

    /// <summary>A constant factor. Default 1.</summary>
    [Range(0, double.MaxValue)]
    public double Weight { get; init; } = 1;

    /// <summary>What the codes of RSLAD and its successors compute at 10 classes.</summary>
    internal static DistillationTerm TenthOfMean { get; } = new() { Temperature = 1, Reduction = KlReduction.BatchMean, Weight = 0.1 };

    /// <summary>The loss.</summary>
    /// <param name="student">Logits [N,classes].</param>
    /// <param name="teacher">Logits [N,classes]. Gradients flow into them too: those of a teacher come without a graph.</param>
    /// <param name="weights">A factor [N] for each point. Default none.</param>
    /// <returns>A scalar.</returns>
    public Tensor Loss(Tensor student, Tensor teacher, Tensor? weights = null) =>
        KlDivergence.Between(student, teacher, Temperature, Reduction, weights).Times(Weight * Temperature * Temperature);

    /// <summary>
    /// The scale of the loss beside cross-entropy: see <see cref="Objective.LossScale"/>. At a high temperature its gradient is the
    /// difference of the logits over the number of classes (Hinton, Vinyals and Dean, 2015, section 2.1), and these differ by some 5: of
    /// two classes it is more than twice the difference of probabilities, which bounds it at a low one.
    /// </summary>
    internal double Scale(int classes, double share = 1) =>
        share * Weight * Math.Max(1, Math.Min(Temperature, 5.0 / classes))
            * (Reduction == KlReduction.BatchAndClassMean ? 1.0 / classes : 1) + (1 - share);
}

/// <summary>How the divergences of a batch become one number.</summary>
public enum KlReduction
{
    /// <summary>The mean over the batch: the usual meaning of an average divergence.</summary>
    BatchMean,

    /// <summary>The batch mean over the number of classes: PyTorch's default, and so the released code of ARD and RSLAD.</summary>
    BatchAndClassMean,
}

/// <summary>The Kullback-Leibler divergence of a prediction from a target, both given as logits.</summary>
internal static class KlDivergence
{
    /// <summary>
    /// Σ_c p_c (log p_c - log q_c) with p = softmax(target/T) and q = softmax(prediction/T), reduced over the batch to a scalar. Gradients
    /// flow into both; detach a target that is to stay fixed. The factor T² that distillation puts in front is not included. The weights
    /// [N] are factors of the points' divergences.
    /// </summary>
    public static Tensor Between(
        Tensor prediction, Tensor target, double temperature = 1, KlReduction reduction = KlReduction.BatchMean, Tensor? weights = null)
    {
        var terms = Terms(prediction, target, temperature);
        if (weights is not null) terms *= weights.unsqueeze(1);
        return reduction == KlReduction.BatchMean ? terms.sum().Over(prediction.shape[0]) : terms.mean();
    }

    /// <summary>The sum over the batch at temperature 1.</summary>
    public static Tensor Sum(Tensor prediction, Tensor target) => Terms(prediction, target, temperature: 1).sum();

    /// <summary>The divergence of each point [N] at temperature 1, for methods that weight the points.</summary>
    public static Tensor OfEach(Tensor prediction, Tensor target) => Terms(prediction, target, temperature: 1).sum(1);

    private static Tensor Terms(Tensor prediction, Tensor target, double temperature)
    {
        var logQ = prediction.Over(temperature).log_softmax(1);
        var logP = target.Over(temperature).log_softmax(1);
        return logP.exp() * (logP - logQ);
    }
}
