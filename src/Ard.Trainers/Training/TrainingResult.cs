namespace Ard.Trainers.Training;

/// <summary>One epoch as it was.</summary>
/// <param name="Epoch">The epoch, from 1.</param>
/// <param name="Loss">The loss, mean over its images.</param>
/// <param name="TrainingAccuracy">
/// The share of its images that the student got right in training; see <see cref="TrainingProgress.TrainingAccuracy"/>.
/// </param>
/// <param name="LearningRate">The rate of its last step.</param>
/// <param name="ValidationAccuracy">Accuracy on the clean validation images; null where the epoch was not validated.</param>
/// <param name="RobustValidationAccuracy">Accuracy on the attacked validation images; null where the epoch was not validated.</param>
/// <param name="Seconds">How long it took, validation included.</param>
public sealed record EpochRecord(
    int Epoch, double Loss, double TrainingAccuracy, double LearningRate, double? ValidationAccuracy, double? RobustValidationAccuracy,
    double Seconds);

/// <summary>What a training was. The weights are in the student that was given.</summary>
/// <param name="History">One record an epoch that was finished.</param>
/// <param name="BestEpoch">
/// The epoch, from 1, of the highest accuracy on attacked validation images; of equals the one of the highest clean accuracy, then the
/// latest. A method that meets no adversary, such as natural training, is judged by clean accuracy first. Null where nothing was validated.
/// </param>
/// <param name="KeptEpoch">The epoch, from 1, whose weights the student has; null where it was cancelled between two epochs' ends.</param>
/// <param name="Seconds">How long it took, earlier processes of a resumed run included.</param>
/// <param name="Cancelled">Whether it was cancelled before its last epoch.</param>
public sealed record TrainingResult(IReadOnlyList<EpochRecord> History, int? BestEpoch, int? KeptEpoch, double Seconds, bool Cancelled)
{
    /// <summary>
    /// What the training had to warn of, each with its epoch and step; earlier processes of a resumed run included as far as their last
    /// checkpoint. Usually nothing.
    /// </summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>On how many images the choice of <see cref="BestEpoch"/> rests; 0 where nothing was validated.</summary>
    internal long ValidationImages { get; init; }

    /// <summary>Whether <see cref="BestEpoch"/> was chosen by the accuracy under attack rather than by the clean one.</summary>
    internal bool ChosenUnderAttack { get; init; } = true;

    /// <summary>Method and options in full, one setting a line, such as <c>Options.BatchSize: 128</c>.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>The record of the best epoch; null where nothing was validated.</summary>
    public EpochRecord? Best => BestEpoch is { } epoch ? History[epoch - 1] : null;
}
