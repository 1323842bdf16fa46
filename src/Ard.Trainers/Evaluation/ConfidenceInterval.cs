namespace Ard.Trainers.Evaluation;

/// <summary>Where the share of all images, of which those evaluated are a sample, or the difference of two such shares, lies.</summary>
/// <param name="Low">The lower bound, from 0 to 1, of a difference from -1; NaN where nothing was counted.</param>
/// <param name="High">The upper bound; likewise.</param>
public sealed record ConfidenceInterval(double Low, double High)
{
    /// <summary>In percent, such as <c>53.07 to 61.42</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{100 * Low:F2} to {100 * High:F2}");

    // The normal distribution is within so many deviations of its mean with a probability of 95 %.
    internal const double Deviations = 1.959963984540054;

    /// <summary>
    /// The 95 % score interval of a share (Wilson, Probable inference, JASA 1927): the shares p for which the observed one is within 1.96
    /// deviations √(p (1 - p) / total) of p. Unlike the usual ± it stays within [0,1] and has a width at 0 and at 1.
    /// </summary>
    /// <param name="count">How many were counted, from 0 to <paramref name="total"/>.</param>
    /// <param name="total">Of how many.</param>
    public static ConfidenceInterval Wilson(long count, long total)
    {
        if (total == 0) return new(double.NaN, double.NaN);
        var (share, square) = ((double)count / total, Deviations * Deviations);
        var middle = share + square / (2 * total);
        var half = Deviations * Math.Sqrt(share * (1 - share) / total + square / (4.0 * total * total));
        var all = 1 + square / total;
        // The bounds at 0 and at all are known; computed, they would miss by a rounding.
        return new(count == 0 ? 0 : (middle - half) / all, count == total ? 1 : (middle + half) / all);
    }
}
