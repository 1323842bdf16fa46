namespace Ard.Trainers.Training;

/// <summary>One epoch as it was.</summary>
/// <param name="Epoch">The epoch, from 1.</param>
/// <param name="Loss">The loss, mean over its images.</param>
/// <param name="TrainingAccuracy">The share of its images right in training: <see cref="TrainingProgress.TrainingAccuracy"/>.</param>
/// <param name="LearningRate">The rate of its last step.</param>
/// <param name="ValidationAccuracy">Accuracy on the clean validation images; null where the epoch was not validated.</param>
/// <param name="RobustValidationAccuracy">The same on the attacked ones.</param>
/// <param name="Seconds">How long it took, validation included.</param>
public sealed record EpochRecord(
    int Epoch, double Loss, double TrainingAccuracy, double LearningRate, double? ValidationAccuracy, double? RobustValidationAccuracy,
    double Seconds);

/// <summary>What a training was. The weights are in the student that was given.</summary>
public sealed record TrainingResult
{
    internal TrainingResult(IReadOnlyList<EpochRecord> history, int? bestEpoch, int? keptEpoch, double seconds, bool cancelled) =>
        (History, BestEpoch, KeptEpoch, Seconds, Cancelled) = (history, bestEpoch, keptEpoch, seconds, cancelled);

    /// <summary>One record an epoch that was finished.</summary>
    public IReadOnlyList<EpochRecord> History { get; internal init; }

    /// <summary>
    /// The last epoch, from 1, that the validation images cannot tell from the best: its accuracy on attacked ones is the highest, or
    /// within one standard error of it (Breiman et al., 1984), and its clean accuracy is as near to the highest of such epochs whose
    /// weights were still kept. By clean
    /// accuracy alone if the method has neither adversary nor teacher. Null where nothing was validated.
    /// </summary>
    public int? BestEpoch { get; internal init; }

    /// <summary>The epoch, from 1, whose weights the student has; null where it was cancelled between two epochs' ends.</summary>
    public int? KeptEpoch { get; internal init; }

    /// <summary>How long it took, earlier processes of a resumed run included.</summary>
    public double Seconds { get; internal init; }

    /// <summary>Whether it was cancelled before its last epoch.</summary>
    public bool Cancelled { get; internal init; }

    /// <summary>What there was to warn of, each with epoch and step, as far as the last checkpoint of before. Usually nothing.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>How far the teacher agrees with the labels of auxiliary images; null without these, or without a teacher.</summary>
    public LabelNoise? AuxiliaryLabels { get; init; }

    /// <summary>
    /// What was found of the teacher on some training images before it taught, and unless the training was cancelled what carries over to
    /// the student as trained; null without a teacher.
    /// </summary>
    public TeacherReport? Teacher { get; internal init; }

    /// <summary>On how many images the choice of <see cref="BestEpoch"/> rests; 0 where nothing was validated.</summary>
    internal long ValidationImages { get; init; }

    /// <summary>Whether <see cref="BestEpoch"/> was chosen by the accuracy under attack rather than by the clean one.</summary>
    internal bool ChosenUnderAttack { get; init; } = true;

    /// <summary>Method and options in full, one setting a line, such as <c>Options.BatchSize: 128</c>.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    internal EpochRecord? Best => BestEpoch is { } epoch ? History[epoch - 1] : null;
}
