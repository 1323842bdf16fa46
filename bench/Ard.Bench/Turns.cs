using System.Diagnostics;
using System.Globalization;

namespace Ard.Bench;

/// <summary>
/// Seconds of two sides that took turns, so that the machine's changing speed met both alike: medians, and the ratio ours to theirs with
/// the lowest and the highest of a round; also the ratio of the fastest turns, which other work on the machine disturbs least. NaN where
/// there is no other side.
/// </summary>
internal sealed record Turns(double Ours, double Theirs, double Ratio, double Lowest, double Highest, double Fastest)
{
    /// <summary>What <see cref="ToString(double)"/> has above its columns.</summary>
    public static string Header(string theirs) => $"{"ours",10}{theirs,12}{"ratio",8}{"lowest",9}{"highest",9}{"fastest",9}";

    /// <summary>Times both sides as often as there are rounds, after one turn that warms up.</summary>
    /// <param name="rounds">From 1.</param>
    /// <param name="ours">One run, or several with the seconds of one.</param>
    /// <param name="theirs">The other side; null where there is none.</param>
    public static Turns Measure(int rounds, Func<double> ours, Func<double>? theirs)
    {
        _ = (ours(), theirs?.Invoke());
        return Of([.. Enumerable.Range(0, rounds).Select(_ => (ours(), theirs?.Invoke() ?? double.NaN))]);
    }

    public static Turns Of(IReadOnlyList<(double Ours, double Theirs)> rounds)
    {
        var ratios = rounds.Select(round => round.Ours / round.Theirs).Order().ToArray();
        return new(
            Arguments.Median(rounds.Select(round => round.Ours)), Arguments.Median(rounds.Select(round => round.Theirs)),
            Arguments.Median(ratios), ratios[0], ratios[^1],
            rounds.Min(round => round.Ours) / rounds.Min(round => round.Theirs));
    }

    /// <summary>Seconds of one call.</summary>
    public static double Seconds(Action work)
    {
        var watch = Stopwatch.StartNew();
        work();
        return watch.Elapsed.TotalSeconds;
    }

    /// <summary>The columns of <see cref="Header"/>, times in the unit that is so many to the second.</summary>
    public string ToString(double unit) => string.Create(CultureInfo.InvariantCulture,
        $"{Ours * unit,10:F3}{Text(Theirs * unit, "F3"),12}{Text(Ratio, "F3"),8}"
        + $"{Text(Lowest, "F3"),9}{Text(Highest, "F3"),9}{Text(Fastest, "F3"),9}");

    public override string ToString() => ToString(1);

    private static string Text(double value, string format) =>
        double.IsNaN(value) ? "-" : value.ToString(format, CultureInfo.InvariantCulture);
}
