namespace Ard.Trainers.Evaluation;

/// <summary>What an evaluation found, point by point.</summary>
public sealed record RobustnessReport
{
    internal RobustnessReport(ThreatModel threat, AttackResult clean, IReadOnlyList<AttackResult> attacks, AttackResult worstCase) =>
        (Threat, Clean, Attacks, WorstCase) = (threat, clean, attacks, worstCase);

    /// <summary>What the adversary was allowed to do.</summary>
    public ThreatModel Threat { get; internal init; }

    /// <summary>Without an attack: which points the network gets right.</summary>
    public AttackResult Clean { get; internal init; }

    /// <summary>
    /// One entry an attack, in the order they were run. A point counts as right against an attack when the network gets both the clean
    /// image and the attack's point right: the clean image is one of those that the adversary may choose. In a sequence
    /// (<see cref="EvaluationOptions.Sequential"/>) a point also has to be right against every attack before.
    /// </summary>
    public IReadOnlyList<AttackResult> Attacks { get; internal init; }

    /// <summary>
    /// Against all attacks together: right where the network is right on the clean image and against every attack. Its points name the
    /// first attack that broke them, and count what all attacks have cost.
    /// </summary>
    public AttackResult WorstCase { get; internal init; }

    /// <summary>Signs that the figures may be wrong; empty where none was found.</summary>
    public IReadOnlyList<RobustnessFlag> Flags { get; init; } = [];

    /// <summary>What the figures of a model that was only queried (<see cref="Networks.BlackBox"/>) mean; null for others.</summary>
    public string? BlackBox { get; init; }

    internal IReadOnlyList<long> Labels { get; init; } = [];

    /// <summary>Threat model, attacks and what else the figures depend on, one setting a line, such as <c>Seed: 0</c>.</summary>
    internal IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>The digest of the images, by which they are known again; null where it was not taken.</summary>
    internal string? Images { get; init; }

    /// <summary>The digest of the network's weights, of merged shards, where the network is not at hand; else null.</summary>
    internal string? Weights { get; init; }

    /// <summary>By class: one entry for each class that there are images of, in their order.</summary>
    public IReadOnlyList<ClassAccuracy> Classes =>
    [
        .. Labels.Index().GroupBy(image => image.Item, image => image.Index).OrderBy(rows => rows.Key).Select(rows => new ClassAccuracy(
            rows.Key, rows.Count(), rows.Count(row => Clean.Correct[row]), rows.Count(row => WorstCase.Correct[row]))),
    ];

    /// <summary>
    /// The class with the lowest accuracy against all attacks together; null where there are no images. As the lowest of several it is
    /// rather too low: its interval is that of a class which was chosen beforehand.
    /// </summary>
    public ClassAccuracy? WeakestClass => Classes.MinBy(each => (each.Accuracy, each.Interval.High));

    /// <summary>
    /// Writes what became of each image as JSON lines, an object a line in the order of the images: <c>row</c>, from 0; <c>label</c>,
    /// <c>predicted</c> and <c>attacked</c>, the true class and those that the network takes the clean image and the worst of the attacked
    /// ones for (null where its output is not finite); <c>brokenBy</c>, the first attack that broke it, else null; <c>size</c>, how far it
    /// was moved, in the norm of the threat model; <c>forwardPasses</c> and <c>backwardPasses</c>, what all attacks have cost, null where
    /// one does not say; and for a model that was only queried <c>queries</c>, see <see cref="AttackedPoint.Queries"/>. The file appears
    /// whole or not at all.
    /// </summary>
    /// <param name="path">The file to create or to replace. Missing folders are made.</param>
    public void SaveRows(string path) => RobustnessUnion.Combine(this).SaveRows(path);

    /// <summary>
    /// Writes all of it as JSON, in the form of <c>docs/evaluation.schema.json</c>, by the version that it names: threat model, settings,
    /// flags, the figures of each attack and of each class with their intervals, and what became of each image. The file appears whole or
    /// not at all.
    /// </summary>
    /// <param name="path">The file to create or to replace. Missing folders are made.</param>
    /// <param name="network">The network that was evaluated, by whose digest it is known again. Default null: it is not said.</param>
    /// <param name="data">Which images they were. Default null: unknown.</param>
    /// <param name="classNames">The classes' names in the order of the labels. Default null: unknown.</param>
    public void SaveJson(
        string path, Module<Tensor, Tensor>? network = null, string? data = null, IReadOnlyList<string>? classNames = null) =>
        RobustnessUnion.Combine(this).SaveJson(path, network, data, classNames);

