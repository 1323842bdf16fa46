using System.Diagnostics;
using System.Text.Json;
using Ard.Trainers.Attacks;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Data;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Native;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Training;

/// <summary>
/// One call of <see cref="Trainer.Fit"/>: the place in the training and all that belongs to it. What the training borrows (the teacher's
/// state, the number of threads, the global random state) is put back on disposal.
/// </summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly Module<Tensor, Tensor> student;
    private readonly Objective objective;
    private readonly Module<Tensor, Tensor>? teacher;
    private readonly Module<Tensor, Tensor>? naturalTeacher;
    private readonly Module<Tensor, Tensor>? peer;
    private readonly TrainingOptions options;
    private readonly IProgress<TrainingProgress>? progress;
    private readonly ImageDataset data;
    private readonly ImageDataset? validation;
    private readonly List<IDisposable> owned = [];
    private readonly List<string> warningsToTell = [];
    private readonly ScalarType dtype;
    private readonly BatchPlan batches;
    private readonly int epochs;
    private readonly int batchSize;
    private readonly OptimizerSpec optimizer;
    private readonly Schedule schedule;
    private readonly Device device;
    private readonly IReadOnlyDictionary<string, string> digests = new Dictionary<string, string>();
    private readonly TeacherLogitsCache? teacherLogits;
    private readonly Stopwatch elapsed = Stopwatch.StartNew();
    private readonly Stopwatch sinceReport = Stopwatch.StartNew();
    private readonly Stopwatch trainingTime = new();
    private double secondsAtEpochStart;
    private double validationSeconds;
    private int validationsHere;
    private long stepsHere;
    private double secondsOfFirstStep;
    private bool saidHowLong;
    private long imagesThisEpoch;

    public TrainingRun(
        Module<Tensor, Tensor> student, Objective objective, Module<Tensor, Tensor>? teacher, Module<Tensor, Tensor>? naturalTeacher,
        Module<Tensor, Tensor>? peer, ImageDataset data, ImageDataset? validation, TrainingOptions options,
        IProgress<TrainingProgress>? progress)
    {
        options.Validate();
        options = options.For(objective, data);
        (epochs, batchSize, optimizer, schedule) =
            (options.Epochs!.Value, options.BatchSize!.Value, options.Optimizer!, options.Schedule!);
        Check(student, objective, teacher, naturalTeacher, peer, data, validation, options);
        (this.student, this.objective, this.options, this.progress) = (student, objective, options, progress);
        try
        {
            device = TrainingDevice.Find(options.Device);
            if (device.type == DeviceType.CPU) GradientCheck.Require();
            owned.Add(new ProcessState(options.Threads));
            student.to(device);
            dtype = student.parameters().First().dtype;
            if (objective.NeedsTeacher) this.teacher = Borrow(teacher!);
            if (objective.NeedsNaturalTeacher) this.naturalTeacher = Borrow(naturalTeacher!);
            if (objective.NeedsPeer) this.peer = peer!.to(device);

            if (options.CheckpointFolder is not null) digests = Digests(data, validation);
            (this.data, this.validation) = (data, validation);
            if (validation is null && (long)Math.Round(data.Count * options.ValidationFraction) is > 0 and var count)
            {
                (this.data, this.validation) = data.Split(count, unchecked((ulong)options.Seed));
                owned.AddRange([this.data, this.validation]);
            }
            if (device.type != DeviceType.CPU)
            {
                this.data = this.data.To(device);
                owned.Add(this.data);
            }

            if (this.teacher is not null && (options.CacheTeacherLogits ?? TeacherLogitsCache.Pays(options.Augmentation!, epochs)))
            {
                teacherLogits = new(this.teacher, this.data, options.Augmentation!.Variants!.Value, batchSize, dtype);
                owned.Add(teacherLogits);
            }
            if (options.Averaging is not null)
            {
                Average = new WeightAverage(options.Averaging);
                owned.Add(Average);
            }

            CheckOutputs();
            batches = new(this.data.Count, batchSize);
            Meter = new TrainingMeter(batches, device);
            (string Name, Parameter Value)[] trained =
            [
                .. from network in Trained
                   from named in network.Module.named_parameters()
                   where named.parameter.requires_grad
                   select (network.Prefix + named.name, named.parameter),
            ];
            ParameterNames = [.. trained.Select(parameter => parameter.Name)];
            Optimizer = optimizer.Create(trained.Select(parameter => parameter.Value));
            DataGenerator = new Generator(unchecked((ulong)options.Seed), CPU);
            NoiseGenerator = new Generator(unchecked((ulong)options.Seed) ^ 0x9E3779B97F4A7C15, device);
            owned.AddRange([Meter, Optimizer, DataGenerator, NoiseGenerator, Memory]);
            foreach (var advice in TrainingAdvice.On(options, objective, data, this.validation is not null)) Warn(advice);
            foreach (var advice in CheckTeachers()) Warn(advice);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    // The place in the training: what a checkpoint holds besides the student's own state.

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

    public List<EpochRecord> History { get; } = [];

    /// <summary>What the objective had to warn of.</summary>
    public List<string> Warnings { get; } = [];

    public int? BestEpoch { get; set; }

    public Dictionary<string, Tensor> BestWeights { get; } = [];

    /// <summary>Seconds of earlier processes.</summary>
    public double EarlierSeconds { get; set; }

    public double Seconds => EarlierSeconds + elapsed.Elapsed.TotalSeconds;

    /// <summary>Whether the student has other weights than it came with.</summary>
    public bool HasTrained => Epoch > 0 || Step > 0;

    public int Steps => batches.Steps;

    public int Epochs => epochs;

    public Module<Tensor, Tensor> Student => student;

    /// <summary>A network that is trained beside the student; null where the method has none.</summary>
    public Module<Tensor, Tensor>? Peer => peer;

    // Names of the student's parameters stand alone, as they did before there were peers; a module's name holds no slash.
    private IEnumerable<(string Prefix, Module<Tensor, Tensor> Module)> Trained =>
        peer is null ? [("", student)] : [("", student), ("peer/", peer)];

    /// <summary>What has to be the same for a checkpoint to fit, by name.</summary>
    public IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>(digests)
    {
        [nameof(options.Precision)] = $"{options.Precision}",
        ["objective"] = objective.Description,
        [nameof(options.Epochs)] = $"{epochs}",
        [nameof(options.BatchSize)] = $"{batchSize}",
        [nameof(options.Optimizer)] = $"{optimizer}",
        [nameof(options.Schedule)] = $"{schedule}",
        [nameof(options.Augmentation)] = $"{options.Augmentation}",
        [nameof(options.ClipGradientNorm)] = options.ClipGradientNorm is { } norm ? $"{norm}" : "none",
        [nameof(options.LabelSmoothing)] = $"{options.LabelSmoothing}",
        [nameof(options.Averaging)] = options.Averaging is { } averaging ? $"{averaging}" : "none",
        ["teacher logits"] = teacherLogits is null ? "computed" : "kept",
        [nameof(options.Seed)] = $"{options.Seed}",
        ["validation images"] = $"{validation?.Count ?? 0}",
        [nameof(options.ValidateEveryEpochs)] = $"{options.ValidateEveryEpochs}",
        [nameof(options.Validation)] =
            $"{options.Validation.Threat}, {string.Join(",", options.Validation.AllAttacks().Select(attack => attack.Name))}",
        ["kind of device"] = $"{device.type}",
    };

    private string LastFile => Path.Combine(options.CheckpointFolder!, "last.safetensors");

    public void ResumeIfAsked()
    {
        if (options.Resume && File.Exists(LastFile)) TrainingCheckpoint.Restore(LastFile, this);
    }

    public void BeginEpoch()
    {
        foreach (var (_, network) in Trained) network.train();
        Order ??= randperm(data.Count, dtype: ScalarType.Int64, generator: DataGenerator).DetachFromDisposeScope();
        (secondsAtEpochStart, imagesThisEpoch) = (Seconds, 0);
        trainingTime.Restart();
    }

    public TrainingBatch NextBatch()
    {
        SeedDefaultGenerators();
        var numbers = Order!.narrow(0, batches.First(Step), batches.Count(Step));
        var (images, labels) = data.Batch(numbers);
        (images, var variants) = options.Augmentation!.ApplyDrawn(images, DataGenerator);
        return new TrainingBatch
        {
            Student = student,
            Teacher = teacher,
            NaturalTeacher = naturalTeacher,
            Peer = peer,
            CachedTeacherLogits = teacherLogits is null ? null : () => teacherLogits.Of(numbers, variants),
            Images = images.to(dtype),
            Labels = labels,
            LabelSmoothing = options.LabelSmoothing,
            Generator = NoiseGenerator,
            Epoch = Epoch,
            Epochs = epochs,
            Step = (long)Epoch * Steps + Step,
            Memory = Memory,
            Warn = Warn,
        };
    }

    // Networks with a random part of their own, such as dropout, draw from libtorch's default generators. Seeded anew for each step, they
    // need no place in the checkpoint, and that of a GPU, whose state TorchSharp does not give, is covered too.
    private void SeedDefaultGenerators()
    {
        var seed = unchecked((options.Seed * (long)0x9E3779B97F4A7C15) + (long)Epoch * Steps + Step);
        lock (Initialisation.Gate)
        {
            Generator.Default.manual_seed(seed);
            if (device.type == DeviceType.CUDA) cuda.manual_seed(seed);
        }
    }

    /// <summary>Until the result is disposed, networks compute in the precision of the training.</summary>
    public IDisposable UsePrecision() => MixedPrecision.Use(options.Precision == Precision.Mixed);

    public void SetLearningRate()
    {
        var rate = RateAt(Step);
        foreach (var group in Optimizer.ParamGroups) group.LearningRate = rate;
    }

    public void ZeroGradients()
    {
        foreach (var (_, network) in Trained) network.zero_grad();
    }

    public void ClipGradients()
    {
        if (options.ClipGradientNorm is not { } limit) return;
        foreach (var (_, network) in Trained) GradientNorm.Clip(network.parameters(), limit);
    }

    public void EndStep()
    {
        imagesThisEpoch += batches.Count(Step);
        Step++;
        stepsHere++;
        if (options.Averaging?.Takes((long)Epoch * Steps + Step, Steps, epochs) == true) Average!.Take(student);
        if (stepsHere == 1) secondsOfFirstStep = elapsed.Elapsed.TotalSeconds;
        if (sinceReport.Elapsed >= options.ProgressInterval && Step < Steps) Report(epochEnded: false);
        if (options.CheckpointEverySteps is { } every && ((long)Epoch * Steps + Step) % every == 0) SaveCheckpoint();
    }

    public void EndEpoch(CancellationToken cancellation)
    {
        trainingTime.Stop();
        var (loss, accuracy) = ReadMeter();
        CheckWeights();
        var validates = validation is not null && ((Epoch + 1) % options.ValidateEveryEpochs == 0 || Epoch + 1 == epochs);
        using (validates ? LendAverage() : null)
        {
            var judged = validates ? Judge(cancellation) : null;
            History.Add(new EpochRecord(
                Epoch + 1, loss, accuracy, RateAt(Steps - 1), judged?.Clean.Accuracy, judged?.WorstCase.Accuracy,
                Seconds - secondsAtEpochStart));
            if (judged is not null && (Best is not { } best || Rank(History[^1]).CompareTo(Rank(best)) >= 0))
            {
                BestEpoch = Epoch + 1;
                KeepWeights();
                WriteModel();
            }
        }
        if (Epoch + 1 == epochs) TellOutcome();
        Report(epochEnded: true);
        (Epoch, Step) = (Epoch + 1, 0);
        Order?.Dispose();
        Order = null;
        SaveCheckpoint();
    }

    public void SaveCheckpoint()
    {
        if (options.CheckpointFolder is null) return;
        // What is on the disk stays sound: a diverged training does not overwrite the checkpoint from before.
        ReadMeter();
        CheckWeights();
        TrainingCheckpoint.Write(LastFile, this);
    }

    public TrainingResult Finish()
    {
        var cancelled = Epoch < epochs;
        int? kept = Step == 0 && Epoch > 0 ? Epoch : null;
        if (BestEpoch is not null && options.KeepBest)
        {
            Weights.Load(student, BestWeights);
            kept = BestEpoch;
        }
        else if (Average is { Count: > 0 })
        {
            Weights.Load(student, Average.Values);
            FitStatistics();
        }
        ZeroGradients();
        foreach (var (_, network) in Trained) network.eval();
        if (BestEpoch is null && !cancelled) WriteModel();
        return new TrainingResult(History, BestEpoch, kept, Seconds, cancelled)
        {
            Warnings = Warnings,
            ValidationImages = validation?.Count ?? 0,
            ChosenUnderAttack = MeetsAdversary,
            Settings = [.. SettingsText.Lines(nameof(Objective), objective), .. SettingsText.Lines("Options", options)],
        };
    }

    public void Dispose()
    {
        Order?.Dispose();
        foreach (var tensor in BestWeights.Values) tensor.Dispose();
        for (var last = owned.Count - 1; last >= 0; last--) owned[last].Dispose();
        owned.Clear();
    }

    // Moved to the device, and where and as it was found once the run is disposed.
    private Module<Tensor, Tensor> Borrow(Module<Tensor, Tensor> network)
    {
        if (network.parameters().FirstOrDefault()?.device is { } home) owned.Add(new Home(network, home));
        network.to(device);
        using var scope = NewDisposeScope();
        owned.Add(ModelState.Borrow(network));
        return network;
    }

    private sealed class Home(Module network, Device device) : IDisposable
    {
        public void Dispose() => network.to(device);
    }

    private void Warn(string message)
    {
        var warning = $"Epoch {Epoch + 1}, step {Math.Min(Step + 1, Steps)}: {message}";
        Warnings.Add(warning);
        warningsToTell.Add(warning);
    }

    // One image through each network: what no parameter's shape tells of a module of one's own.
    private void CheckOutputs()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var image = data.Batch(0, 1).Images.to(dtype);
        var faults = new List<string>();
        (string, Module<Tensor, Tensor>?)[] networks =
            [(nameof(student), student), (nameof(teacher), teacher), (nameof(naturalTeacher), naturalTeacher), (nameof(peer), peer)];
        foreach (var (name, network) in networks)
        {
            if (network is null) continue;
            using var state = ModelState.Borrow(network);
            var shape = network.call(image).shape;
            if (shape.Length != 2 || shape[0] != 1 || shape[1] != data.Classes)
            {
                faults.Add($"{name} gives [{string.Join(",", shape)}] for one image, "
                    + $"expected [1,{data.Classes}], a logit for each class of the data");
            }
        }
        if (faults.Count > 0) throw new ArgumentException($"{nameof(Trainer)}: {string.Join("; ", faults)}.");
    }

    private IEnumerable<string> CheckTeachers()
    {
        var threat = objective.Threat ?? (options.Validation.SetsThreat ? options.Validation.Threat : null);
        foreach (var (role, network, its) in new[] { ("the teacher", teacher, threat), ("the natural teacher", naturalTeacher, null) })
        {
            if (network is null) continue;
            foreach (var advice in TeacherCheck.On(role, network, data, its, options.AcceptTeacherNearChance)) yield return advice;
        }
    }

    // A method that meets no adversary, neither itself nor by its teacher, is not judged by one.
    private bool MeetsAdversary => objective.Threat is not null || objective.NeedsTeacher;

    private EpochRecord? Best => BestEpoch is { } epoch ? History[epoch - 1] : null;

    // Epochs in rising order: under attack, then clean, then the later one.
    private (double, double, int) Rank(EpochRecord epoch)
    {
        var (clean, robust) = (epoch.ValidationAccuracy!.Value, epoch.RobustValidationAccuracy!.Value);
        return MeetsAdversary ? (robust, clean, epoch.Epoch) : (clean, robust, epoch.Epoch);
    }

    private void TellOutcome()
    {
        foreach (var advice in TrainingAdvice.After(
            options, objective, History[^1], Best, MeetsAdversary, validation?.Count ?? 0, data)) Warn(advice);
    }

    /// <summary>Until the result is disposed, the student has the weights that are judged and kept; null where they are its own.</summary>
    private IDisposable? LendAverage()
    {
        if (Average is not { Count: > 0 }) return null;
        var loan = Average.Lend(student);
        try
        {
            FitStatistics();
        }
        catch
        {
            loan.Dispose();
            throw;
        }
        return loan;
    }

    private void FitStatistics()
    {
        if (options.Averaging!.RecomputesStatistics) BatchStatistics.Recompute(student, data, batchSize);
    }

    private RobustnessReport Judge(CancellationToken cancellation)
    {
        var before = Seconds;
        // Only the figures are wanted here, as cheap as they can be, and of weights that are others each time.
        var figures = options.Validation with { CheckNetwork = false, StateFile = null, ExamplesFile = null };
        var report = new RobustnessEvaluator(figures).Evaluate(
            student, validation!.Images, validation.Labels, null, cancellation);
        validationSeconds += Seconds - before;
        validationsHere++;
        return report;
    }

    private double RateAt(int step) =>
        schedule.LearningRate(optimizer.LearningRate, (long)Epoch * Steps + step, Steps, epochs);

    private void KeepWeights()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        foreach (var (name, value) in student.state_dict())
        {
            if (BestWeights.TryGetValue(name, out var copy)) copy.copy_(value);
            else BestWeights[name] = value.detach().clone().DetachFromDisposeScope();
        }
    }

    private void WriteModel()
    {
        if (options.CheckpointFolder is null) return;
        ModelFile.Write(Path.Combine(options.CheckpointFolder, "best.safetensors"), student, new Dictionary<string, string>
        {
            ["ard.epoch"] = JsonSerializer.Serialize(History[^1], TrainingCheckpoint.Json),
        });
    }

    private void Report(bool epochEnded)
    {
        sinceReport.Restart();
        var (loss, accuracy) = ReadMeter();
        SayIfItTakesDays();
        if (progress is null) return;
        var judged = History.LastOrDefault(epoch => epoch.RobustValidationAccuracy is not null);
        // At the pace of this process, for another may have run on another machine.
        var secondsPerStep = stepsHere == 0 ? 0 : (elapsed.Elapsed.TotalSeconds - validationSeconds) / stepsHere;
        var secondsPerValidation = validationsHere == 0 ? 0 : validationSeconds / validationsHere;
        var stepsLeft = (long)(epochs - Epoch) * Steps - Step;
        var validationsLeft = (epochs - Epoch - (epochEnded ? 1 : 0)) / (double)options.ValidateEveryEpochs;
        progress.Report(new TrainingProgress
        {
            Epoch = Epoch + 1,
            Epochs = epochs,
            Step = Step,
            Steps = Steps,
            EpochEnded = epochEnded,
            Loss = loss,
            TrainingAccuracy = accuracy,
            Warnings = [.. warningsToTell],
            LearningRate = RateAt(Step - 1),
            ImagesPerSecond = imagesThisEpoch / Math.Max(1e-9, trainingTime.Elapsed.TotalSeconds),
            ValidationAccuracy = judged?.ValidationAccuracy,
            RobustValidationAccuracy = judged?.RobustValidationAccuracy,
            Elapsed = TimeSpan.FromSeconds(Seconds),
            TimeLeft = Time(stepsLeft * secondsPerStep + validationsLeft * secondsPerValidation),
        });
        warningsToTell.Clear();
    }

    // Once, as soon as the pace is known; the first step is slower than the others.
    private void SayIfItTakesDays()
    {
        if (saidHowLong || stepsHere < 3) return;
        saidHowLong = true;
        var secondsPerStep = (elapsed.Elapsed.TotalSeconds - validationSeconds - secondsOfFirstStep) / (stepsHere - 1);
        var whole = Time(secondsPerStep * Steps * epochs);
        if (whole.TotalDays >= 1)
            Warn($"at the pace of its first steps the training takes {Duration.Text(whole)} on {device}: fewer epochs, attack steps or "
                + $"images, or a smaller network{(device.type == DeviceType.CPU ? ", or a GPU," : "")} make it shorter");
    }

    // Of a pace that nobody will wait for, as much as a TimeSpan holds.
    private static TimeSpan Time(double seconds) => TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 9e11));

    private (double Loss, double Accuracy) ReadMeter()
    {
        var (loss, accuracy, bad, badLoss) = Meter.Read(Step);
        if (bad < 0) return (loss, accuracy);
        throw Diverged(bad + 1, $"the loss is {badLoss}");
    }

    private void CheckWeights()
    {
        if (Weights.FirstNotFinite(student) is { } name) throw Diverged(Step, $"{name} of the student is not finite");
        if (peer is not null && Weights.FirstNotFinite(peer) is { } other) throw Diverged(Step, $"{other} of the peer is not finite");
    }

    // Enough to find one that fails on images at all.
    private const int ImagesToAskTeacher = 200;

    private TrainingDivergedException Diverged(int step, string what)
    {
        var rate = RateAt(step - 1);
        var cause = teacher is not null && !IsFinite(teacher) ? "the teacher, whose outputs are not finite"
            : naturalTeacher is not null && !IsFinite(naturalTeacher) ? "the natural teacher, whose outputs are not finite"
            : batches.Count(step - 1) == 1 && student.modules().OfType<BatchNorm>().Any()
                ? "a batch of one image, of which batch normalisation has no variance: expected BatchSize 2 or more, and as many images"
            : Epoch == 0 && step == 1 ? "the student's initial weights, or an objective that is not finite on this batch"
            : $"the learning rate, {rate:G4} at that step, is too high for this objective; a lower one may help, or a one-cycle schedule";
        return new TrainingDivergedException(Epoch + 1, step, what, cause);
    }

    // A module of one's own may give NaN by weights that are finite.
    private bool IsFinite(Module<Tensor, Tensor> network)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (images, _) = data.Batch(0, Math.Min(data.Count, ImagesToAskTeacher));
        return network.call(images.to(dtype)).isfinite().all().item<bool>();
    }

    private static void Check(
        Module<Tensor, Tensor> student, Objective objective, Module<Tensor, Tensor>? teacher, Module<Tensor, Tensor>? naturalTeacher,
        Module<Tensor, Tensor>? peer, ImageDataset data, ImageDataset? validation, TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(student);
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(data);
        var faults = new List<string>();
        if (objective.NeedsTeacher && teacher is null) faults.Add($"teacher is missing, the objective {objective.Name} needs one");
        if (objective.NeedsNaturalTeacher && naturalTeacher is null)
            faults.Add($"naturalTeacher is missing, the objective {objective.Name} needs one");
        if (objective.NeedsPeer && peer is null)
            faults.Add($"peer is missing, the objective {objective.Name} trains one: a network that has not been trained");
        var parameters = student.parameters().Where(parameter => parameter.requires_grad).ToArray();
        if (parameters.Length == 0)
            faults.Add($"student, a {student.GetType().Name}, has no parameter that requires a gradient (a module of one's own: "
                + "has its constructor called RegisterComponents() after its fields were set?)");
        else if (parameters[0].dtype is not (ScalarType.Float32 or ScalarType.Float64))
            faults.Add($"student is {parameters[0].dtype}, expected Float32 or Float64");
        (string, Module<Tensor, Tensor>?)[] others =
            [(nameof(teacher), teacher), (nameof(naturalTeacher), naturalTeacher), (nameof(peer), peer)];
        foreach (var (name, network) in others)
        {
            if (ReferenceEquals(student, network)) faults.Add($"{name} is the student itself, expected another network");
            if (network is not null && name != nameof(peer) && ReferenceEquals(peer, network))
                faults.Add($"peer is the {name} too, expected another network");
            if (network is not null && Weights.NotFinite(network) is { } found) faults.Add($"{name} has {found}, expected finite weights");
            if (network?.parameters().FirstOrDefault() is { } first && parameters.Length > 0 && first.dtype != parameters[0].dtype)
                faults.Add($"{name} is {first.dtype}, expected {parameters[0].dtype} as the student");
        }
        if (options.Precision == Precision.Mixed && (student is not ImageNetwork || parameters is [{ dtype: not ScalarType.Float32 }, ..]))
            faults.Add($"Precision is Mixed and student a {student.GetType().Name}, expected a network of this library in Float32");
        if (validation is not null && !validation.Images.shape[1..].SequenceEqual(data.Images.shape[1..]))
            faults.Add($"validation images are [{string.Join(",", validation.Images.shape[1..])}], "
                + $"expected [{string.Join(",", data.Images.shape[1..])}] as the training images");
        if (validation is null && Math.Round(data.Count * options.ValidationFraction) >= data.Count)
            faults.Add($"ValidationFraction {options.ValidationFraction} of {data.Count} images leaves none to train on");
        var (augmentation, side) = (options.Augmentation!, Math.Min(data.Height, data.Width));
        if (augmentation.Padding >= side)
            faults.Add($"Augmentation has the padding {augmentation.Padding}, expected less than the images' {data.Height}x{data.Width}");
        if (augmentation.Cutout > side)
            faults.Add($"Augmentation has the cutout {augmentation.Cutout}, expected at most the images' {data.Height}x{data.Width}");
        if (faults.Count > 0) throw new ArgumentException($"{nameof(Trainer)}: {string.Join("; ", faults)}.");
    }

    // Of all that is given beside the settings: images and labels in their order, and the teachers' weights.
    private Dictionary<string, string> Digests(ImageDataset data, ImageDataset? validation)
    {
        var digests = new Dictionary<string, string>();
        foreach (var (name, images) in new[] { ("data", data), ("validation", validation) })
        {
            if (images is null) continue;
            digests[name] = $"[{string.Join(",", images.Images.shape)}]";
            digests[$"{name} labels"] = TensorDigest.Of(images.Labels)[..16];
            digests[$"{name} pixels"] = TensorDigest.Of(images.Images)[..16];
        }
        foreach (var (name, network) in new[] { ("teacher", teacher), ("natural teacher", naturalTeacher) })
        {
            if (network is not null) digests[$"{name} weights"] = TensorDigest.Of(network)[..16];
        }
        return digests;
    }

    /// <summary>What belongs to the process: number of threads, global random state. As found, after disposal.</summary>
    private sealed class ProcessState : IDisposable
    {
        private readonly IDisposable borrowed;
        private readonly Tensor random;

        public ProcessState(int? threads)
        {
            lock (Initialisation.Gate) random = Generator.Default.get_state().DetachFromDisposeScope();
            borrowed = CpuThreads.Borrow(threads);
        }

        public void Dispose()
        {
            borrowed.Dispose();
            lock (Initialisation.Gate) Generator.Default.set_state(random);
            random.Dispose();
        }
    }
}
