namespace Ard.Bench;

/// <summary>
/// Seconds of two sides that took turns, so that the machine's changing speed met both alike: medians, and the ratio ours to theirs with
/// the lowest and the highest of a round. NaN where there is no other side.
/// </summary>
internal sealed record Turns(double Ours, double Theirs, double Ratio, double Lowest, double Highest)
{
    /// <summary>Times both sides as often as there are rounds, after one turn that warms up.</summary>
    /// <param name="rounds">From 1.</param>
    /// <param name="ours">One run, or several with the seconds of one.</param>
    /// <param name="theirs">The other side.</param>
    public static Turns Measure(int rounds, Func<double> ours, Func<double> theirs)
    {
        _ = (ours(), theirs());
        return Of([.. Enumerable.Range(0, rounds).Select(_ => (ours(), theirs()))]);
    }

    public static Turns Of(IReadOnlyList<(double Ours, double Theirs)> rounds)
    {
        var ratios = rounds.Select(round => round.Ours / round.Theirs).Order().ToArray();
        return new(
            Median(rounds.Select(round => round.Ours)), Median(rounds.Select(round => round.Theirs)), Median(ratios),
            ratios[0], ratios[^1]);
    }

    /// <summary>Seconds of one call.</summary>
    public static double Seconds(Action work)
    {
        var watch = Stopwatch.StartNew();
        work();
        return watch.Elapsed.TotalSeconds;
    }

    /// <summary>The middle value.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    /// <summary>The ratio, and what rounds it lies between.</summary>
    public string Range => double.IsNaN(Ratio) ? "-" : $"{Ratio:F2} ({Lowest:F2} to {Highest:F2})";
}
