namespace Ard.Trainers.Training;

/// <summary>The training loop, the same for every <see cref="Objective"/>.</summary>
public static class Trainer
{
    /// <summary>
    /// Trains a student. On the CPU the same arguments give the same weights bit for bit, also when the training is stopped at any point
    /// and resumed from its checkpoint with the same number of threads. In several processes a checkpoint within an epoch makes their
    /// running statistics of batch normalisation one, as the end of an epoch does.
    /// </summary>
    /// <param name="networks">The student, alone or with the networks that the objective needs beside it.</param>
    /// <param name="objective">The training method.</param>
    /// <param name="data">The training images; without a validation set a share is set aside, as the options say.</param>
    /// <param name="options">The settings. Default: <see cref="TrainingOptions.WithDefaults"/> for method and images.</param>
    /// <param name="validation">Images to choose the best epoch by; classes go by name. Default: some of <paramref name="data"/>.</param>
    /// <param name="progress">Told at intervals and after each epoch, on this thread.</param>
    /// <param name="cancellation">Looked at before each step and during validation.</param>
    /// <exception cref="ArgumentException">Options or arguments do not fit, all named; or a teacher is no better than chance.</exception>
    /// <exception cref="InvalidOperationException">Gradients of convolutions are wrong on this machine's CPU.</exception>
    /// <exception cref="TrainingDivergedException">The loss or the weights became NaN or infinite.</exception>
    /// <exception cref="DataFileException">The checkpoint to be resumed is damaged, or of another training.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and the options say throw, or not a step was done.</exception>
    public static TrainingResult Fit(
        TrainingNetworks networks,
        Objective objective,
        ImageDataset data,
        TrainingOptions? options = null,
        ImageDataset? validation = null,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(networks);
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(data);
        options ??= new TrainingOptions();
        var group = options.Group ?? ProcessGroup.Current;
        using var setup = group.Together(() => new TrainingSetup(networks, objective, data, validation, options, cancellation));
        setup.SynchroniseProcesses();
        using var run = new TrainingRun(setup, progress, cancellation);
        try
        {
            return Loop(setup, run);
        }
        catch (Exception exception) when (group.Size > 1 && !run.IsThrownByAll(exception))
        {
            // The other processes wait for this one.
            group.Abort(exception.ToString());
            throw;
        }
    }

    private static TrainingResult Loop(TrainingSetup setup, TrainingRun run)
    {
        var (objective, options) = (setup.Objective, setup.Options);
        try
        {
            for (run.Start(); run.Epoch < setup.Epochs; run.EndEpoch())
            {
                run.BeginEpoch();
                for (; run.Step < run.Steps; run.EndStep())
                {
                    run.ThrowIfCancelled();
                    using var scope = NewDisposeScope();
                    using var precision = MixedPrecision.Use(options.Precision == Precision.Mixed);
                    var batch = run.NextBatch();
                    using var perturbed = batch.Perturbed;
                    run.SetLearningRate();
                    for (var replay = 1; replay <= objective.Replays; replay++)
                    {
                        run.ZeroGradients();
                        var loss = objective.Loss(batch);
                        loss.backward();
                        objective.AfterBackward(batch);
                        run.Share(loss, batch);
                        run.ClipGradients();
                        run.Optimizer.step();
                    }
                }
            }
        }
        catch (OperationCanceledException) when (run.IsCancelled)
        {
            var isBegun = run is not { Epoch: 0, Step: 0 };
            // Within a step, where kept teacher logits are computed, the state is none to go on from: the checkpoint before it stays. So
            // does that of another training where nothing was done.
            if (isBegun && !run.IsWithinStep) run.SaveCheckpoint();
            if (options.WhenCancelled == CancellationBehaviour.Throw || !isBegun) throw;
        }
        return run.Finish();
    }
}
