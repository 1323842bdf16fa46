using System.ComponentModel.DataAnnotations;
using Ard.Trainers.Data;
using Ard.Trainers.Distributed;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Objectives;
using Ard.Trainers.Settings;

namespace Ard.Trainers.Training;

/// <summary>What a cancelled training does.</summary>
public enum CancellationBehaviour
{
    /// <summary>It throws <see cref="OperationCanceledException"/>.</summary>
    Throw,

    /// <summary>
    /// It returns what it has: the best weights so far where there is a validation, else the present ones. Before the first step there is
    /// nothing, and it throws.
    /// </summary>
    ReturnBestSoFar,
}

/// <summary>The type of number that the convolutions of a training compute in.</summary>
public enum Precision
{
    /// <summary>That of the weights.</summary>
    Full,

    /// <summary>
    /// bfloat16 in the convolutions of student and teachers, where those are networks of this library; weights, statistics, losses and
    /// optimizer stay in float32.
    /// </summary>
    Mixed,
}

/// <summary>
/// The settings of a training. What is null follows from the method and the images: <see cref="WithDefaults"/>. Published recipes are
/// <see cref="Preset"/>.
/// </summary>
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

    /// <summary>
    /// The learning rate over time. Default null: <see cref="Schedule.OneCycle"/>, which learns in few epochs and forgives a rate that is
    /// somewhat too high or too low.
    /// </summary>
    public Schedule? Schedule { get; init; }

    /// <summary>
    /// What happens to the images first. Default null, by the images: <see cref="Augmentation.For"/>, which on CIFAR-10 is the
    /// <see cref="Augmentation.CropAndFlip"/> of the ARD paper.
    /// </summary>
    public Augmentation? Augmentation { get; init; }

    /// <summary>
    /// Whether the images of a batch are mixed with one another, after the augmentation: <see cref="Mixing.CutMix"/> or
    /// <see cref="Mixing.MixUp"/>. MART, which needs a class for each image, cannot. Default null: they are not.
    /// </summary>
    public Mixing? Mixing { get; init; }

    /// <summary>More images, which take a share of every batch. Default null: none.</summary>
    public AuxiliaryData? Auxiliary { get; init; }

    /// <summary>The largest norm of the gradient of all parameters, to which a longer one is shortened. Default null: as it is.</summary>
    [Range(0, double.MaxValue, MinimumIsExclusive = true)]
    public double? ClipGradientNorm { get; init; }

    /// <summary>
    /// The share of the labels' weight that cross-entropies in the objective's outer loss spread evenly over all classes; attacks keep to
    /// the labels as they are. Default 0.
    /// </summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double LabelSmoothing { get; init; }

    /// <summary>
    /// The mean of the weights that is validated and becomes the result: <see cref="WeightAveraging.Exponential"/> or
    /// <see cref="WeightAveraging.Stochastic"/>. Default null: the weights themselves.
    /// </summary>
    public WeightAveraging? Averaging { get; init; }

    /// <summary>
    /// Whether the teacher's logits of the clean images are computed once and kept, as images · variants · classes numbers on the device
    /// (float32: 2 MB for 50,000 images of 10 classes, 4 MB with flips). Possible where the augmentation makes few variants of an image:
    /// none, or flips only. Default null: where the variants are fewer than the epochs. What the teacher says of adversarial images is
    /// never kept. The logits may differ in the last bits from those of the image in its batch. Set false for a teacher whose
    /// answers are random.
    /// </summary>
    public bool? CacheTeacherLogits { get; init; }

    /// <summary>
    /// Whether to go on, with a warning, where a teacher is no better than chance on 200 of the training images. Default false: that is an
    /// error, for as a rule its classes are in another order, or its input is normalised otherwise. With fewer than 50 images, a warning.
    /// </summary>
    public bool AcceptTeacherNearChance { get; init; }

    /// <summary>
    /// The share of the training images that is set aside to choose the best epoch by, where no validation set is given. Default 0.05; 0
    /// for none: then the weights of the last epoch are the result.
    /// </summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double ValidationFraction { get; init; } = 0.05;

    /// <summary>
    /// How the validation images are judged after an epoch. The epoch with the highest accuracy against all of its attacks together is the
    /// best one: see <see cref="TrainingResult.BestEpoch"/>. Default PGD-10. The threat model, where it is not set, is that of the
    /// objective, else what is usual for the images; one that is set here stays, with a warning where the objective's differs.
    /// </summary>
    public EvaluationOptions Validation { get; init; } = new() { Attacks = ["pgd-10"] };

    /// <summary>Validate after every so many epochs, and after the last. Default 1.</summary>
    [Range(1, int.MaxValue)]
    public int ValidateEveryEpochs { get; init; } = 1;

    /// <summary>
    /// Whether the student ends with the weights of the best epoch rather than those of the last, where there is a validation. Default
    /// true: robust accuracy falls again late in training (Rice, Wong and Kolter, ICML 2020).
    /// </summary>
    public bool KeepBest { get; init; } = true;

    /// <summary>Fixes everything that chance decides: split, order, augmentation and attacks. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Where to compute: auto, a GPU if there is one (default), cpu, cuda or cuda:N. The networks are moved there.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>
    /// Full or mixed. Default full. Mixed takes less memory. It takes less time only where the processor multiplies matrices of bfloat16 by
    /// itself, and more elsewhere: docs/performance.md has the figures of one CPU. Validation is always in full.
    /// </summary>
    public Precision Precision { get; init; } = Precision.Full;

    /// <summary>
    /// The processes that train together, each on its share of every batch. All call the training with the same arguments, and get the same
    /// network. Default null: those that mpirun or srun has started (<see cref="ProcessGroup.Current"/>), and without such a launcher this
    /// process alone (<see cref="ProcessGroup.Alone"/>).
    /// </summary>
    public ProcessGroup? Group { get; init; }

    /// <summary>
    /// Threads of one operation on the CPU. Default null: what the environment variable OMP_NUM_THREADS says, else the logical
    /// processors that the process may use. It is the number of the thread that trains, and put back afterwards; other threads keep theirs.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? Threads { get; init; }

    /// <summary>
    /// The folder for last.safetensors (everything needed to go on) and best.safetensors (the best model so far). Default null: none are
    /// written. Files of an earlier run are replaced. Where there is a folder, images and teachers are hashed once (SHA-256, about a second
    /// for 1 GB), so that a resumed run can tell that they are the same.
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

    /// <summary>
    /// How often losses are read from the device, reported, and checked for being finite. Default half a second. Between two reads nothing
    /// waits for the device.
    /// </summary>
    public TimeSpan ProgressInterval { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>
    /// The settings with those filled in that are left to the method and the images: epochs, batch size, optimizer, schedule, augmentation,
    /// and the threat model of the validation. A training fills them in by itself; this is for whoever wants to see them, or to change one.
    /// </summary>
    /// <param name="objective">The method.</param>
    /// <param name="data">The training images.</param>
    public TrainingOptions WithDefaults(Objective objective, ImageDataset data)
    {
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(data);
        var batchSize = BatchSize ?? TrainingDefaults.BatchSize(data.Count);
        return this with
        {
            BatchSize = batchSize,
            Epochs = Epochs ?? TrainingDefaults.Epochs(data.Count, batchSize, objective.Replays),
            Optimizer = Optimizer ?? TrainingDefaults.Optimizer(objective, data.Classes, batchSize),
            Schedule = Schedule ?? TrainingDefaults.Schedule,
            Augmentation = Augmentation ?? Augmentation.For(data.Channels, data.Height, data.Width),
            Validation = (Validation with { Threat = Validation.Threat ?? objective.Threat }).For(data.Channels),
        };
    }

    /// <summary>
    /// The same settings for a training of another length: the epochs at which the learning rate drops and the averaging begins are moved
    /// in proportion.
    /// </summary>
    /// <param name="epochs">The epochs, from 1.</param>
    public TrainingOptions WithEpochs(int epochs)
    {
        var last = 0;
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
