namespace Ard.Trainers.Training;

/// <summary>The epochs so far: judges them by the validation images, and keeps the weights of the best one.</summary>
internal sealed class EpochSelection(TrainingSetup setup, WeightAverage? average, ProgressReporter reporter) : IDisposable
{
    public List<EpochRecord> History { get; } = [];

    /// <summary>The best epoch, from 1; null where none was validated.</summary>
    public int? BestEpoch { get; set; }

    public Dictionary<string, Tensor> BestWeights { get; } = [];

    private const double Rounding = 1e-9;

    private EpochRecord? Best => BestEpoch is { } epoch ? History[epoch - 1] : null;

    /// <summary>Takes in an epoch that is over; where it is time to, validates it first.</summary>
    public void Add(EpochRecord epoch, CancellationToken cancellation)
    {
        var validates = setup.Validation is not null
            && (epoch.Epoch % setup.Options.ValidateEveryEpochs == 0 || epoch.Epoch == setup.Epochs);
        // Until then the student has the mean weights, which are judged and kept.
        using var averaged = validates && average is { Count: > 0 } ? average.ApplyTo(setup.Student) : null;
        if (averaged is not null) FitStatistics();
        if (validates)
        {
            var (clean, robust) = reporter.Validating(() => Evaluate(cancellation));
            epoch = epoch with { ValidationAccuracy = clean, RobustValidationAccuracy = robust };
        }
        // Where its report threw an exception, it was taken in before.
        History.RemoveAll(one => one.Epoch == epoch.Epoch);
        if (BestEpoch == epoch.Epoch) BestEpoch = null;
        var isBetter = validates && IsBetter(epoch);
        History.Add(epoch with { Seconds = reporter.EpochSeconds });
        if (!isBetter) return;
        BestEpoch = epoch.Epoch;
        KeepWeights();
        WriteModel();
    }

    public IEnumerable<string> Advice() => TrainingAdvice.After(setup, History[^1], Best);

    /// <summary>Gives the student the result's weights. Epochs, those it had and has, are null between two epochs' ends.</summary>
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

    public void WriteModel()
    {
        if (BestFile is not { } file) return;
        var metadata = new Dictionary<string, string> { ["ard.epoch"] = JsonSerializer.Serialize(History[^1], TrainingCheckpoint.Json) };
        ModelFile.Write(file, setup.Student, metadata);
    }

    /// <summary>As long as there is no best epoch, a best model in the folder is that of another training.</summary>
    public void RemoveModelOfBefore()
    {
        if (BestEpoch is null && BestFile is { } file) File.Delete(file);
    }

    private string? BestFile =>
        setup.Options.CheckpointFolder is { } folder && setup.Group.Rank == 0 ? Path.Combine(folder, "best.safetensors") : null;

    public void Dispose()
    {
        foreach (var tensor in BestWeights.Values) tensor.Dispose();
    }

    // The highest of many accuracies of few images is the highest by chance. So it is the last epoch that they cannot tell from the best:
    // within one standard error of it (Breiman et al., Classification and Regression Trees, 1984), and of the best of such on clean images.
    private bool IsBetter(EpochRecord epoch)
    {
        if (Best is not { } best) return true;
        var most = History.Append(epoch).Max(Judged)!.Value;
        var clean = History.Append(epoch).Where(one => IsLevel(Judged(one), most)).Max(one => one.ValidationAccuracy)!.Value;
        if (!IsLevel(Judged(epoch), most)) return false;
        // The weights of an epoch between them, which is level in both, are there no more.
        return IsLevel(epoch.ValidationAccuracy, clean) || !IsLevel(Judged(best), most)
            || (!IsLevel(best.ValidationAccuracy, clean) && epoch.ValidationAccuracy > best.ValidationAccuracy);

        double? Judged(EpochRecord one) => setup.MeetsAdversary ? one.RobustValidationAccuracy : one.ValidationAccuracy;

        bool IsLevel(double? accuracy, double with) => accuracy >= with - Math.Sqrt(with * (1 - with) / setup.Validation!.Count) - Rounding;
    }

    // The shares of images that are right, clean and under attack; of several processes each looks at some of the images.
    private (double Clean, double Robust) Evaluate(CancellationToken cancellation)
    {
        // Only the figures are wanted here, as cheap as they can be, and of weights that are others each time.
        var evaluator = new RobustnessEvaluator(setup.Options.Validation with
        {
            CheckNetwork = false,
            StateFile = null,
            ExamplesFile = null,
            Shard = null,
            Group = ProcessGroup.Alone,
        });
        var validation = setup.Validation!;
        var share = new BatchShare(setup.Group, validation.Count);
        using var scope = NewDisposeScope();
        // Clean, under attack, cancelled.
        var counts = new double[3];
        try
        {
            if (share.Own > 0)
            {
                var all = new EvaluationSubject(nameof(Trainer), setup.Student, validation, validation.Labels, null, cancellation);
                var report = evaluator.EvaluateRows(all.Part(share.Rows));
                (counts[0], counts[1]) = (report.Clean.CorrectCount, report.WorstCase.CorrectCount);
            }
        }
        catch (OperationCanceledException) when (setup.Group.Size > 1)
        {
            // The others do not know yet.
            counts[2] = 1;
        }
        setup.Group.Sum(counts);
        if (counts[2] > 0) throw new OperationCanceledException(cancellation);
        return (counts[0] / share.Count, counts[1] / share.Count);
    }

    private void FitStatistics()
    {
        if (setup.Options.Averaging!.RecomputesStatistics)
            BatchStatistics.Recompute(setup.Student, setup.Images, setup.Options.Seed, setup.Batches.BatchSize, setup.Group);
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
