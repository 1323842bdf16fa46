namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="Distillation"/>.</summary>
public sealed record DistillationOptions
{
    /// <summary>The distillation loss. Default that of the released code of ARD: temperature 30, mean over batch and classes.</summary>
    public DistillationTerm Distillation { get; init; } = new();

    /// <summary>alpha, the share of the distillation loss; the rest is cross-entropy with the labels. Default 1.</summary>
    [Range(0.0, 1.0)]
    public double Alpha { get; init; } = 1;
}

/// <summary>
/// Knowledge distillation on clean images: alpha T² KL(S_t(x) ‖ T_t(x)) + (1-alpha) CE(S(x), y). From a robust teacher the student inherits
/// some robustness without seeing an adversarial example (Goldblum et al., AAAI 2020, section 4).
/// </summary>
internal sealed class Distillation(DistillationOptions? options = null) : Objective<DistillationOptions>(options)
{
    public override string Name => "distillation";
    public override double LossScale(int classes) => Options.Distillation.Scale(classes, Options.Alpha);
    public override bool NeedsTeacher => true;

    public override Tensor Loss(TrainingBatch batch)
    {
        var target = batch.TeacherLogits;
        var logits = batch.Report(batch.Student.call(batch.Images));
        var loss = Options.Distillation.Loss(logits, target).Times(Options.Alpha);
        return Options.Alpha == 1 ? loss : loss.Plus(batch.CrossEntropy(logits).Times(1 - Options.Alpha));
    }
}
