namespace Ard.Trainers.Objectives;

/// <summary>
/// The settings of <see cref="Rslad"/>, as released: <see cref="InnerMaximisation.Adaptive"/> with KL to the teacher's clean prediction;
/// both terms at temperature 1, a tenth of the mean over the batch: at 10 classes the mean over batch and classes, at 100 ten times that.
/// </summary>
public sealed record RsladOptions() : AdversarialDistillationOptions(
    InnerMaximisation.Adaptive with { Loss = InnerLoss.DivergenceFromTeacherOnClean }, DistillationTerm.TenthOfMean, alpha: 5.0 / 6);

/// <summary>
/// Robust soft label adversarial distillation (Zi, Zhao, Ma and Jiang, ICCV 2021): alpha KL(S(x') ‖ T(x)) + (1-alpha) KL(S(x) ‖ T(x)),
/// where x' maximises the first of the two. The teacher's prediction of the clean image takes the place of the label everywhere. The
/// student sees x' first, then x. The released code has 1e-5 inside the target's logarithm, which shifts its loss by a number that does not
/// depend on the student; it is left out here, and the gradients are the same.
/// </summary>
internal sealed class Rslad(RsladOptions? options = null) : AdversarialObjective<RsladOptions>(options)
{
    public override string Name => "rslad";
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
