namespace Ard.Trainers.Objectives;

/// <summary>
/// AdaAD's attack with IAD's loss (Huang et al., CVPR 2023, where it is called AdaIAD):
/// alpha T² KL(S_t(x') ‖ T_t(x')) + alpha (1-A) KL(S(x') ‖ S(x)) + (1-alpha) CE(S(x), y), means over the batch. Other than in
/// <see cref="Iad"/>, the teacher sees the adversarial image. The gradient flows through both sides of the second divergence and not
/// through A. The student sees x first, then x'.
/// </summary>
/// <param name="options">The settings.</param>
/// <exception cref="ArgumentException">A setting is wrong.</exception>
internal sealed class AdaIad(IadOptions? options = null) : IntrospectiveDistillation(options, Defaults)
{
    /// <summary>The defaults: the attack of AdaAD, and temperature 30.</summary>
    public static IadOptions Defaults { get; } = new()
    {
        Inner = InnerMaximisation.Adaptive,
        Distillation = new() { Reduction = KlReduction.BatchMean },
    };

    public override string Name => "adaiad";

    public override Tensor Loss(TrainingBatch batch)
    {
        var isPartial = Options.Trust.IsPartial(batch);
        var adversarial = Inner.Maximise(batch);
        var guide = batch.AskTeacher(adversarial);
        var trust = isPartial ? Options.Trust.Weights(guide, batch) : null;
        var clean = isPartial || Options.Alpha < 1 ? batch.Student.call(batch.Images) : null;
        if (Options.StatisticsPasses && clean is null) batch.MoveStatistics(batch.Images);
        var attacked = batch.Report(batch.Student.call(adversarial));
        if (Options.StatisticsPasses) batch.MoveStatistics(batch.Images);
        if (Options.StatisticsPasses && isPartial) batch.MoveStatistics(batch.Images);
        return Loss(batch, attacked, clean, guide, trust);
    }
}
