namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="Mtard"/>, as released: <see cref="InnerMaximisation.Adaptive"/> with cross-entropy.</summary>
public sealed record MtardOptions() : AdversarialOptions(InnerMaximisation.Adaptive with { Loss = InnerLoss.CrossEntropy })
{
    /// <summary>The divergence from a teacher. Default temperature 1, a tenth of the mean over the batch.</summary>
    public DistillationTerm Distillation { get; init; } = DistillationTerm.TenthOfMean;

    /// <summary>How fast the weights follow the relative losses: the share taken of the new ones each batch. Default 0.025.</summary>
    [Range(0.0, 1.0)]
    public double Rate { get; init; } = 0.025;
}

/// <summary>
/// Multi-teacher adversarial robustness distillation (Zhao et al., ECCV 2022):
/// w_adv KL(S(x') ‖ T_adv(x')) + w_nat KL(S(x) ‖ T_nat(x)), with a robust teacher for the adversarial and a naturally trained one for the
/// clean images. The weights start at 1/2 each and move, by the rate, towards the two losses' shares of what is left of each since the
/// first batch, L/L_first: what has been learned less gets more weight. They are in the memory of the batch, and so in checkpoints.
/// </summary>
/// <remarks>The released code divides the rate by 10 whenever the learning rate drops; here it stays.</remarks>
internal sealed class Mtard(MtardOptions? options = null) : AdversarialObjective<MtardOptions>(options)
{
    internal const string FirstLosses = "mtard.first", LossWeights = "mtard.weights";

    public override string Name => "mtard";
    public override double LossScale(int classes) => Options.Distillation.Scale(classes);
    public override bool NeedsTeacher => true;
    public override bool NeedsNaturalTeacher => true;

    public override Tensor Loss(TrainingBatch batch)
    {
        var adversarial = Options.Inner.Maximise(batch);
        var (robust, natural) = (batch.AskTeacher(adversarial), batch.AskNaturalTeacher(batch.Images));
        var attacked = batch.Report(batch.Student.call(adversarial));
        var clean = batch.Student.call(batch.Images);
        var losses = stack([Options.Distillation.Loss(attacked, robust), Options.Distillation.Loss(clean, natural)]);
        return (losses * Weights(batch, batch.MeanOfAll(losses))).sum();
    }

    /// <remarks>The weights move here, once a batch, by the losses that the gradient was taken of.</remarks>
    public override void AfterBackward(TrainingBatch batch)
    {
        foreach (var name in new[] { FirstLosses, LossWeights }) batch.Memory.Set(name, batch.Notes[name]);
    }

    // [2], adversarial and natural, of sum 1. What is to be remembered is noted only: the loss may be asked for more than once.
    private Tensor Weights(TrainingBatch batch, Tensor losses)
    {
        using var noGrad = no_grad();
        var first = batch.Memory[FirstLosses] ?? losses.ClampMin(1e-12);
        var relative = losses / first;
        var share = relative / relative.sum().ClampMin(1e-12);
        var before = batch.Memory[LossWeights] ?? FullLike(losses, 0.5);
        var weights = before.Plus((share - before).Times(Options.Rate));
        (batch.Notes[FirstLosses], batch.Notes[LossWeights]) = (first, weights);
        return weights;
    }
}
