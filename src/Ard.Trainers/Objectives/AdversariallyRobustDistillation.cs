using System.ComponentModel.DataAnnotations;
using Ard.Trainers.Attacks;

namespace Ard.Trainers.Objectives;

/// <summary>
/// The settings of <see cref="AdversariallyRobustDistillation"/>. The defaults are what the released code computes (2019-05-23): the
/// student is attacked in train mode, so that with 10 steps an iteration moves the running statistics 12 times; the start is not clamped;
/// the clean pass always runs; the divergence is a mean over batch and classes.
/// </summary>
public sealed record ArdOptions
{
    /// <summary>The inner maximisation. Default that of the released code: see <see cref="InnerMaximisation"/>.</summary>
    public InnerMaximisation Inner { get; init; } = new();

    /// <summary>Of the student on adversarial, the teacher on clean images. Default temperature 30, mean over batch and classes.</summary>
    public DistillationTerm Distillation { get; init; } = new();

    /// <summary>alpha, the share of the distillation; the rest is cross-entropy of the clean images with the labels. Default 1.</summary>
    [Range(0.0, 1.0)]
    public double Alpha { get; init; } = 1;

    /// <summary>Whether the released code's pass of clean images at alpha 1, for running statistics only, is taken. Default true.</summary>
    public bool StatisticsPasses { get; init; } = true;

    /// <summary>
    /// As the defaults with the divergence as a mean over the batch and the weight 0.1: at 10 classes the loss is exactly the same number,
    /// and at any other count keeps that scale (the released code's is a tenth of it at 100).
    /// </summary>
    public static ArdOptions Corrected { get; } = new()
    {
        Distillation = new DistillationTerm { Reduction = KlReduction.BatchMean, Weight = 0.1 },
    };
}

/// <summary>
/// Adversarially robust distillation (Goldblum, Fowl, Feizi and Goldstein, AAAI 2020, algorithm 1): alpha T² KL(S_t(x') ‖ T_t(x)) +
/// (1-alpha) CE(S(x), y), where x' maximises the student's cross-entropy.
/// </summary>
internal sealed class AdversariallyRobustDistillation(ArdOptions? options = null) : Objective<ArdOptions>(options)
{
    public override string Name => "ard";
    public override ThreatModel? Threat => Options.Inner.Threat;
    public override double LossScale(int classes) => Options.Distillation.Scale(classes, Options.Alpha);
    public override bool NeedsTeacher => true;

    public override Tensor Loss(TrainingBatch batch)
    {
        var adversarial = Options.Inner.Maximise(batch);
        var target = batch.TeacherLogits;
        var attacked = batch.Report(batch.Student.call(adversarial));
        var loss = Options.Distillation.Loss(attacked, target).Times(Options.Alpha);
        if (Options.Alpha < 1) return loss.Plus(batch.CrossEntropy(batch.Student.call(batch.Images)).Times(1 - Options.Alpha));
        if (Options.StatisticsPasses) batch.MoveStatistics(batch.Images);
        return loss;
    }
}
