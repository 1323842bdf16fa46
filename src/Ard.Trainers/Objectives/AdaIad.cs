using Ard.Trainers.Attacks;
using static TorchSharp.torch;

namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="AdaIad"/>; the defaults are those of the released code.</summary>
public sealed record AdaIadOptions
{
    /// <summary>The inner maximisation. Default that of AdaAD, <see cref="InnerMaximisation.Adaptive"/>.</summary>
    public InnerMaximisation Inner { get; init; } = InnerMaximisation.Adaptive;

    /// <summary>
    /// The distillation loss between student and teacher, both on adversarial images. Default temperature 30, mean over the batch.
    /// </summary>
    public DistillationTerm Distillation { get; init; } = new() { Reduction = KlReduction.BatchMean };

    /// <summary>A, the trust in the teacher. Default T(x')[y]^0.1 from epoch 60 of 200 on, and 1 before.</summary>
    public TeacherTrust Trust { get; init; } = new();

    /// <summary>
    /// Whether the trust also weights the teacher's term, point by point. Default false, as in the released code: see
    /// <see cref="IadOptions.TrustWeightsTeacher"/>.
    /// </summary>
    public bool TrustWeightsTeacher { get; init; }

    /// <summary>
    /// alpha, the share of the distillation and of the student's own soft label; the rest is cross-entropy of the clean images with the
    /// labels. Default 1.
    /// </summary>
    public double Alpha { get; init; } = 1;

    /// <summary>
    /// Whether the passes of the released code that add nothing to the gradient are taken, because they move the running statistics: x a
    /// second time, a third time where the trust is partial, and the first time at alpha 1 before that. Default true.
    /// </summary>
    public bool ExtraPasses { get; init; } = true;

    /// <summary>Checks the settings.</summary>
    /// <exception cref="ArgumentException">A setting is wrong; the message names every one that is.</exception>
    public void Validate() => OptionFaults.Throw(nameof(AdaIadOptions),
        [.. Inner.Faults(), .. Distillation.Faults(), .. Trust.Faults(), .. OptionFaults.Share(nameof(Alpha), Alpha)]);
}

/// <summary>
/// AdaAD's attack with IAD's loss (Huang et al., CVPR 2023, where it is called AdaIAD):
/// alpha T² KL(S_t(x') ‖ T_t(x')) + alpha (1-A) KL(S(x') ‖ S(x)) + (1-alpha) CE(S(x), y), means over the batch. Other than in
/// <see cref="Iad"/>, the teacher sees the adversarial image. The gradient flows through both sides of the second divergence and not
/// through A. The student sees x first, then x'.
/// </summary>
/// <param name="options">The settings.</param>
/// <exception cref="ArgumentException">A setting is wrong.</exception>
internal sealed class AdaIad(AdaIadOptions? options = null) : Objective
{
    /// <summary>The settings.</summary>
    public AdaIadOptions Options { get; } = OptionFaults.Checked(options ?? new(), static o => o.Validate());

    /// <inheritdoc/>
    public override string Name => "adaiad";

    /// <inheritdoc/>
    public override string Description => $"{Name} {Options}";

    /// <inheritdoc/>
    public override ThreatModel? Threat => Options.Inner.Threat;

    /// <inheritdoc/>
    public override double LossScale(int classes) => Options.Alpha * Options.Distillation.Scale(classes) + (1 - Options.Alpha);

    /// <inheritdoc/>
    public override bool NeedsTeacher => true;

    /// <inheritdoc/>
    public override Tensor Loss(TrainingBatch batch)
    {
        var (alpha, isPartial) = (Options.Alpha, Options.Trust.IsPartial(batch));
        var adversarial = Options.Inner.Maximise(batch);
        var guide = batch.AskTeacher(adversarial);
        var trust = isPartial ? Options.Trust.Of(guide, batch.Labels) : null;
        var clean = isPartial || alpha < 1 ? batch.Student.call(batch.Images) : null;
        if (Options.ExtraPasses && clean is null) batch.MoveStatistics(batch.Images);
        var attacked = batch.Report(batch.Student.call(adversarial));
        if (Options.ExtraPasses) batch.MoveStatistics(batch.Images);
        if (Options.ExtraPasses && isPartial) batch.MoveStatistics(batch.Images);

        var loss = Options.Distillation.Loss(attacked, guide, Options.TrustWeightsTeacher ? trust : null).Times(alpha);
        if (trust is not null) loss = loss.Plus(KlDivergence.Between(attacked, clean!, weights: 1.Minus(trust)).Times(alpha));
        return alpha < 1 ? loss.Plus(batch.CrossEntropy(clean!).Times(1 - alpha)) : loss;
    }
}
