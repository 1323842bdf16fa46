namespace Ard.Trainers.Evaluation;

/// <summary>
/// How much more one network gets right than another, of the same images. Both meet the same easy and hard images, so that a difference
/// shows which is far smaller than the intervals of the two accuracies.
/// </summary>
public sealed record PairedDifference
{
    private PairedDifference(int onlyFirst, int onlySecond, int images) =>
        (OnlyFirst, OnlySecond, Images) = (onlyFirst, onlySecond, images);

    /// <summary>How many images the first gets right and the second wrong.</summary>
    public int OnlyFirst { get; }

    /// <summary>How many images the second gets right and the first wrong.</summary>
    public int OnlySecond { get; }

    internal int Images { get; }

    /// <summary>The first's accuracy less the second's, from -1 to 1; NaN where there are no images.</summary>
    public double Difference => Images == 0 ? double.NaN : (double)(OnlyFirst - OnlySecond) / Images;

    /// <summary>
    /// The 95 % interval of the difference, as the images are a sample: Wald's with a half added to each of the four counts (Bonett and
    /// Price, Adjusted Wald confidence interval for a difference of binomial proportions based on paired data, Journal of Educational and
    /// Behavioral Statistics 2012), cut to -1 and 1.
    /// </summary>
    public ConfidenceInterval Interval
    {
        get
        {
            if (Images == 0) return new(double.NaN, double.NaN);
            var (first, second, total) = (OnlyFirst + 1.0, OnlySecond + 1.0, Images + 2.0);
            var middle = (first - second) / total;
            var half = ConfidenceInterval.Deviations * Math.Sqrt(((first + second) / total - middle * middle) / total);
            return new(Math.Max(-1, middle - half), Math.Min(1, middle + half));
        }
    }

    /// <summary>
    /// How probable it is that two networks of the same accuracy differ at least so much on these images: McNemar's test, of the images on
    /// which they differ, where each of the two is right by equal chance; what is as far apart as what was found counts half (mid-p:
    /// Fagerland, Lydersen and Laake, BMC Medical Research Methodology 2013). From 0 to 1.
    /// </summary>
    public double PValue
    {
        get
        {
            var (all, less) = (OnlyFirst + OnlySecond, Math.Min(OnlyFirst, OnlySecond));
            if (all == 0) return 1;
            var logarithm = -all * Math.Log(2);
            for (var i = 1; i <= less; i++) logarithm += Math.Log((double)(all - less + i) / i);
            var here = Math.Exp(logarithm);
            var (beyond, probability) = (0.0, here);
            for (var i = less; i > 0; i--) beyond += probability *= i / (all - i + 1.0);
            return 2 * beyond + (OnlyFirst == OnlySecond ? here / 2 : here);
        }
    }

    /// <summary>Compares two networks by what they get right of the same images.</summary>
    /// <param name="first">What one gets right, such as <c>report.WorstCase</c>.</param>
    /// <param name="second">What another gets right of the same images, in the same order, under the same attack.</param>
    /// <exception cref="ArgumentException">They are of different numbers of images.</exception>
    public static PairedDifference Between(AttackResult first, AttackResult second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        if (first.Points.Count != second.Points.Count)
            throw new ArgumentException(
                $"{nameof(second)} is of {second.Points.Count} images, expected {first.Points.Count} as {nameof(first)}.", nameof(second));
        var pairs = first.Correct.Zip(second.Correct).ToArray();
        return new(pairs.Count(pair => pair is (true, false)), pairs.Count(pair => pair is (false, true)), pairs.Length);
    }
}
