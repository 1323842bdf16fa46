namespace Ard.MLNet;

/// <summary>The settings of an <see cref="ArdTrainer"/>.</summary>
public sealed record ArdTrainerOptions : IValidatableObject
{
    /// <summary>
    /// The network to train (in a distillation the student): a short name such as <c>mobilenetv2</c>, a specification, or one of your own.
    /// </summary>
    public required NetworkDefinition Network { get; init; }

    /// <summary>
    /// The teacher: a fitted classifier, a module, a pipeline (<see cref="TeacherNetwork.From"/>) or a file
    /// (<see cref="TeacherNetwork.FromFile"/>). Default null, for methods that need none.
    /// </summary>
    public TeacherNetwork? Teacher { get; init; }

    /// <summary>
    /// The second teacher, for methods that need one for clean images, such as mtard: the same kinds as <see cref="Teacher"/>. Default
    /// null.
    /// </summary>
    public TeacherNetwork? NaturalTeacher { get; init; }

    /// <summary>The column of images: as LoadImages makes them, or a vector of floats or bytes of known size. Default Features.</summary>
    [MinLength(1)]
    public string FeatureColumnName { get; init; } = "Features";

    /// <summary>The column of labels: a key, text, a number or a truth value. Default Label.</summary>
    [MinLength(1)]
    public string LabelColumnName { get; init; } = "Label";

    /// <summary>How the column holds an image. Default: planes (channels, height, width) of values in [0,1].</summary>
    public ImageLayout Layout { get; init; } = new();

    /// <summary>
    /// A file to keep the training images in, as <see cref="ImageDataset.Save"/> writes it. If it is there, it is used as it is; of the
    /// data their labels are read then, and some images: those of others are an error. Not for a cross-validation. Default null: images
    /// are kept in memory up to a quarter of what the machine has, and beyond that in a temporary file (on Linux in TMPDIR), which
    /// MLContext.Log tells. The training is the same bit for bit.
    /// </summary>
    public string? ImageFile { get; init; }

    // In bytes; what is more goes to a temporary file.
    internal long MostInMemory { get; init; } = ImageCollector.QuarterOfMemory;

    /// <summary>
    /// The training method, by name: see <see cref="ObjectiveCatalog"/>. Default null: ard, as its released code computes it, or by
    /// <see cref="ArdCatalog.AdversarialTraining(MulticlassClassificationCatalog.MulticlassClassificationTrainers, ArdTrainerOptions)"/>
    /// at, adversarial training.
    /// </summary>
    public string? Method { get; init; }

    /// <summary>
    /// What differs from the method's defaults, such as threat model and temperature. Default nothing, and the threat model that
    /// <see cref="ObjectiveSettings.For"/> has for the images. The threat model of the method, set
    /// here or in <see cref="Objective"/>, is also that of the validation, unless <see cref="TrainingOptions.Validation"/> has one of its
    /// own: that one stays, and where it is not the method's, the log and the result have a warning.
    /// </summary>
    public ObjectiveSettings Settings { get; init; } = new();

    /// <summary>
    /// A method of your own, or a built-in one with all of its settings, in place of <see cref="Method"/> and <see cref="Settings"/>.
    /// Default null.
    /// </summary>
    public Objective? Objective { get; init; }

    /// <summary>
    /// The training itself: epochs, batch size, optimizer, schedule, augmentation, validation, checkpoints … Its Seed is not used (see
    /// <see cref="Seed"/>), and its Device "auto" is MLContext.GpuDeviceId where that is set (the CPU where there is no such GPU and
    /// MLContext.FallbackToCpu is true).
    /// </summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>
    /// Images to choose the best epoch by, with the same columns as the training data. Default null: the share of the training data that
    /// <see cref="Training"/> says.
    /// </summary>
    public IDataView? Validation { get; init; }

    /// <summary>
    /// More images, such as generated ones, in the same column, which take a share of every batch. Their labels are those of the label
    /// column, of which the values count, or of keys without values the numbers; without such a column the teacher says them. Default null:
    /// none. <see cref="Training"/> says how large the share is, by default 0.7: <c>Auxiliary = new() { Share = 0.3 }</c>
    /// (<see cref="AuxiliaryData"/>).
    /// </summary>
    public IDataView? Auxiliary { get; init; }

    /// <summary>
    /// Fixes everything that chance decides. Default null: one that the MLContext draws when the trainer is made. With an MLContext of the
    /// same seed, and the same trainers made in the same order, that gives the same model bit for bit on the CPU. A training to be resumed
    /// needs the same seed.
    /// </summary>
    public long? Seed { get; init; }

    /// <summary>
    /// Told at intervals and after each epoch, on the thread that fits. Default null. Epochs are also told to MLContext.Log.
    /// </summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>Ends the training early, as <see cref="TrainingOptions.WhenCancelled"/> says. Default none.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>Images that the fitted classifier sends through the network at a time, 1 to 65536. Default 256.</summary>
    [Range(1, BatchMapping.MostRows)]
    public int ScoringBatchSize { get; init; } = BatchMapping.UsualRows;

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (FeatureColumnName == LabelColumnName) yield return new($"FeatureColumnName and LabelColumnName are both '{LabelColumnName}'");
        if (Objective is not null && Settings != new ObjectiveSettings())
            yield return new("Settings are set together with Objective, which has its own");
        if (Auxiliary is not null && Training.Auxiliary?.Images is not null)
            yield return new("Auxiliary and Training.Auxiliary.Images are both set, expected one of them");
        if (Auxiliary is null && Training.Auxiliary is { Images: null, Share: > 0 })
            yield return new("Training.Auxiliary is set without Auxiliary, the images that take a share of each batch");
        if (OptionsValidator.Try(() => ChosenObjective(channels: 3), out var fault) is not { } objective) yield return new(fault);
        else
        {
            if (objective.NeedsTeacher && Teacher is null) yield return new($"Teacher is missing, the method {objective.Name} needs one");
            if (objective.NeedsNaturalTeacher && NaturalTeacher is null)
                yield return new($"NaturalTeacher is missing, the method {objective.Name} needs one");
        }
    }

    /// <summary>The training method itself, for images of so many channels.</summary>
    internal Objective ChosenObjective(int channels) => Objective ?? ObjectiveCatalog.ByName(Method!, Settings.For(channels));
}
