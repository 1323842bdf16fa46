using System.Text.Json;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using static TorchSharp.torch;

namespace Ard.Trainers.Training;

/// <summary>The epochs so far: judges them by the validation images, and keeps the weights of the best one.</summary>
internal sealed class EpochSelection(TrainingSetup setup, WeightAverage? average, ProgressReporter reporter) : IDisposable
{
    public List<EpochRecord> History { get; } = [];

    /// <summary>The best epoch, from 1; null where none was validated.</summary>
    public int? BestEpoch { get; set; }

    public Dictionary<string, Tensor> BestWeights { get; } = [];

    private EpochRecord? Best => BestEpoch is { } epoch ? History[epoch - 1] : null;

    /// <summary>Takes in an epoch that is over; where it is time to, validates it first.</summary>
    public void Add(EpochRecord epoch, CancellationToken cancellation)
    {
        var validates = setup.Validation is not null
            && (epoch.Epoch % setup.Options.ValidateEveryEpochs == 0 || epoch.Epoch == setup.Epochs);
        using var averaged = validates ? UseAverage() : null;
        if (validates)
        {
            var judged = reporter.Validating(() => Evaluate(cancellation));
            epoch = epoch with { ValidationAccuracy = judged.Clean.Accuracy, RobustValidationAccuracy = judged.WorstCase.Accuracy };
        }
        History.Add(epoch with { Seconds = reporter.EpochSeconds });
        if (!validates || (Best is { } best && Rank(epoch).CompareTo(Rank(best)) < 0)) return;
        BestEpoch = epoch.Epoch;
        KeepWeights();
        WriteModel();
    }

    /// <summary>What there is to warn of after the last epoch.</summary>
    public IEnumerable<string> Advice() => TrainingAdvice.After(setup, History[^1], Best);

    /// <summary>Gives the student the weights that the training results in.</summary>
    /// <param name="lastEpoch">The epoch, from 1, whose weights it has; null where it is between two epochs' ends.</param>
    /// <returns>The epoch whose weights it has then.</returns>
    public int? Finish(int? lastEpoch)
    {
        if (BestEpoch is not null && setup.Options.KeepBest)
        {
            Weights.Load(setup.Student, BestWeights);
            return BestEpoch;
        }
        if (average is { Count: > 0 })
        {
            Weights.Load(setup.Student, average.Values);
            FitStatistics();
        }
        return lastEpoch;
    }

    /// <summary>Writes the student as the best model, where there is a folder.</summary>
    public void WriteModel()
    {
        if (setup.Options.CheckpointFolder is not { } folder) return;
        ModelFile.Write(Path.Combine(folder, "best.safetensors"), setup.Student, new Dictionary<string, string>
        {
            ["ard.epoch"] = JsonSerializer.Serialize(History[^1], TrainingCheckpoint.Json),
        });
    }

    public void Dispose()
    {
        foreach (var tensor in BestWeights.Values) tensor.Dispose();
    }

    // Epochs in rising order: under attack, then clean, then the later one.
    private (double, double, int) Rank(EpochRecord epoch)
    {
        var (clean, robust) = (epoch.ValidationAccuracy!.Value, epoch.RobustValidationAccuracy!.Value);
        return setup.MeetsAdversary ? (robust, clean, epoch.Epoch) : (clean, robust, epoch.Epoch);
    }

    private RobustnessReport Evaluate(CancellationToken cancellation)
    {
        // Only the figures are wanted here, as cheap as they can be, and of weights that are others each time.
        var figures = setup.Options.Validation with { CheckNetwork = false, StateFile = null, ExamplesFile = null };
        return new RobustnessEvaluator(figures).Evaluate(
            setup.Student, setup.Validation!.Images, setup.Validation.Labels, null, cancellation);
    }

    // Until the result is disposed, the student has the mean weights, which are judged and kept; null where there are none.
    private IDisposable? UseAverage()
    {
        if (average is not { Count: > 0 }) return null;
        var applied = average.ApplyTo(setup.Student);
        try
        {
            FitStatistics();
        }
        catch
        {
            applied.Dispose();
            throw;
        }
        return applied;
    }

    private void FitStatistics()
    {
        if (setup.Options.Averaging!.RecomputesStatistics)
            BatchStatistics.Recompute(setup.Student, setup.Data, setup.Batches.BatchSize);
    }

    private void KeepWeights()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        foreach (var (name, value) in setup.Student.state_dict())
        {
            if (BestWeights.TryGetValue(name, out var copy)) copy.copy_(value);
            else BestWeights[name] = value.detach().clone().DetachFromDisposeScope();
        }
    }
}
