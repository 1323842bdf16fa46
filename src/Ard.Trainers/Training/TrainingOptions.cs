namespace Ard.Trainers.Training;

/// <summary>What a cancelled training does.</summary>
public enum CancellationBehaviour
{
    /// <summary>It throws <see cref="OperationCanceledException"/>.</summary>
    Throw,

    /// <summary>It returns the best weights so far, without a validation the present ones; before the first step it throws.</summary>
    ReturnBestSoFar,
}

/// <summary>The type of number that the convolutions of a training compute in.</summary>
public enum Precision
{
    /// <summary>That of the weights.</summary>
    Full,

    /// <summary>bfloat16 in the convolutions of this library's networks; weights, statistics, losses and optimizer in float32.</summary>
    Mixed,
}

/// <summary>The settings of a training. What is null follows from method and images: <see cref="WithDefaults"/>.</summary>
public sealed record TrainingOptions : IValidatableObject
{
    /// <summary>
    /// How often every image is seen. Default null, by the images: 30 (Wong, Rice and Kolter, ICLR 2020), and up to 200 where they are few,
    /// so that there are 1,500 steps; divided by the replays of free adversarial training.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? Epochs { get; init; }

    /// <summary>
    /// Images a step, in all processes together. Default null, by the images: 128, and down to 32 where they are few: a twentieth of them.
    /// The last step of an epoch takes what is left; a single image that is left goes with the step before.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? BatchSize { get; init; }

    /// <summary>
    /// The optimizer. Default null, by the method: SGD with momentum 0.9, learning rate 0.1 at a batch of 128 (ARD), in proportion to the
    /// root of the batch (Hoffer, Hubara and Soudry, NeurIPS 2017) and divided by the scale of the method's loss
    /// (<see cref="Objective.LossScale"/>); weight decay 5e-4 (Pang et al., ICLR 2021) times that scale.
    /// </summary>
    public OptimizerSpec? Optimizer { get; init; }

    /// <summary>The learning rate over time. Default null: <see cref="Schedule.OneCycle"/>, which forgives a rate a little off.</summary>
    public Schedule? Schedule { get; init; }

    /// <summary>What happens to the images first. Default null, by the images: <see cref="Augmentation.For"/>.</summary>
    public Augmentation? Augmentation { get; init; }

    /// <summary>How the images of a batch are mixed after the augmentation; not for MART. Default null: they are not.</summary>
    public Mixing? Mixing { get; init; }

    /// <summary>More images, which take a share of every batch. Default null: none.</summary>
    public AuxiliaryData? Auxiliary { get; init; }

    /// <summary>The largest norm of the gradient of a network; a longer one is shortened. Default null: as it is.</summary>
    [Range(0, double.MaxValue, MinimumIsExclusive = true)]
    public double? ClipGradientNorm { get; init; }

    /// <summary>The share of the labels in outer cross-entropies that is spread over all classes; not for attacks. Default 0.</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double LabelSmoothing { get; init; }

    /// <summary>The mean of the weights that is validated and becomes the result. Default null: the weights themselves.</summary>
    public WeightAveraging? Averaging { get; init; }

    /// <summary>
    /// Whether the teacher's logits of the clean images are computed once and kept, images · variants · classes numbers on the device (2 MB
    /// for 50,000 images of 10 classes in float32). Possible where the augmentation makes none or flips only. Default null: where variants
    /// are fewer than epochs. They may differ in the last bits from those in a batch. Set false for random teachers.
    /// </summary>
    public bool? CacheTeacherLogits { get; init; }

    /// <summary>
    /// Whether to go on, with a warning, where a teacher is no better than chance on 200 of the training images. Default false: that is an
    /// error, for as a rule its classes are in another order, or its input is normalised otherwise. With fewer than 50 images, a warning.
    /// </summary>
    public bool AcceptTeacherNearChance { get; init; }

    /// <summary>The share of the images set aside to choose the best epoch by, without a validation set. Default 0.05; 0: none.</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double ValidationFraction { get; init; } = 0.05;

    /// <summary>
    /// How the validation images are judged; the accuracy against all these attacks together decides which epoch is the best: see <see
    /// cref="TrainingResult.BestEpoch"/>. Attacks that are not named are PGD-10, in L1 APGD of as many steps. A threat model that is not
    /// set is the objective's, else the usual one for the images; one that is set stays, with a warning where they differ.
    /// </summary>
    public EvaluationOptions Validation { get; init; } = new();

    /// <summary>Validate after every so many epochs, and after the last. Default 1.</summary>
    [Range(1, int.MaxValue)]
    public int ValidateEveryEpochs { get; init; } = 1;

    /// <summary>Whether the student ends with the best epoch. Default true: robustness falls again (Rice et al., ICML 2020).</summary>
    public bool KeepBest { get; init; } = true;

    /// <summary>Fixes everything that chance decides: split, order, augmentation and attacks. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Where to compute: auto, a GPU if there is one (default), cpu, cuda or cuda:N. The networks are moved there.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Default full. Mixed takes less memory, and less time on some processors: docs/performance.md. Not for validation.</summary>
    public Precision Precision { get; init; } = Precision.Full;

