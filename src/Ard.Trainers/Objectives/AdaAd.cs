using System.ComponentModel.DataAnnotations;
using Ard.Trainers.Attacks;

namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="AdaAd"/>; the defaults are those of the released code.</summary>
public sealed record AdaAdOptions
{
    /// <summary>
    /// The inner maximisation, <see cref="InnerMaximisation.Adaptive"/>: Linf 8/255, 10 steps of 2/255 from 0.001 · N(0,1) around the
    /// image, KL to the teacher's prediction of the same point, student in eval mode.
    /// </summary>
    public InnerMaximisation Inner { get; init; } = InnerMaximisation.Adaptive;

    /// <summary>
    /// The distillation loss of both terms. Default temperature 1, mean over the batch with the weight 0.1: at 10 classes that is the mean
    /// over batch and classes of the released code; at 100 classes the released code has the weight 1.
    /// </summary>
    public DistillationTerm Distillation { get; init; } = new() { Temperature = 1, Reduction = KlReduction.BatchMean, Weight = 0.1 };

    /// <summary>alpha, the share of the adversarial images' distillation; the rest is that of the clean images. Default 1.</summary>
    [Range(0.0, 1.0)]
    public double Alpha { get; init; } = 1;

    /// <summary>Whether the released code's pass of clean images at alpha 1, for running statistics only, is taken. Default true.</summary>
    public bool StatisticsPasses { get; init; } = true;
}

/// <summary>
/// Adaptive adversarial distillation (Huang et al., CVPR 2023): alpha KL(S(x') ‖ T(x')) + (1-alpha) KL(S(x) ‖ T(x)), where x' maximises the
/// first of the two, so that the attack looks for the points where student and teacher differ most. The teacher is attacked too: in the
/// attack the gradient flows through its answer, in the loss it is fixed. The student sees x first, then x'.
/// </summary>
internal sealed class AdaAd(AdaAdOptions? options = null) : Objective<AdaAdOptions>(options)
{
    public override string Name => "adaad";
    public override ThreatModel? Threat => Options.Inner.Threat;
    public override double LossScale(int classes) => Options.Distillation.Scale(classes);
    public override bool NeedsTeacher => true;

    public override Tensor Loss(TrainingBatch batch)
    {
        var adversarial = Options.Inner.Maximise(batch);
        var guide = batch.AskTeacher(adversarial);
        var target = Options.Alpha < 1 ? batch.TeacherLogits : null;
        var clean = Options.Alpha < 1 ? batch.Student.call(batch.Images) : null;
        if (clean is null && Options.StatisticsPasses) batch.MoveStatistics(batch.Images);
        var attacked = batch.Report(batch.Student.call(adversarial));
        var loss = Options.Distillation.Loss(attacked, guide).Times(Options.Alpha);
        return clean is null ? loss : loss.Plus(Options.Distillation.Loss(clean, target!).Times(1 - Options.Alpha));
    }
}
