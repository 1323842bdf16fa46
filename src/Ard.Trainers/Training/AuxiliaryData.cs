namespace Ard.Trainers.Training;

/// <summary>
/// More images than the training set has, such as generated ones, which take a fixed share of every batch (Carmon et al., NeurIPS 2019;
/// Gowal et al., NeurIPS 2021). An epoch keeps the steps of one pass over the training images, which is how those papers count: a batch has
/// (1 - share) of the training images in a new order each epoch, so that an epoch sees so many of them, and the rest of it is
/// drawn from the auxiliary ones, with replacement. All are augmented alike. The images stay the caller's, who disposes of them.
/// </summary>
/// <param name="Images">
/// The images, of the training images' channels and size. Where the names of their classes are those of training images, all or some, in
/// any order, labels go by the names; else there are as many classes, and they go by their numbers. Default null, for a recipe, which has
/// a share of each batch for them: a training needs them.
/// </param>
public sealed record AuxiliaryData(ImageDataset? Images = null) : IValidatableObject
{
    /// <summary>The share of each batch. Default 0.7 (Gowal et al., for images of a diffusion model). At 0 they are left alone.</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double Share { get; init; } = 0.7;

    /// <summary>
    /// Whether the labels are what the teacher says of each image, found before the first step (pseudo-labels: Carmon et al.), in place of
    /// those of the set. The teacher may be there for that alone. Default false.
    /// </summary>
    public bool TeacherLabels { get; init; }

    /// <summary>
    /// Reads a set: a file that <see cref="ImageDataset.Save"/> wrote, mapped; a .npz, or a folder of .npy, with one array of images and
    /// one of labels, as generated images are published; either may have images alone, for <see cref="TeacherLabels"/>; the training split
    /// of what else <see cref="ImageDataset.Load"/> reads.
    /// </summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="classNames">The classes of the training images, in their order.</param>
    /// <exception cref="DataFileException">There is no such set, a file is not sound, or it has other classes.</exception>
    public static AuxiliaryData Load(string path, IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(classNames);
        return new(ImageFile.Is(path) ? ImageFile.Open(path, mayLackLabels: true)
            : Npy.Is(path) ? Npy.Load(path, split: null, classNames, mayLackLabels: true)
            : ImageDataset.Load(path, DataSplit.Train, classNames.Count));
    }

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (Images?.IsLabelled == false && !TeacherLabels) yield return new("Images have no labels, expected labels or TeacherLabels");
    }
}

/// <summary>How far a teacher agrees with the labels of <see cref="AuxiliaryData"/>.</summary>
/// <param name="Images">How many images were looked at: all where the teacher labels them, else at most 10,000, drawn by chance.</param>
/// <param name="Disagreement">The share of their labels, 0 to 1, that are not the class that the teacher sees; null without labels.</param>
/// <param name="Confidence">The teacher's mean probability of the class that it sees, from 0 to 1.</param>
public sealed record LabelNoise(long Images, double? Disagreement, double Confidence)
{
    /// <summary>As a sentence.</summary>
    public override string ToString() => Invariant($"of {Images:N0} auxiliary images ")
        + (Disagreement is { } share
            ? Invariant($"the teacher sees {100 * share:F1} % in another class than their labels say") : "none came with a label")
        + Invariant($"; its mean confidence is {100 * Confidence:F1} %");
}
