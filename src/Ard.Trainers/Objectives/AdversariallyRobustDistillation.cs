namespace Ard.Trainers.Objectives;

/// <summary>
/// The settings of <see cref="AdversariallyRobustDistillation"/>. The defaults are what the released code computes (2019-05-23):
/// <see cref="InnerMaximisation"/> with the student in train mode, so that with 10 steps an iteration moves the running statistics 12
/// times; temperature 30, a mean over batch and classes; the clean pass always runs.
/// </summary>
public sealed record ArdOptions() : AdversarialDistillationOptions(new(), new())
{
    /// <summary>Whether the released code's pass of clean images at alpha 1, for running statistics only, is taken. Default true.</summary>
    public bool StatisticsPasses { get; init; } = true;

    /// <summary>
    /// As the defaults with a tenth of the mean over the batch: at 10 classes exactly the same loss, at any other count of that scale (the
    /// released code's is a tenth of it at 100).
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
internal sealed class AdversariallyRobustDistillation(ArdOptions? options = null) : AdversarialObjective<ArdOptions>(options)
{
    public override string Name => "ard";
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
