namespace Ard.Trainers.Objectives;

/// <summary>
/// The settings of <see cref="Iad"/>, by default those of the released code: the attack of ARD, cross-entropy with the student in train
/// mode; between the student on adversarial and the teacher on clean images temperature 1, a mean over the batch.
/// </summary>
public record IadOptions : AdversarialDistillationOptions
{
    /// <summary>The defaults of IAD.</summary>
    public IadOptions() : base(new(), new() { Temperature = 1, Reduction = KlReduction.BatchMean }) { }

    private protected IadOptions(InnerMaximisation inner, DistillationTerm distillation) : base(inner, distillation) { }

    /// <summary>A, the trust in the teacher. Default T(x')[y]^0.1 from epoch 60 of 200 on, and 1 before.</summary>
    public TeacherTrust Trust { get; init; } = new();

    /// <summary>
    /// Whether the trust also weights the teacher's term, point by point, so that A and 1-A share out the two targets. Default false: in
    /// the released code the teacher's term keeps its full weight, and the student's own clean prediction is added with the weight 1-A.
    /// </summary>
    public bool TrustWeightsTeacher { get; init; }

    /// <summary>
    /// Whether the released codes' passes are taken that only move the running statistics: IAD's x' a second time, x at alpha 1, and x a
    /// second time where trust is partial; AdaIAD's x a second time, a third where trust is partial, and the first at alpha 1. Default
    /// true.
    /// </summary>
    public bool StatisticsPasses { get; init; } = true;
}

/// <summary>The settings of <see cref="AdaIad"/>, by default as released: the attack of AdaAD; temperature 30, a batch mean.</summary>
public sealed record AdaIadOptions() : IadOptions(InnerMaximisation.Adaptive, new() { Reduction = KlReduction.BatchMean });

internal abstract class IntrospectiveDistillation<TOptions>(TOptions? options) : AdversarialObjective<TOptions>(options)
    where TOptions : IadOptions, new()
{
    public override double LossScale(int classes) => Options.Distillation.Scale(classes, Options.Alpha);
    public override bool NeedsTeacher => true;

    /// <summary>The loss of the logits of x' and x; those of x are needed where the trust is partial and where alpha is below 1.</summary>
    private protected Tensor Loss(TrainingBatch batch, Tensor attacked, Tensor? clean, Tensor teacher, Tensor? trust)
    {
        var alpha = Options.Alpha;
        var loss = Options.Distillation.Loss(attacked, teacher, Options.TrustWeightsTeacher ? trust : null).Times(alpha);
        if (trust is not null) loss = loss.Plus(KlDivergence.Between(attacked, clean!, weights: 1.Minus(trust)).Times(alpha));
        return alpha < 1 ? loss.Plus(batch.CrossEntropy(clean!).Times(1 - alpha)) : loss;
    }
}

/// <summary>
/// Introspective adversarial distillation based on ARD, IAD-I (Zhu et al., ICLR 2022): alpha T² KL(S_t(x') ‖ T_t(x)) + alpha (1-A) KL(S(x')
/// ‖ S(x)) + (1-alpha) CE(S(x), y), means over the batch. Where the teacher is unsure of the true class of x', its trust A is small and the
/// student listens to its own prediction of the clean image too. The gradient flows through both sides of that second divergence, as in the
/// released code (of 2022-02-19), and not through A.
/// </summary>
internal sealed class Iad(IadOptions? options = null) : IntrospectiveDistillation<IadOptions>(options)
{
    public override string Name => "iad";

    public override Tensor Loss(TrainingBatch batch)
    {
        var isPartial = Options.Trust.IsPartial(batch);
        var adversarial = Options.Inner.Maximise(batch);
        var target = batch.TeacherLogits;
        var trust = isPartial ? Options.Trust.Weights(batch.AskTeacher(adversarial), batch) : null;
        var attacked = batch.Report(batch.Student.call(adversarial));
        if (Options.StatisticsPasses) batch.MoveStatistics(adversarial);
        var clean = isPartial || Options.Alpha < 1 ? batch.Student.call(batch.Images) : null;
        if (Options.StatisticsPasses && (isPartial || clean is null)) batch.MoveStatistics(batch.Images);
        return Loss(batch, attacked, clean, target, trust);
    }
}

/// <summary>
/// AdaAD's attack with IAD's loss (Huang et al., CVPR 2023, where it is called AdaIAD):
/// alpha T² KL(S_t(x') ‖ T_t(x')) + alpha (1-A) KL(S(x') ‖ S(x)) + (1-alpha) CE(S(x), y), means over the batch. Other than in
/// <see cref="Iad"/>, the teacher sees the adversarial image. The gradient flows through both sides of the second divergence and not
/// through A. The student sees x first, then x'.
/// </summary>
internal sealed class AdaIad(AdaIadOptions? options = null) : IntrospectiveDistillation<AdaIadOptions>(options)
{
    public override string Name => "adaiad";

    public override Tensor Loss(TrainingBatch batch)
    {
        var isPartial = Options.Trust.IsPartial(batch);
        var adversarial = Options.Inner.Maximise(batch);
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

/// <summary>How far a student trusts its teacher on each point: T(x')[y] to a power (Zhu et al., ICLR 2022). 1 is full trust.</summary>
public sealed record TeacherTrust
{
    /// <summary>beta, the power. Default 0.1. At 0 the trust is full.</summary>
    [Range(0, double.MaxValue)]
    public double Exponent { get; init; } = 0.1;

    /// <summary>The share of the training in full trust. Default 0.3: up to epoch 60 of the published 200. At 1 trust is full.</summary>
    [Range(0.0, 1.0)]
    public double FullTrustShare { get; init; } = 0.3;

    /// <summary>Whether the trust may be less than full in the epoch of the batch.</summary>
    internal bool IsPartial(TrainingBatch batch) => batch.Epoch >= Math.Round(FullTrustShare * batch.Epochs);

    /// <summary>T(x')[y] to the power <see cref="Exponent"/>: [N], from 0 to 1; classes of mixed images count by shares.</summary>
    internal Tensor Weights(Tensor teacher, TrainingBatch batch)
    {
        var logP = teacher.log_softmax(1);
        var truth = batch.SoftLabels is { } shares
            ? logP.Plus(shares.log()).logsumexp(1)
            : logP.gather(1, batch.Labels.unsqueeze(1)).squeeze(1);
        return truth.Times(Exponent).exp();
    }
}
