namespace Ard.Trainers.Objectives;

/// <summary>
/// The settings of <see cref="AdaAd"/>, as released: <see cref="InnerMaximisation.Adaptive"/>; both terms at temperature 1, a tenth of the
/// mean over the batch: at 10 classes the mean over batch and classes (at 100 the weight is 1 there).
/// </summary>
public sealed record AdaAdOptions() : AdversarialDistillationOptions(InnerMaximisation.Adaptive, DistillationTerm.TenthOfMean)
{
    /// <summary>Whether the released code's pass of clean images at alpha 1, for running statistics only, is taken. Default true.</summary>
    public bool StatisticsPasses { get; init; } = true;
}

/// <summary>
/// Adaptive adversarial distillation (Huang et al., CVPR 2023): alpha KL(S(x') ‖ T(x')) + (1-alpha) KL(S(x) ‖ T(x)), where x' maximises the
/// first of the two, so that the attack looks for the points where student and teacher differ most. The teacher is attacked too: in the
/// attack the gradient flows through its answer, in the loss it is fixed. The student sees x first, then x'.
/// </summary>
internal sealed class AdaAd(AdaAdOptions? options = null) : AdversarialObjective<AdaAdOptions>(options)
{
    public override string Name => "adaad";
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
