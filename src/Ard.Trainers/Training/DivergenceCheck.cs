using TorchSharp.Modules;

namespace Ard.Trainers.Training;

/// <summary>Whether losses and weights are finite, asked at intervals so that no step waits for the device.</summary>
internal sealed class DivergenceCheck(TrainingSetup setup)
{
    // Enough to find a teacher that fails on images at all.
    private const int ImagesToAskTeacher = 200;

    /// <summary>The means over so many steps of the epoch, else those so far.</summary>
    /// <exception cref="TrainingDivergedException">A loss is not finite.</exception>
    public (double Loss, double Accuracy) Losses(TrainingRun run, int? steps = null)
    {
        var (loss, accuracy, bad, badLoss) = run.Meter.Read(steps ?? run.Step);
        return bad < 0 ? (loss, accuracy) : throw Diverged(run, bad + 1, Invariant($"the loss is {badLoss}"));
    }

    /// <summary>Looks at all that learns.</summary>
    /// <exception cref="TrainingDivergedException">A weight is not finite.</exception>
    public void TrainedWeights(TrainingRun run)
    {
        foreach (var (prefix, network) in setup.Networks.Trained)
        {
            if (Weights.FirstNotFinite(network) is { } name)
                throw Diverged(run, run.Step, $"{name} of the {(prefix == "" ? "student" : "peer")} is not finite");
        }
    }

    private TrainingDivergedException Diverged(TrainingRun run, int step, string what)
    {
        var cause = setup.Teachers.Where(teacher => !IsFinite(teacher.Network))
                .Select(teacher => $"the {teacher.Role}, whose outputs are not finite").FirstOrDefault()
            ?? (setup.Batches.Count(step - 1) < 2 * setup.Group.Size && setup.Student.modules().OfType<BatchNorm>().Any()
                ? (setup.Group.Size == 1
                    ? "a batch of one image, of which batch normalisation has no variance: expected BatchSize 2 or more, and as many images"
                    : $"a batch of one image for a process, of which batch normalisation has no variance: expected 2 or more for each of "
                        + $"{setup.Group.Size} processes")
            : run.Epoch == 0 && step == 1 ? "the student's initial weights, or an objective that is not finite on this batch"
            : Invariant($"the learning rate, {run.LearningRate(step - 1):G4} at that step, is too high for this objective; ")
                + "a lower one may help, or a one-cycle schedule");
        return new TrainingDivergedException(run.Epoch + 1, step, what, cause);
    }

    // A module of one's own may give NaN by weights that are finite.
    private bool IsFinite(Module<Tensor, Tensor> network)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (images, _) = setup.Data.Batch(0, Math.Min(setup.Data.Count, ImagesToAskTeacher));
        return network.call(images.to(setup.DType)).isfinite().all().item<bool>();
    }
}
