using Ard.Trainers.Attacks;
using Ard.Trainers.Settings;

namespace Ard.Trainers.Objectives;

/// <summary>
/// AdaAD's attack with IAD's loss (Huang et al., CVPR 2023, where it is called AdaIAD):
/// alpha T² KL(S_t(x') ‖ T_t(x')) + alpha (1-A) KL(S(x') ‖ S(x)) + (1-alpha) CE(S(x), y), means over the batch. Other than in
/// <see cref="Iad"/>, the teacher sees the adversarial image. The gradient flows through both sides of the second divergence and not
/// through A. The student sees x first, then x'.
/// </summary>
/// <param name="options">The settings.</param>
/// <exception cref="ArgumentException">A setting is wrong.</exception>
internal sealed class AdaIad(IadOptions? options = null) : Objective
{
    /// <summary>The defaults: the attack of AdaAD, and temperature 30.</summary>
    public static IadOptions Defaults { get; } = new()
    {
        Inner = InnerMaximisation.Adaptive,
        Distillation = new() { Reduction = KlReduction.BatchMean },
    };

    /// <summary>The settings, all of them.</summary>
    public IadOptions Options { get; } = (options ?? new()).Or(Defaults).Validated();

    private InnerMaximisation Inner => Options.Inner!;

    private DistillationTerm Term => Options.Distillation!;

    public override string Name => "adaiad";

    public override ThreatModel? Threat => Inner.Threat;

    public override double LossScale(int classes) => Term.Scale(classes, Options.Alpha);

    public override bool NeedsTeacher => true;

    public override Tensor Loss(TrainingBatch batch)
    {
        var (alpha, isPartial) = (Options.Alpha, Options.Trust.IsPartial(batch));
        var adversarial = Inner.Maximise(batch);
        var guide = batch.AskTeacher(adversarial);
        var trust = isPartial ? Options.Trust.Weights(guide, batch) : null;
        var clean = isPartial || alpha < 1 ? batch.Student.call(batch.Images) : null;
        if (Options.StatisticsPasses && clean is null) batch.MoveStatistics(batch.Images);
        var attacked = batch.Report(batch.Student.call(adversarial));
        if (Options.StatisticsPasses) batch.MoveStatistics(batch.Images);
        if (Options.StatisticsPasses && isPartial) batch.MoveStatistics(batch.Images);

        var loss = Term.Loss(attacked, guide, Options.TrustWeightsTeacher ? trust : null).Times(alpha);
        if (trust is not null) loss = loss.Plus(KlDivergence.Between(attacked, clean!, weights: 1.Minus(trust)).Times(alpha));
        return alpha < 1 ? loss.Plus(batch.CrossEntropy(clean!).Times(1 - alpha)) : loss;
    }
}
