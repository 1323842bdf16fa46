namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="FastArd"/>.</summary>
public sealed record FastArdOptions
{
    /// <summary>The perturbation. Default Linf 8/255, 8 replays.</summary>
    public FreePerturbation Free { get; init; } = new();

    /// <summary>Student on perturbed, teacher on clean images. Default ARD's: temperature 30, mean over batch and classes.</summary>
    public DistillationTerm Distillation { get; init; } = new();

    /// <summary>alpha, the share of the distillation; the rest is cross-entropy of the clean images with the labels. Default 1.</summary>
    [Range(0.0, 1.0)]
    public double Alpha { get; init; } = 1;
}

/// <summary>
/// Fast-ARD (Goldblum et al., AAAI 2020, algorithm 2): the objective of ARD, alpha T² KL(S_t(x + delta) ‖ T_t(x)) + (1-alpha) CE(S(x), y),
/// inside free adversarial training: see <see cref="FreePerturbation"/>. With ceil(200/m) epochs of m replays it costs what natural
/// distillation costs. The clean images go through the student only below alpha 1.
/// </summary>
/// <remarks>Delta maximises the distillation loss, not cross-entropy as in ARD; the teacher is asked once a batch.</remarks>
internal sealed class FastArd(FastArdOptions? options = null) : Objective<FastArdOptions>(options)
{
    public override string Name => "fast-ard";
    public override ThreatModel? Threat => Options.Free.Threat;
    public override double LossScale(int classes) => Options.Distillation.Scale(classes, Options.Alpha);
    public override bool NeedsTeacher => true;
    public override int Replays => Options.Free.Replays;

    public override Tensor Loss(TrainingBatch batch)
    {
        var target = batch.TeacherLogits;
        var attacked = batch.Report(batch.Student.call(Options.Free.Points(batch)));
        var loss = Options.Distillation.Loss(attacked, target).Times(Options.Alpha);
        return Options.Alpha == 1 ? loss : loss.Plus(batch.CrossEntropy(batch.Student.call(batch.Images)).Times(1 - Options.Alpha));
    }

    public override void AfterBackward(TrainingBatch batch) => Options.Free.Ascend(batch);
}
