using static TorchSharp.torch;

namespace Ard.Trainers.Objectives;

/// <summary>
/// The distillation loss of Hinton, Vinyals and Dean (2015): weight · T² · KL(student ‖ teacher), both softened by the temperature T.
/// </summary>
public sealed record DistillationTerm
{
    /// <summary>T, on both sides. Default 30, as in the released code of ARD.</summary>
    public double Temperature { get; init; } = 30;

    /// <summary>
    /// How the divergences of a batch become one number. Default the mean over batch and classes, as in the released code of ARD.
    /// </summary>
    public KlReduction Reduction { get; init; } = KlReduction.BatchAndClassMean;

    /// <summary>A constant factor. Default 1.</summary>
    public double Weight { get; init; } = 1;

    /// <summary>The loss.</summary>
    /// <param name="student">Logits [N,classes].</param>
    /// <param name="teacher">Logits [N,classes]. Gradients flow into them too: those of a teacher come without a graph.</param>
    /// <param name="weights">A factor [N] for each point. Default none.</param>
    /// <returns>A scalar.</returns>
    public Tensor Loss(Tensor student, Tensor teacher, Tensor? weights = null) =>
        KlDivergence.Between(student, teacher, Temperature, Reduction, weights).Times(Weight * Temperature * Temperature);

    /// <summary>The scale of the loss: see <see cref="Objective.LossScale"/>. A sum counts as a mean.</summary>
    internal double Scale(int classes) => Weight * (Reduction == KlReduction.BatchAndClassMean ? 1.0 / classes : 1);

    /// <summary>What is wrong with the settings; empty when nothing is.</summary>
    public IEnumerable<string> Faults()
    {
        if (!(double.IsFinite(Temperature) && Temperature > 0))
            yield return $"Temperature is {Temperature}, expected a positive finite number";
        if (Reduction is not (KlReduction.BatchMean or KlReduction.BatchAndClassMean or KlReduction.Sum))
            yield return $"Reduction is {Reduction}, expected BatchMean, BatchAndClassMean or Sum";
        if (!(double.IsFinite(Weight) && Weight >= 0)) yield return $"Weight is {Weight}, expected a finite number that is not negative";
    }
}
