using System.ComponentModel.DataAnnotations;
using Ard.Trainers.Attacks;
using Ard.Trainers.Networks;
using Ard.Trainers.Settings;

namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="FastAdversarialTraining"/>; the defaults are <see cref="FgsmRs"/>.</summary>
public sealed record FastAdversarialTrainingOptions
{
    /// <summary>What is allowed. Default Linf, 8/255.</summary>
    public ThreatModel Threat { get; init; } = ThreatModel.Cifar10;

    /// <summary>The size of the uniform noise at the start, in units of epsilon; then clamped to [0,1]. Default 1.</summary>
    [Range(0, double.MaxValue)]
    public double Noise { get; init; } = 1;

    /// <summary>The length of the one step, in units of epsilon. Default 1.25.</summary>
    [Range(0, double.MaxValue)]
    public double Step { get; init; } = 1.25;

    /// <summary>
    /// Whether the result is projected onto the threat model; otherwise it is only clamped to [0,1] and may be up to noise and step away.
    /// Default true.
    /// </summary>
    public bool Project { get; init; } = true;

    /// <summary>The student's mode during the attack. Default train, as in both released codes.</summary>
    public AttackMode Mode { get; init; } = AttackMode.Train;

    /// <summary>What looks for catastrophic overfitting; null for nothing. Default every 50 batches.</summary>
    public OverfittingGuard? Guard { get; init; } = new();

    /// <summary>
    /// FGSM with a random start (Wong, Rice and Kolter, ICLR 2020): noise of epsilon, a step of 1.25 epsilon, projected.
    /// </summary>
    public static FastAdversarialTrainingOptions FgsmRs { get; } = new();

    /// <summary>N-FGSM (de Jorge et al., NeurIPS 2022): noise of 2 epsilon, a step of epsilon, not projected.</summary>
    public static FastAdversarialTrainingOptions NFgsm { get; } = new() { Noise = 2, Step = 1, Project = false };
}

/// <summary>
/// Adversarial training with one attack step from a random start: CE(S(x'), y), the mean over the batch. Costs two passes a batch. A guard
/// falls back to PGD where the student overfits to the one step.
/// </summary>
/// <param name="options">The settings; default <see cref="FastAdversarialTrainingOptions.FgsmRs"/>.</param>
/// <exception cref="ArgumentException">A setting is wrong.</exception>
internal sealed class FastAdversarialTraining(FastAdversarialTrainingOptions? options = null) : Objective
{
    public FastAdversarialTrainingOptions Options { get; } = (options ?? new()).Validated();

    public override string Name => "fast-at";

    public override ThreatModel? Threat => Options.Threat;

    /// <summary>
    /// The loss. Waits for the device on the batches that the guard looks at, and on no others.
    /// </summary>
    public override Tensor Loss(TrainingBatch batch)
    {
        var adversarial = Options.Guard is { } guard && guard.TakesOver(batch, Options.Threat, OneStep)
            ? guard.Pgd(Options.Threat).Maximise(batch)
            : OneStep(batch);
        return batch.CrossEntropy(batch.Report(batch.Student.call(adversarial)));
    }

    private Tensor OneStep(TrainingBatch batch) => batch.Adversarial ??= Search(batch);

    private Tensor Search(TrainingBatch batch)
    {
        var (norm, epsilon) = (Options.Threat.Norm, Options.Threat.Epsilon);
        using var mode = Options.Mode == AttackMode.Eval ? ModuleModes.Eval(batch.Student) : null;
        var noise = new ThreatModel(norm, Options.Noise * epsilon);
        var start = batch.StartNoise is { } given
            ? noise.Project(batch.Images.Plus(given), batch.Images)
            : Start.Uniform.Points(batch.Images, noise, batch.Noise);
        // Noise and step together stay in a ball of this size, so that projecting onto it only clamps to [0,1].
        var reach = Options.Project ? Options.Threat : new ThreatModel(norm, (Options.Noise + Options.Step) * epsilon);
        return Pgd.Maximise(InnerLoss.CrossEntropy.On(batch), batch.Images, start, reach, Options.Step * epsilon, steps: 1);
    }
}