    /// <summary>The result of one attack.</summary>
    /// <param name="attack">Its name, such as <c>pgd-20</c>; <c>clean</c> and <c>worst-case</c> are understood as well.</param>
    /// <exception cref="KeyNotFoundException">It was not run; the message names those that were.</exception>
    public AttackResult this[string attack] => Attacks.Prepend(Clean).Append(WorstCase).FirstOrDefault(result => result.Name == attack)
        ?? throw new KeyNotFoundException($"No result for '{attack}': found {string.Join(", ", Attacks.Select(result => result.Name))}.");
}

/// <summary>Which points the network gets right under one attack.</summary>
public sealed record AttackResult
{
    internal AttackResult(string name, IReadOnlyList<AttackedPoint> points)
    {
        (Name, Points) = (name, points);
        Correct = [.. points.Select(point => point.IsRight)];
        CorrectCount = points.Count(point => point.IsRight);
    }

    /// <summary>The attack's name.</summary>
    public string Name { get; internal init; }

    /// <summary>What became of each point, in the order of the images.</summary>
    public IReadOnlyList<AttackedPoint> Points { get; internal init; }

    /// <summary>Which points the network gets right, in the order of the images.</summary>
    public IReadOnlyList<bool> Correct { get; }

    /// <summary>What the name leaves open, such as <c>20 steps of 2/255 from a random point; the worst iterate counts</c>.</summary>
    public string Details { get; init; } = "";

    /// <summary>
    /// For an attack that is transferred (<see cref="Attacks.Attack.Transfer"/>), the share of the clean images, from 0 to 1, on which its
    /// surrogate and the network agree: little transfers from a surrogate that disagrees. One that has learned from these images
    /// (<see cref="Training.Surrogate"/>) agrees more often than on others. Null for other attacks and merged shards.
    /// </summary>
    public double? SurrogateAgreement { get; init; }

    /// <summary>How many points the network gets right.</summary>
    public int CorrectCount { get; }

    /// <summary>The share of points that the network gets right, from 0 to 1; NaN where there are no points.</summary>
    public double Accuracy => Points.Count == 0 ? double.NaN : (double)CorrectCount / Points.Count;

    /// <summary>The 95 % interval of the accuracy, as the images are a sample.</summary>
    public ConfidenceInterval Interval => ConfidenceInterval.Wilson(CorrectCount, Points.Count);

    /// <summary>
    /// The share of points that the network would still get right if every one could be asked for so often only, from 0 to 1: see
    /// <see cref="AttackedPoint.Queries"/>. Points that were broken without their queries being counted are broken from the first.
    /// </summary>
    /// <param name="queries">How often.</param>
    public double AccuracyAfter(long queries) => Points.Count == 0
        ? double.NaN
        : (double)Points.Count(point => point.IsRight || (point.WasRight && point.Queries > queries)) / Points.Count;

    /// <summary>What half of the broken points needed of <see cref="AttackedPoint.Queries"/> at most; null for none counted.</summary>
    public double? MedianQueries
    {
        get
        {
            long[] each = [.. Points.Select(point => point.Queries).OfType<long>().Order()];
            return each.Length == 0 ? null : (each[(each.Length - 1) / 2] + each[each.Length / 2]) / 2.0;
        }
    }

    /// <summary>How many points are right after each part of an attack of several, such as AutoAttack; else empty.</summary>
    public IReadOnlyList<(string Name, int CorrectCount)> Parts { get; init; } = [];

    /// <summary>The class that the network takes each point for; -1 where the attack met outputs that are not finite.</summary>
    internal IReadOnlyList<long> Predictions { get; init; } = [];

    /// <summary>The logits [N,classes] row by row, of <see cref="EvaluationOptions.KeepLogits"/>; null for the worst case.</summary>
    internal IReadOnlyList<float>? Logits { get; init; }
}

/// <summary>How far an evaluation has come.</summary>
/// <param name="Attack">What was just run: <c>clean</c>, an attack's name, or with its part's, such as <c>autoattack: apgd-t</c>.</param>
/// <param name="Done">How many points have been through everything.</param>
/// <param name="Total">How many points there are.</param>
/// <param name="Robust">How many of the points of which something is known have been right so far.</param>
public sealed record EvaluationProgress(string Attack, int Done, int Total, int Robust);

/// <summary>What a network gets right of the images of one class.</summary>
/// <param name="Class">The class, from 0.</param>
/// <param name="Images">How many images there are of it, one or more.</param>
/// <param name="CleanCount">How many of them the network gets right without an attack.</param>
/// <param name="RobustCount">How many of them it gets right against all attacks together.</param>
public sealed record ClassAccuracy(long Class, int Images, int CleanCount, int RobustCount)
{
    /// <summary>The share of images that are right against all attacks together, from 0 to 1.</summary>
    public double Accuracy => (double)RobustCount / Images;

    /// <summary>The 95 % interval of the accuracy, as the images are a sample.</summary>
    public ConfidenceInterval Interval => ConfidenceInterval.Wilson(RobustCount, Images);
}
