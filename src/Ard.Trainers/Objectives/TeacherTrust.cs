using System.ComponentModel.DataAnnotations;

namespace Ard.Trainers.Objectives;

/// <summary>
/// How far a student trusts its teacher on each point: the probability that the teacher gives to the true class of the adversarial image,
/// to a power (Zhu et al., ICLR 2022). 1 is full trust.
/// </summary>
public sealed record TeacherTrust
{
    /// <summary>beta, the power. Default 0.1. At 0 the trust is full.</summary>
    [Range(0, double.MaxValue)]
    public double Exponent { get; init; } = 0.1;

    /// <summary>
    /// The share of the training that passes in full trust. Default 0.3: up to epoch 60 of the published 200. At 1 the trust
    /// is always full.
    /// </summary>
    [Range(0.0, 1.0)]
    public double FullTrustShare { get; init; } = 0.3;

    /// <summary>Whether the trust may be less than full in the epoch of the batch.</summary>
    internal bool IsPartial(TrainingBatch batch) => batch.Epoch >= Math.Round(FullTrustShare * batch.Epochs);

    /// <summary>T(x')[y] to the power <see cref="Exponent"/>: [N], from 0 to 1.</summary>
    /// <param name="teacher">The teacher's logits [N,classes] of the adversarial images, without a graph.</param>
    /// <param name="batch">The labels; of mixed images the classes' probabilities count by their shares.</param>
    internal Tensor Weights(Tensor teacher, TrainingBatch batch)
    {
        var logP = teacher.log_softmax(1);
        var truth = batch.SoftLabels is { } shares
            ? logP.Plus(shares.log()).logsumexp(1)
            : logP.gather(1, batch.Labels.unsqueeze(1)).squeeze(1);
        return truth.Times(Exponent).exp();
    }
}
