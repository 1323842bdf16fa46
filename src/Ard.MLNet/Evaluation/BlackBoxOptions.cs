namespace Ard.MLNet.Evaluation;

/// <summary>
/// How a model is asked that is not one of this library's, or is to be evaluated as if it were not: its images, and where its answers are.
/// </summary>
public sealed record BlackBoxOptions
{
    /// <summary>
    /// The column of images, of the data that the model is given: the adversary changes what goes into the whole of it. Default Features.
    /// </summary>
    [MinLength(1)]
    public string FeatureColumnName { get; init; } = "Features";

    /// <summary>
    /// How that column holds the images. Default: planes of values in [0,1], square, of 3 channels or of 1. Bytes and pictures are images
    /// of whole 255ths: points are rounded to them, and the budget, in Linf only, down to a whole number of them. Pictures of another size
    /// are scaled here, before the model: where it scales them itself, and otherwise, apply that step to the data first.
    /// </summary>
    public ImageLayout Layout { get; init; } = new();

    /// <summary>
    /// The column with a score for each class, of which the largest is the model's answer, or of one number, which is above 0 for true.
    /// Default null: Score where the model gives it, else <see cref="PredictedLabelColumnName"/>.
    /// </summary>
    [MinLength(1)]
    public string? ScoreColumnName { get; init; }

    /// <summary>
    /// A network that learns to imitate the model, from its answers to the images of the evaluation, which have to fit into memory
    /// (<see cref="Trainers.Training.Surrogate"/>); what PGD-20 (in L1 APGD) finds on it is tried on the model, as the attack
    /// <c>transfer(pgd-20, surrogate)</c> (<c>transfer(apgd-ce, surrogate)</c>) after all others. Such as <c>smallcnn-16-bn</c>. Default
    /// null: none.
    /// </summary>
    public NetworkDefinition? Surrogate { get; init; }

    // The settings of its training. Default null: those that are usual for so many images.
    internal TrainingOptions? SurrogateTraining { get; init; }

    /// <summary>The column with the model's answer, where there is no score. Default PredictedLabel.</summary>
    [MinLength(1)]
    public string PredictedLabelColumnName { get; init; } = "PredictedLabel";
}
