using Ard.Trainers.Attacks;
using Ard.Trainers.Settings;

namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="AdversarialTraining"/>.</summary>
public sealed record AdversarialTrainingOptions
{
    /// <summary>
    /// The inner maximisation. Default Linf 8/255, 10 steps of 2/255, uniform start clamped to [0,1], cross-entropy, student in eval mode:
    /// then each iteration moves the running statistics once, by the images that the loss is taken on.
    /// </summary>
    public InnerMaximisation Inner { get; init; } = new() { Start = Start.Uniform, Mode = AttackMode.Eval };
}

/// <summary>
/// Adversarial training (Madry et al., ICLR 2018): CE(S(x'), y), the mean over the batch, x' from the inner maximisation.
/// </summary>
/// <param name="options">The settings.</param>
/// <exception cref="ArgumentException">A setting is wrong.</exception>
internal sealed class AdversarialTraining(AdversarialTrainingOptions? options = null) : Objective
{
    public AdversarialTrainingOptions Options { get; } = (options ?? new()).Validated();

    public override string Name => "adversarial-training";

    public override ThreatModel? Threat => Options.Inner.Threat;

    public override Tensor Loss(TrainingBatch batch)
    {
        var adversarial = Options.Inner.Maximise(batch);
        return batch.CrossEntropy(batch.Report(batch.Student.call(adversarial)));
    }
}
