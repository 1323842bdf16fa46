using TorchSharp.Modules;

namespace Ard.Trainers.Training;

/// <summary>One call of <see cref="Trainer.Fit"/>: the place in the training, and the steps that the loop takes.</summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly TrainingSetup setup;
    private readonly DivergenceCheck divergence;
    private readonly SharedGradients? gradients;
    private readonly CancellationToken cancellation;

    public TrainingRun(TrainingSetup setup, IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        (this.setup, divergence, this.cancellation) = (setup, new(setup), cancellation);
        var options = setup.Options;
        Reporter = new(setup, setup.Group.Rank == 0 ? progress : null);
        Average = options.Averaging is { } averaging ? new(averaging) : null;
        Selection = new(setup, Average, Reporter);
        Meter = new(setup.Batches, setup.Device);
        (string Name, Parameter Value)[] trained =
        [
            .. from each in setup.Networks.Trained
               from named in each.Network.named_parameters()
               where named.parameter.requires_grad
               select (each.Prefix + named.name, named.parameter),
        ];
        ParameterNames = [.. trained.Select(parameter => parameter.Name)];
        Optimizer = options.Optimizer!.Create(trained.Select(parameter => parameter.Value));
        if (setup.Group.Size > 1) gradients = new(setup.Group, [.. trained.Select(parameter => parameter.Value)], numbers: 3);
        DataGenerator = new Generator(unchecked((ulong)options.Seed), CPU);
        NoiseGenerator = new Generator(unchecked((ulong)options.Seed) ^ 0x9E3779B97F4A7C15, setup.Device);
    }

    // The place in the training: what a checkpoint holds besides the networks.

    /// <summary>The epoch, from 0.</summary>
    public int Epoch { get; set; }

    /// <summary>The step within the epoch, from 0.</summary>
    public int Step { get; set; }

    /// <summary>The images' numbers in the order of this epoch, int64 [N]; null between epochs.</summary>
    public Tensor? Order { get; set; }

    public TrainingMeter Meter { get; }
    public OptimizerHelper Optimizer { get; }
    public IReadOnlyList<string> ParameterNames { get; }

    /// <summary>Decides order and augmentation; on the CPU.</summary>
    public Generator DataGenerator { get; }

    /// <summary>Decides what the objective draws; on the device.</summary>
    public Generator NoiseGenerator { get; }

    public ObjectiveMemory Memory { get; } = new();
    public WeightAverage? Average { get; }
    public EpochSelection Selection { get; }
    public ProgressReporter Reporter { get; }

    /// <summary>Whether it was cancelled in any of the processes, as all of them found out at the same step.</summary>
    public bool IsCancelled
    {
        get => setup.Group.Size == 1 ? cancellation.IsCancellationRequested : field;
        private set;
    }

    public int Steps => setup.Batches.Steps;
    private long StepsSoFar => (long)Epoch * Steps + Step;
    public bool IsWithinStep { get; private set; }

    public double LearningRate(int step) => setup.Options.Schedule!.LearningRate(
        setup.Options.Optimizer!.LearningRate, (long)Epoch * Steps + step, Steps, setup.Epochs);

    private TeacherReport? Teacher { get; set; }
    private string LastFile => Path.Combine(setup.Options.CheckpointFolder!, "last.safetensors");

    /// <summary>Goes to the place of the checkpoint where the options ask for it; else warns of what looks like a mistake.</summary>
    public void Start()
    {
        setup.Group.Together(() =>
        {
            foreach (var advice in TrainingAdvice.Before(setup)) Reporter.Warn(this, advice);
            Reporter.Teacher = Teacher = TeacherCheck.Run(setup, advice => Reporter.Warn(this, advice));
        });
        if (setup.Options.Resume) Resume();
        // After the teachers were found to be of use, and a checkpoint to fit.
        UnlessCancelled(() => setup.AskTeacherOfAuxiliary(cancellation));
        // The checkpoint may have told it.
        if (TrainingAdvice.OfAuxiliary(setup) is { } advice
            && !Reporter.Warnings.Any(told => told.EndsWith(advice, StringComparison.Ordinal)))
            Reporter.Warn(this, advice);
        AskWhetherCancelled();
    }

    // The file is that of rank 0: the others may have none, on other machines.
    private void Resume()
    {
        var group = setup.Group;
        if (group.Size == 1)
        {
            if (!File.Exists(LastFile)) return;
            using var file = File.OpenRead(LastFile);
            TrainingCheckpoint.Restore(file, LastFile, setup, this);
            return;
        }
        var bytes = group.BroadcastArray(
            group.Together(() => group.Rank == 0 && File.Exists(LastFile) ? File.ReadAllBytes(LastFile) : null));
        if (bytes is null) return;
        group.Together(() => TrainingCheckpoint.Restore(new MemoryStream(bytes), LastFile, setup, this));
    }

    /// <summary>Whether all processes throw this, so that none waits for another.</summary>
    public bool IsThrownByAll(Exception exception) => exception.IsCommon() || exception is TrainingDivergedException
        || (exception is OperationCanceledException && IsCancelled);

    public void ThrowIfCancelled()
    {
        if (IsCancelled) throw new OperationCanceledException(cancellation);
    }

    // What is cancelled in one process is thrown in all.
    private void UnlessCancelled(Action action) => UnlessCancelled(() =>
    {
        action();
        return 0;
    });

    private T UnlessCancelled<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (OperationCanceledException)
        {
            IsCancelled = true;
            throw;
        }
    }

    private void AskWhetherCancelled() => IsCancelled = setup.Group.Any(cancellation.IsCancellationRequested);

    public void BeginEpoch()
    {
        foreach (var (_, network) in setup.Networks.Trained) network.train();
        Order ??= randperm(setup.Data.Count, dtype: ScalarType.Int64, generator: DataGenerator).DetachFromDisposeScope();
        Reporter.BeginEpoch();
    }

    public TrainingBatch NextBatch()
    {
        IsWithinStep = true;
        SeedDefaultGenerators();
        var share = new BatchShare(setup.Group, setup.Batches.Count(Step));
        // Images are mixed with those of other processes too.
        var mixing = setup.Options.Mixing;
        var drawn = mixing is null ? share : new BatchShare(ProcessGroup.Alone, share.Count);
        var numbers = drawn.Select(setup.Images.Draw(Order!.narrow(0, setup.Batches.First(Step), share.Count), DataGenerator));
        var (images, labels) = setup.Images.Batch(numbers);
        (images, var variants) = setup.Options.Augmentation!.ApplyDrawn(images, DataGenerator, drawn);
        images = images.to(setup.DType);
        Tensor? softLabels = null;
        if (mixing is not null)
        {
            (images, softLabels) = mixing.Apply(images, labels, setup.Data.Classes, DataGenerator);
            (images, labels, softLabels) = (share.Select(images), share.Select(labels), share.Select(softLabels));
        }
        return new TrainingBatch
        {
            Student = setup.Student,
            Teacher = setup.Networks.Teacher,
            NaturalTeacher = setup.Networks.NaturalTeacher,
            Peer = setup.Networks.Peer,
            CachedTeacherLogits = setup.TeacherLogits is { } cache ? () => UnlessCancelled(() => cache.Find(numbers, variants)) : null,
            Images = images,
            Labels = labels,
            SoftLabels = softLabels,
            LabelSmoothing = setup.Options.LabelSmoothing,
            Generator = NoiseGenerator,
            Share = share,
            Gradients = gradients,
            Epoch = Epoch,
            Epochs = setup.Epochs,
            Step = StepsSoFar,
            Memory = Memory,
            Warn = message => Reporter.Warn(this, message),
        };
    }

    public void SetLearningRate()
    {
        var rate = LearningRate(Step);
        foreach (var group in Optimizer.ParamGroups) group.LearningRate = rate;
    }

    public void ZeroGradients()
    {
        foreach (var (_, network) in setup.Networks.Trained) network.zero_grad();
    }

    /// <summary>Gradients, loss and right answers become those of the whole batch, and it shows who was cancelled.</summary>
    public void Share(Tensor loss, TrainingBatch batch)
    {
        if (gradients is null)
        {
            Meter.Record(Step, loss, batch.RightAnswers);
            return;
        }
        using var scope = NewDisposeScope();
        var share = batch.Share!;
        var sums = gradients.Average(
            share, Own(loss.detach()) * share.Own, Own(batch.RightAnswers), cancellation.IsCancellationRequested ? 1 : 0);
        Meter.Record(Step, tensor(sums[0] / share.Count), tensor(sums[1]));
        IsCancelled |= sums[2] > 0;
        // All know it at once, and none may stop at another step than the others.
        if (!double.IsFinite(sums[0])) divergence.Losses(this, Step + 1);

        double Own(Tensor? value) => share.Own == 0 ? 0 : value?.to(ScalarType.Float64).item<double>() ?? double.NaN;
    }

    public void ClipGradients()
    {
        if (setup.Options.ClipGradientNorm is not { } limit) return;
        foreach (var (_, network) in setup.Networks.Trained) GradientNorm.Clip(network.parameters(), limit);
    }

    public void EndStep()
    {
        Reporter.EndStep(setup.Batches.Count(Step));
        (Step, IsWithinStep) = (Step + 1, false);
        if (setup.Options.Averaging?.Takes(StepsSoFar, Steps, setup.Epochs) == true) Average!.Take(setup.Student);
        if (Reporter.IsDue && Step < Steps) Report(epochEnded: false);
        if (setup.Options.CheckpointEverySteps is { } every && StepsSoFar % every == 0) SaveCheckpoint();
    }

    public void EndEpoch()
    {
        Reporter.EndOfSteps();
        AverageStatistics();
        var (loss, accuracy) = divergence.Losses(this);
        divergence.TrainedWeights(this);
        UnlessCancelled(() => Selection.Add(
            new EpochRecord(Epoch + 1, loss, accuracy, LearningRate(Steps - 1), null, null, 0), cancellation));
        AskWhetherCancelled();
        if (Epoch + 1 == setup.Epochs)
        {
            foreach (var advice in Selection.Advice()) Reporter.Warn(this, advice);
        }
        Report(epochEnded: true);
        (Epoch, Step) = (Epoch + 1, 0);
        Order?.Dispose();
        Order = null;
        SaveCheckpoint();
    }

    public void SaveCheckpoint()
    {
        if (setup.Options.CheckpointFolder is null) return;
        AverageStatistics();
        // What is on the disk stays sound: a diverged training does not overwrite the checkpoint from before.
        divergence.Losses(this);
        divergence.TrainedWeights(this);
        TrainingCheckpoint.Write(LastFile, setup, this);
        Selection.RemoveModelOfBefore();
    }

    // Each process has normalised by the statistics of its own images.
    private void AverageStatistics()
    {
        var names = setup.Student.named_buffers().Select(buffer => buffer.name).ToHashSet();
        var buffers = setup.Networks.Trained.SelectMany(each => each.Network.buffers())
            .Concat(Average?.Values.Where(value => names.Contains(value.Key)).OrderBy(value => value.Key, StringComparer.Ordinal)
                .Select(value => value.Value) ?? []);
        BatchStatistics.Average(buffers.Where(buffer => buffer.is_floating_point()), setup.Group, 1, setup.Group.Size);
    }

    public TrainingResult Finish()
    {
        AverageStatistics();
        var cancelled = Epoch < setup.Epochs;
        var kept = Selection.Finish(Step == 0 && Epoch > 0 ? Epoch : null);
        ZeroGradients();
        foreach (var (_, network) in setup.Networks.Trained) network.eval();
        if (Selection.BestEpoch is null && !cancelled) Selection.WriteModel();
        return new TrainingResult(Selection.History, Selection.BestEpoch, kept, Reporter.Seconds, cancelled)
        {
            Warnings = Reporter.Warnings,
            AuxiliaryLabels = setup.AuxiliaryLabels,
            // What carries over is seen on a student that has learned.
            Teacher = cancelled ? Teacher : Teacher?.With(setup.Networks.Teacher!, setup.Student, setup.Data),
            ValidationImages = setup.Validation?.Count ?? 0,
            ChosenUnderAttack = setup.MeetsAdversary,
            Settings = [.. OptionsText.Lines(nameof(Objective), setup.Objective), .. OptionsText.Lines("Options", setup.Options)],
        };
    }

    public void Dispose()
    {
        IDisposable?[] all = [Order, Selection, Average, Meter, Optimizer, DataGenerator, NoiseGenerator, Memory, gradients];
        foreach (var each in all) each?.Dispose();
    }

    private void Report(bool epochEnded)
    {
        var (loss, accuracy) = divergence.Losses(this);
        Reporter.Report(this, loss, accuracy, epochEnded);
    }

    // Networks with a random part of their own, such as dropout, draw from libtorch's default generators. Seeded anew for each step, they
    // need no place in the checkpoint, and that of a GPU, whose state TorchSharp does not give, is covered too.
    private void SeedDefaultGenerators()
    {
        // Processes have other images, and so other numbers.
        var seed = unchecked(setup.Options.Seed * (long)0x9E3779B97F4A7C15 + StepsSoFar + setup.Group.Rank * 0x632BE59BD9B4E019);
        GlobalRandomState.Seed(seed, setup.Device);
    }
}
