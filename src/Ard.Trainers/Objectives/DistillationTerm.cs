using System.ComponentModel.DataAnnotations;

namespace Ard.Trainers.Objectives;

/// <summary>
/// The distillation loss of Hinton, Vinyals and Dean (2015): weight · T² · KL(student ‖ teacher), both softened by the temperature T.
/// </summary>
public sealed record DistillationTerm : IValidatableObject
{
    /// <summary>T, on both sides. Default 30, as in the released code of ARD.</summary>
    [Range(0, double.MaxValue, MinimumIsExclusive = true)]
    public double Temperature { get; init; } = 30;

    /// <summary>
    /// How the divergences of a batch become one number. Default the mean over batch and classes, as in the released code of ARD.
    /// </summary>
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

    /// <summary>
    /// The scale of the loss, where the rest of it is cross-entropy: see <see cref="Objective.LossScale"/>. A sum counts as a mean.
    /// </summary>
    internal double Scale(int classes, double share = 1) =>
        share * Weight * (Reduction == KlReduction.BatchAndClassMean ? 1.0 / classes : 1) + (1 - share);

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (Reduction == KlReduction.None) yield return new("Reduction is None, expected BatchMean, BatchAndClassMean or Sum");
    }
}
