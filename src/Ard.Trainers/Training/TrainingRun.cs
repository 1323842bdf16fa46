using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Settings;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Ard.Trainers.Training;

/// <summary>One call of <see cref="Trainer.Fit"/>: the place in the training, and the steps that the loop takes.</summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly TrainingSetup setup;
    private readonly DivergenceCheck divergence;

    public TrainingRun(TrainingSetup setup, IProgress<TrainingProgress>? progress)
    {
        (this.setup, divergence) = (setup, new(setup));
        var options = setup.Options;
        Reporter = new(setup, progress);
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

    /// <summary>What the objective remembers from batch to batch.</summary>
    public ObjectiveMemory Memory { get; } = new();

    /// <summary>The mean of the weights so far; null where none is asked for.</summary>
    public WeightAverage? Average { get; }

    /// <summary>The epochs so far, and the best of them.</summary>
    public EpochSelection Selection { get; }

    /// <summary>Clocks and warnings.</summary>
    public ProgressReporter Reporter { get; }

    public int Steps => setup.Batches.Steps;

    /// <summary>Steps since the start of the training.</summary>
    private long StepsSoFar => (long)Epoch * Steps + Step;

    /// <summary>The learning rate of a step of this epoch.</summary>
    public double LearningRate(int step) => setup.LearningRate((long)Epoch * Steps + step);

    private string LastFile => Path.Combine(setup.Options.CheckpointFolder!, "last.safetensors");

    /// <summary>Goes to the place of the checkpoint where the options ask for it; else warns of what looks like a mistake.</summary>
    public void Start()
    {
        foreach (var advice in TrainingAdvice.Before(setup).Concat(TeacherCheck.Advice(setup))) Reporter.Warn(this, advice);
        if (setup.Options.Resume && File.Exists(LastFile)) TrainingCheckpoint.Restore(LastFile, setup, this);
    }

    public void BeginEpoch()
    {
        foreach (var (_, network) in setup.Networks.Trained) network.train();
        Order ??= randperm(setup.Data.Count, dtype: ScalarType.Int64, generator: DataGenerator).DetachFromDisposeScope();
        Reporter.BeginEpoch();
    }

    public TrainingBatch NextBatch()
    {
        SeedDefaultGenerators();
        var numbers = Order!.narrow(0, setup.Batches.First(Step), setup.Batches.Count(Step));
        var (images, labels) = setup.Data.Batch(numbers);
        (images, var variants) = setup.Options.Augmentation!.ApplyDrawn(images, DataGenerator);
        return new TrainingBatch
        {
            Student = setup.Student,
            Teacher = setup.Networks.Teacher,
            NaturalTeacher = setup.Networks.NaturalTeacher,
            Peer = setup.Networks.Peer,
            CachedTeacherLogits = setup.TeacherLogits is { } cache ? () => cache.Find(numbers, variants) : null,
            Images = images.to(setup.DType),
            Labels = labels,
            LabelSmoothing = setup.Options.LabelSmoothing,
            Generator = NoiseGenerator,
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

    public void ClipGradients()
    {
        if (setup.Options.ClipGradientNorm is not { } limit) return;
        foreach (var (_, network) in setup.Networks.Trained) GradientNorm.Clip(network.parameters(), limit);
    }

    public void EndStep()
    {
        Reporter.EndStep(setup.Batches.Count(Step));
        Step++;
        if (setup.Options.Averaging?.Takes(StepsSoFar, Steps, setup.Epochs) == true) Average!.Take(setup.Student);
        if (Reporter.IsDue && Step < Steps) Report(epochEnded: false);
        if (setup.Options.CheckpointEverySteps is { } every && StepsSoFar % every == 0) SaveCheckpoint();
    }

    public void EndEpoch(CancellationToken cancellation)
    {
        Reporter.EndOfSteps();
        var (loss, accuracy) = divergence.Losses(this);
        divergence.TrainedWeights(this);
        Selection.Add(new EpochRecord(Epoch + 1, loss, accuracy, LearningRate(Steps - 1), null, null, 0), cancellation);
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
        // What is on the disk stays sound: a diverged training does not overwrite the checkpoint from before.
        divergence.Losses(this);
        divergence.TrainedWeights(this);
        TrainingCheckpoint.Write(LastFile, setup, this);
    }

    public TrainingResult Finish()
    {
        var cancelled = Epoch < setup.Epochs;
        var kept = Selection.Finish(Step == 0 && Epoch > 0 ? Epoch : null);
        ZeroGradients();
        foreach (var (_, network) in setup.Networks.Trained) network.eval();
        if (Selection.BestEpoch is null && !cancelled) Selection.WriteModel();
        return new TrainingResult(Selection.History, Selection.BestEpoch, kept, Reporter.Seconds, cancelled)
        {
            Warnings = Reporter.Warnings,
            ValidationImages = setup.Validation?.Count ?? 0,
            ChosenUnderAttack = setup.MeetsAdversary,
            Settings = [.. OptionsText.Lines(nameof(Objective), setup.Objective), .. OptionsText.Lines("Options", setup.Options)],
        };
    }

    public void Dispose()
    {
        foreach (var each in new IDisposable?[] { Order, Selection, Average, Meter, Optimizer, DataGenerator, NoiseGenerator, Memory })
            each?.Dispose();
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
        var seed = unchecked(setup.Options.Seed * (long)0x9E3779B97F4A7C15 + StepsSoFar);
        lock (Initialisation.Gate)
        {
            Generator.Default.manual_seed(seed);
            if (setup.Device.type == DeviceType.CUDA) cuda.manual_seed(seed);
        }
    }
}
