using Ard.Trainers.Attacks;
using Ard.Trainers.Settings;

namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="FreeAdversarialTraining"/>.</summary>
internal sealed record FreeAdversarialTrainingOptions
{
    public FreePerturbation Free { get; init; } = new();
}

/// <summary>
/// Free adversarial training (Shafahi et al., NeurIPS 2019): CE(S(x + delta), y), the mean over the batch, where delta follows the gradient
/// of the same loss while the weights are trained: see <see cref="FreePerturbation"/>. An epoch takes m weight steps a batch, so a
/// training has 1/m of the usual epochs and costs what natural training costs.
/// </summary>
/// <exception cref="ArgumentException">A setting is wrong.</exception>
internal sealed class FreeAdversarialTraining(FreeAdversarialTrainingOptions? options = null) : Objective
{
    public FreeAdversarialTrainingOptions Options { get; } = (options ?? new()).Validated();

    public override string Name => "free";

    public override ThreatModel? Threat => Options.Free.Threat;

    public override int Replays => Options.Free.Replays;

    public override Tensor Loss(TrainingBatch batch) =>
        batch.CrossEntropy(batch.Report(batch.Student.call(Options.Free.Points(batch))));

    public override void AfterBackward(TrainingBatch batch) => Options.Free.Ascend(batch);
}
