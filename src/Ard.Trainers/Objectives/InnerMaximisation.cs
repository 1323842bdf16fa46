namespace Ard.Trainers.Objectives;

/// <summary>The mode of the student, and with it of its batch normalisation, during the inner maximisation.</summary>
public enum AttackMode
{
    /// <summary>Train mode, as the loop set it: every attack step normalises by the batch and moves the running statistics.</summary>
    Train,

    /// <summary>Eval mode: running statistics are used and left alone. Afterwards every module has its own mode again.</summary>
    Eval,
}

/// <summary>
/// The inner maximisation of adversarial training: the settings of the attack on each training batch. The defaults are those of the
/// released code of ARD: Linf 8/255, 10 steps of 2/255 from a uniform start that is not clamped, cross-entropy, student in train mode.
/// </summary>
public sealed record InnerMaximisation
{
    /// <summary>What is allowed. Default Linf, 8/255.</summary>
    public ThreatModel Threat { get; init; } = ThreatModel.Cifar10;

    /// <summary>The number of steps. Default 10.</summary>
    [Range(0, int.MaxValue)]
    public int Steps { get; init; } = 10;

    /// <summary>The length of a step in the norm of the threat model, in units of [0,1] images. Default 2/255.</summary>
    [Range(0, double.MaxValue)]
    public double StepSize { get; init; } = 2.0 / 255;

    /// <summary>Where it starts. Default uniform, not clamped to [0,1].</summary>
    public Start Start { get; init; } = Start.UniformUnclamped;

    /// <summary>The student's mode meanwhile. Default train.</summary>
    public AttackMode Mode { get; init; } = AttackMode.Train;

    /// <summary>What is made large. Default cross-entropy with the labels.</summary>
    public InnerLoss Loss { get; init; } = InnerLoss.CrossEntropy;

    /// <summary>Whether steps are projected onto the threat model, or clamped to [0,1] only. Default true.</summary>
    public bool Project { get; init; } = true;

    /// <summary>What looks for catastrophic overfitting to an attack of one or two steps; null for nothing. Default null.</summary>
    public OverfittingGuard? Guard { get; init; }

    /// <summary>One step of 1.25 epsilon from a random start in the ball (Wong, Rice and Kolter, ICLR 2020); guarded.</summary>
    public static InnerMaximisation FgsmRs { get; } = new() { Steps = 1, StepSize = 10.0 / 255, Start = Start.Uniform, Guard = new() };

    /// <summary>In one step as N-FGSM (de Jorge et al., NeurIPS 2022): noise of 2 epsilon, then epsilon, not projected; guarded.</summary>
    public InnerMaximisation Fast() => this with
    {
        Steps = 1,
        StepSize = Threat.Epsilon,
        Start = Start.UniformTimes(2),
        Project = false,
        Guard = new(),
    };

    /// <summary>
    /// The attack of AdaAD's released code: Linf 8/255, 10 steps of 2/255 from 0.001 · N(0,1) around the image, KL to the teacher's
    /// prediction of the same point with the gradient through the teacher, student in eval mode.
    /// </summary>
    public static InnerMaximisation Adaptive { get; } = new()
    {
        Start = Start.Gaussian(0.001),
        Mode = AttackMode.Eval,
        Loss = InnerLoss.DivergenceFromTeacherOnSame,
    };

    /// <summary>The adversarial images of a batch. They are found once: the batch keeps them, and a second call gives them again.</summary>
    /// <param name="batch">The batch.</param>
    /// <returns>[N,...], allowed by the threat model where <see cref="Project"/> is set, without a graph.</returns>
    public Tensor Maximise(TrainingBatch batch) =>
        batch.Adversarial ??= Guard is { } guard && guard.TakesOver(batch, this) ? guard.Pgd(this).Search(batch) : Search(batch);

    internal Tensor Search(TrainingBatch batch)
    {
        using var mode = Mode == AttackMode.Eval ? ModelState.Eval(batch.Student) : null;
        using var frozen = ModelState.Freeze(batch.Student);
        using var folded = Mode == AttackMode.Eval ? FoldedNorm.Fold(batch.Student) : null;
        var start = batch.StartNoise is { } noise ? batch.Images.Plus(noise) : Start.Points(batch.Images, Threat, batch.Noise);
        if (Project && Steps == 0) return Threat.Project(start.detach(), batch.Images);
        // No point in [0,1] is outside of a ball of this size.
        var values = batch.Images.shape[1..].Aggregate(1L, (product, size) => product * size);
        var reach = Project ? Threat : new ThreatModel(Threat.Norm, values);
        return Pgd.Maximise(Loss.Prepare(batch), batch.Images, start, reach, StepSize, Steps);
    }
}
