namespace Ard.Trainers.Evaluation;

/// <summary>What a network gets right of the images of one class.</summary>
public sealed record ClassAccuracy
{
    internal ClassAccuracy(long label, int images, int cleanCount, int robustCount) =>
        (Class, Images, CleanCount, RobustCount) = (label, images, cleanCount, robustCount);

    /// <summary>The class, from 0.</summary>
    public long Class { get; }

    /// <summary>How many images there are of it, one or more.</summary>
    public int Images { get; }

    /// <summary>How many of them the network gets right without an attack.</summary>
    public int CleanCount { get; }

    /// <summary>How many of them it gets right against all attacks together.</summary>
    public int RobustCount { get; }

    /// <summary>The share of images that are right against all attacks together, from 0 to 1.</summary>
    public double Accuracy => (double)RobustCount / Images;

    /// <summary>The 95 % interval of the accuracy, as the images are a sample.</summary>
    public ConfidenceInterval Interval => ConfidenceInterval.Wilson(RobustCount, Images);

    /// <summary>Of each class of which there are images, in their order.</summary>
    internal static IEnumerable<ClassAccuracy> ByClass(RobustnessReport report) => report.Labels.Index()
        .GroupBy(image => image.Item, image => image.Index).OrderBy(rows => rows.Key)
        .Select(rows => new ClassAccuracy(
            rows.Key, rows.Count(), rows.Count(row => report.Clean.Correct[row]), rows.Count(row => report.WorstCase.Correct[row])));
}
