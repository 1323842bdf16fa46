namespace Ard.Trainers.Training;

/// <summary>How far a training has come. Reported at intervals and after each epoch.</summary>
/// <param name="Epoch">The epoch, from 1.</param>
/// <param name="Epochs">How many epochs there are.</param>
/// <param name="Step">How many steps of the epoch are done.</param>
/// <param name="Steps">How many steps an epoch has.</param>
/// <param name="EpochEnded">Whether this is the last report of its epoch, after its validation.</param>
/// <param name="Loss">The loss, mean over the images of the epoch so far.</param>
/// <param name="TrainingAccuracy">
/// The share of the epoch's images so far that the student got right in training: on adversarial images where the objective makes them.
/// NaN where the objective does not hand in its logits.
/// </param>
/// <param name="LearningRate">The latest learning rate.</param>
/// <param name="ImagesPerSecond">Training images a second, in this epoch and this process; validation does not count.</param>
/// <param name="ValidationAccuracy">Accuracy on the clean images of the latest validation; null before the first.</param>
/// <param name="RobustValidationAccuracy">The same on the attacked ones.</param>
/// <param name="Elapsed">The time since the start, that of earlier processes of a resumed run included.</param>
/// <param name="TimeLeft">The time to the end at the present pace, validations included.</param>
public sealed record TrainingProgress(
    int Epoch, int Epochs, int Step, int Steps, bool EpochEnded, double Loss, double TrainingAccuracy, double LearningRate,
    double ImagesPerSecond, double? ValidationAccuracy, double? RobustValidationAccuracy, TimeSpan Elapsed, TimeSpan TimeLeft)
{
    /// <summary>What the training had to warn of since the report before. Usually nothing.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>What was found of the teacher before it taught, in the first report; else null.</summary>
    public TeacherReport? Teacher { get; init; }
}
