namespace Ard.Trainers.Evaluation;

/// <summary>Demands on an evaluation, for tests: of xunit, NUnit, MSTest or none, as each takes an exception for a failure.</summary>
public static class RobustnessAssert
{
    /// <summary>
    /// Demands that a network is as robust as it is said to be. It fails where the 95 % interval of the worst case ends below, so that it
    /// does not fail by the choice of the images, and for every flag by which the figure may be too high. The interval of few images is
    /// wide, and shuts nothing out: of 500 images at 45 % it reaches 4.4 points up and down, of 5000 1.4.
    /// </summary>
    /// <param name="evaluation">
    /// A <see cref="RobustnessReport"/>, such as <c>metrics.Report</c> of ML.NET, or a union: then against all adversaries.
    /// </param>
    /// <param name="accuracy">The share of images that has to be right against all attacks together, from 0 to 1, such as 0.45.</param>
    /// <param name="accepted">Flags that do not count, because somebody has looked at them. Default none.</param>
    /// <exception cref="RobustnessException">It is less robust, or a flag was raised; the message says both.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The accuracy is not from 0 to 1.</exception>
    public static void AtLeast(RobustnessUnion evaluation, double accuracy, params IReadOnlyList<RobustnessFlagCode> accepted)
    {
        ArgumentNullException.ThrowIfNull(evaluation);
        ArgumentNullException.ThrowIfNull(accepted);
        string[] faults =
        [
            .. new[] { Fault(evaluation.WorstCase, accuracy) }.OfType<string>(),
            .. evaluation.Flags.Where(flag => Counts(flag, accepted)).Select(flag => $"Flag: {flag}"),
        ];
        if (faults.Length > 0) throw new RobustnessException($"Against {evaluation.Threats}: {string.Join(" ", faults)}");
    }

    /// <summary>Why a result is below what is demanded; null where it may be as good.</summary>
    internal static string? Fault(AttackResult result, double accuracy)
    {
        if (accuracy is not (>= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(accuracy), accuracy, "accuracy: expected a share from 0 to 1, such as 0.45.");
        // Not a number where there are no images, of which nothing is known.
        return result.Interval.High >= accuracy ? null :
            Invariant($"{result.Name}: {100 * result.Accuracy:F2} % of {result.Points.Count} images are right ")
            + Invariant($"(95 % interval: {result.Interval}), expected {100 * accuracy:0.##} % or more.");
    }

    internal static bool Counts(RobustnessFlag flag, IReadOnlyList<RobustnessFlagCode> accepted) =>
        flag.IsSerious && !accepted.Contains(flag.Code);
}

/// <summary>A network is less robust than <see cref="RobustnessAssert"/> demands, or a flag says that its figures may be wrong.</summary>
public sealed class RobustnessException : Exception
{
    internal RobustnessException(string message) : base(message)
    {
    }
}
