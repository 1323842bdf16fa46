using System.ComponentModel.DataAnnotations;
using Ard.Trainers.Attacks;

namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="Rslad"/>; the defaults are those of the released code.</summary>
public sealed record RsladOptions
{
    /// <summary>The attack: <see cref="InnerMaximisation.Adaptive"/> with KL to the teacher's clean prediction.</summary>
    public InnerMaximisation Inner { get; init; } =
        InnerMaximisation.Adaptive with { Loss = InnerLoss.DivergenceFromTeacherOnClean };

    /// <summary>
    /// The distillation loss of both terms. Default temperature 1, mean over the batch with the weight 0.1: at 10 classes that is the mean
    /// over batch and classes of the released code, at 100 classes it is that mean with the factor 10 that the released code has there.
    /// </summary>
    public DistillationTerm Distillation { get; init; } = new() { Temperature = 1, Reduction = KlReduction.BatchMean, Weight = 0.1 };

    /// <summary>The share of the adversarial images' distillation; the rest is that of the clean images. Default 5/6.</summary>
    [Range(0.0, 1.0)]
    public double Alpha { get; init; } = 5.0 / 6;
}

/// <summary>
/// Robust soft label adversarial distillation (Zi, Zhao, Ma and Jiang, ICCV 2021): alpha KL(S(x') ‖ T(x)) + (1-alpha) KL(S(x) ‖ T(x)),
/// where x' maximises the first of the two. The teacher's prediction of the clean image takes the place of the label everywhere. The
/// student sees x' first, then x. The released code has 1e-5 inside the target's logarithm, which shifts its loss by a number that does not
/// depend on the student; it is left out here, and the gradients are the same.
/// </summary>
internal sealed class Rslad(RsladOptions? options = null) : Objective<RsladOptions>(options)
{
    public override string Name => "rslad";
    public override ThreatModel? Threat => Options.Inner.Threat;
    public override double LossScale(int classes) => Options.Distillation.Scale(classes);
    public override bool NeedsTeacher => true;

    public override Tensor Loss(TrainingBatch batch)
    {
        var adversarial = Options.Inner.Maximise(batch);
        var target = batch.TeacherLogits;
        var attacked = batch.Report(batch.Student.call(adversarial));
        var clean = batch.Student.call(batch.Images);
        return Options.Distillation.Loss(attacked, target).Times(Options.Alpha)
            .Plus(Options.Distillation.Loss(clean, target).Times(1 - Options.Alpha));
    }
}
