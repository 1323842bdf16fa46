namespace Ard.Trainers.Training;

/// <summary>How far a training has come. Reported at intervals and after each epoch.</summary>
public sealed record TrainingProgress
{
    internal TrainingProgress() { }

    /// <summary>The epoch, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>How many epochs there are.</summary>
    public required int Epochs { get; init; }

    /// <summary>How many steps of the epoch are done.</summary>
    public required int Step { get; init; }

    /// <summary>How many steps an epoch has.</summary>
    public required int Steps { get; init; }

    /// <summary>Whether this is the last report of its epoch, after its validation.</summary>
    public bool EpochEnded { get; init; }

    /// <summary>The loss, mean over the images of the epoch so far.</summary>
    public required double Loss { get; init; }

    /// <summary>
    /// The share of the epoch's images so far that the student got right in training: on adversarial images where the objective makes them.
    /// NaN where the objective does not hand in its logits.
    /// </summary>
    public required double TrainingAccuracy { get; init; }

    /// <summary>What the training had to warn of since the report before. Usually nothing.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>What was found of the teacher before it taught, in the first report; else null.</summary>
    public TeacherReport? Teacher { get; init; }

    /// <summary>The latest learning rate.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Training images a second, in this epoch and this process; validation does not count.</summary>
    public required double ImagesPerSecond { get; init; }

    /// <summary>Accuracy on the clean validation images after the latest epoch that was validated; null before.</summary>
    public double? ValidationAccuracy { get; init; }

    /// <summary>Accuracy on the attacked validation images after the latest epoch that was validated; null before.</summary>
    public double? RobustValidationAccuracy { get; init; }

    /// <summary>The time since the start, that of earlier processes of a resumed run included.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>The time to the end at the present pace, validations included.</summary>
    public required TimeSpan TimeLeft { get; init; }
}