    /// <summary>
    /// The processes that train together, each on its share of every batch: all call the training with the same arguments, and get the same
    /// network. Default null: <see cref="ProcessGroup.Current"/>, those of mpirun or srun, else this one alone.
    /// </summary>
    public ProcessGroup? Group { get; init; }

    /// <summary>
    /// Threads of one operation on the CPU. Default null: what the environment variable OMP_NUM_THREADS says, else the logical
    /// processors that the process may use, divided among the group's processes on the machine. It is the number of the thread that
    /// trains, and put back afterwards; other threads keep theirs.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? Threads { get; init; }

    /// <summary>
    /// The folder for last.safetensors (everything needed to go on) and best.safetensors (the best model so far), which replace those of
    /// before. Default null: none. With a folder images and teachers are hashed once, about a second for 1 GB.
    /// </summary>
    public string? CheckpointFolder { get; init; }

    /// <summary>Write last.safetensors after every so many steps as well as after each epoch. Default null: only after epochs.</summary>
    [Range(1, int.MaxValue)]
    public int? CheckpointEverySteps { get; init; }

    /// <summary>
    /// Whether to go on from the folder's last.safetensors, if there is one. Images, labels, teachers, objective and options must be those
    /// of the run that wrote it; the message of the error names what differs. Default false.
    /// </summary>
    public bool Resume { get; init; }

    /// <summary>What a cancelled training does, once last.safetensors is written, where there is a folder. Default throw.</summary>
    public CancellationBehaviour WhenCancelled { get; init; } = CancellationBehaviour.Throw;

    /// <summary>How often losses are read, reported and checked; between, nothing waits for the device. Default half a second.</summary>
    public TimeSpan ProgressInterval { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>The settings with what is left to method and images filled in, as a training does it: to be seen, or changed.</summary>
    /// <param name="objective">The method.</param>
    /// <param name="data">The training images.</param>
    public TrainingOptions WithDefaults(Objective objective, ImageDataset data)
    {
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(data);
        var batchSize = BatchSize ?? TrainingDefaults.BatchSize(data.Count);
        var validation = (Validation with { Threat = Validation.Threat ?? objective.Threat }).For(data.Channels);
        return this with
        {
            BatchSize = batchSize,
            Epochs = Epochs ?? TrainingDefaults.Epochs(data.Count, batchSize, objective.Replays),
            Optimizer = Optimizer ?? TrainingDefaults.Optimizer(objective, data.Classes, batchSize),
            Schedule = Schedule ?? new OneCycleSchedule(),
            Augmentation = Augmentation ?? Augmentation.For(data.Channels, data.Height, data.Width),
            Validation = validation with
            {
                Attacks = validation.Attacks ?? (validation.Threat!.Norm == Norm.L1 ? ["apgd-ce-10"] : ["pgd-10"]),
            },
        };
    }

    /// <summary>The same for another number of epochs: those of drops of the rate and of averaging are moved in proportion.</summary>
    /// <param name="epochs">The epochs, from 1.</param>
    public TrainingOptions WithEpochs(int epochs)
    {
        var last = -1;
        return this with
        {
            Epochs = epochs,
            Schedule = Schedule is MultiStepSchedule steps
                ? steps with { Milestones = [.. steps.Milestones.Select(epoch => last = Math.Max(last + 1, Moved(epoch)))] }
                : Schedule,
            Averaging = Averaging is StochasticWeightAveraging { FromEpoch: { } from } mean
                ? mean with { FromEpoch = Moved(from - 1) + 1 }
                : Averaging,
        };

        int Moved(int epoch) => (int)((long)epoch * epochs / (Epochs ?? epochs));
    }

    /// <summary>Checks the settings, and those of all options in them.</summary>
    /// <exception cref="ArgumentException">A setting is wrong; the message names every one that is.</exception>
    public void Validate() => this.Validated();

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (CacheTeacherLogits == true && Augmentation?.Variants is null)
            yield return new($"CacheTeacherLogits is set with the augmentation {Augmentation?.ToString() ?? "by the images"}, "
                + "expected none or flips only");
        if (CacheTeacherLogits == true && Mixing is not null)
            yield return new("CacheTeacherLogits is set with Mixing, which makes other images each time: expected one of them");
        if (!TrainingDevice.IsWellFormed(Device)) yield return new($"Device is '{Device}', expected auto, cpu, cuda or cuda:N");
        if (CheckpointFolder is null && CheckpointEverySteps is not null)
            yield return new("CheckpointEverySteps is set without a CheckpointFolder");
        if (CheckpointFolder is null && Resume) yield return new("Resume is set without a CheckpointFolder");
        if (Validation.QueryBudget is not null)
            yield return new("Validation.QueryBudget is set, and a student can be looked into: expected none");
        if (ProgressInterval < TimeSpan.Zero) yield return new($"ProgressInterval is {ProgressInterval}, expected 0 or more");
    }
}
