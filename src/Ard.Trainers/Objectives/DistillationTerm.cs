using System.ComponentModel.DataAnnotations;

namespace Ard.Trainers.Objectives;

/// <summary>The distillation loss of Hinton, Vinyals and Dean (2015): weight · T² · KL(student ‖ teacher), softened by T.</summary>
public sealed record DistillationTerm : IValidatableObject
{
    /// <summary>T, on both sides. Default 30, as in the released code of ARD.</summary>
    [Range(0, double.MaxValue, MinimumIsExclusive = true)]
    public double Temperature { get; init; } = 30;

    /// <summary>How the divergences of a batch become one number. Default the mean over batch and classes, as ARD's code has it.</summary>
    public KlReduction Reduction { get; init; } = KlReduction.BatchAndClassMean;

    /// <summary>A constant factor. Default 1.</summary>
    [Range(0, double.MaxValue)]
    public double Weight { get; init; } = 1;

    /// <summary>The loss.</summary>
    /// <param name="student">Logits [N,classes].</param>
    /// <param name="teacher">Logits [N,classes]. Gradients flow into them too: those of a teacher come without a graph.</param>
    /// <param name="weights">A factor [N] for each point. Default none.</param>
    /// <returns>A scalar.</returns>
    public Tensor Loss(Tensor student, Tensor teacher, Tensor? weights = null) =>
        KlDivergence.Between(student, teacher, Temperature, Reduction, weights).Times(Weight * Temperature * Temperature);

    /// <summary>The scale of the loss beside cross-entropy: see <see cref="Objective.LossScale"/>. A sum counts as a mean.</summary>
    internal double Scale(int classes, double share = 1) =>
        share * Weight * (Reduction == KlReduction.BatchAndClassMean ? 1.0 / classes : 1) + (1 - share);

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (Reduction == KlReduction.None) yield return new("Reduction is None, expected BatchMean, BatchAndClassMean or Sum");
    }
}

/// <summary>How the divergences of a batch become one number.</summary>
public enum KlReduction
{
    /// <summary>The mean over the batch: the usual meaning of an average divergence.</summary>
    BatchMean,

    /// <summary>The batch mean over the number of classes: PyTorch's default, and so the released code of ARD and RSLAD.</summary>
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
    /// both; detach a target that is to stay fixed. The factor T² that distillation puts in front is not included. The weights [N] are
    /// factors of the points' divergences. A scalar, or [N] without reduction.
    /// </summary>
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
