using Ard.Trainers.Attacks;

namespace Ard.Trainers.Evaluation;

/// <summary>What an evaluation found, point by point.</summary>
/// <param name="Threat">What the adversary was allowed to do.</param>
/// <param name="Clean">Without an attack: which points the network gets right.</param>
/// <param name="Attacks">
/// One entry an attack, in the order they were run. A point counts as right against an attack when the network gets both the clean image
/// and the attack's point right: the clean image is one of those that the adversary may choose.
/// </param>
/// <param name="WorstCase">
/// Against all attacks together: right where the network is right on the clean image and against every attack.
/// </param>
public sealed record RobustnessReport(ThreatModel Threat, AttackResult Clean, IReadOnlyList<AttackResult> Attacks, AttackResult WorstCase)
{
    /// <summary>The result of one attack.</summary>
    /// <param name="attack">Its name, such as <c>pgd-20</c>; <c>clean</c> and <c>worst-case</c> are understood as well.</param>
    /// <exception cref="KeyNotFoundException">It was not run; the message names those that were.</exception>
    public AttackResult this[string attack] => Attacks.Prepend(Clean).Append(WorstCase).FirstOrDefault(result => result.Name == attack)
        ?? throw new KeyNotFoundException($"No result for '{attack}': found {string.Join(", ", Attacks.Select(result => result.Name))}.");
}

/// <summary>Which points the network gets right under one attack.</summary>
/// <param name="Name">The attack's name.</param>
/// <param name="Correct">One entry a point, in the order of the images.</param>
public sealed record AttackResult(string Name, IReadOnlyList<bool> Correct)
{
    /// <summary>How many points the network gets right.</summary>
    public int CorrectCount { get; } = Correct.Count(correct => correct);

    /// <summary>The share of points that the network gets right, from 0 to 1; NaN where there are no points.</summary>
    public double Accuracy => Correct.Count == 0 ? double.NaN : (double)CorrectCount / Correct.Count;
}

/// <summary>How far an evaluation has come.</summary>
/// <param name="Attack">What was just run: <c>clean</c> or an attack's name.</param>
/// <param name="Done">How many points have been through everything.</param>
/// <param name="Total">How many points there are.</param>
public sealed record EvaluationProgress(string Attack, int Done, int Total);
