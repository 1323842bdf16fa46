using System.Numerics;

namespace Ard.Trainers.Tests.Evaluation;

public sealed class PairedDifferenceTests
{
    // Both right, only the first, only the second, none.
    private static PairedDifference Of(int both, int first, int second, int none)
    {
        AttackResult Result(params (int Count, bool Right)[] runs) => new(
            "x", [.. runs.SelectMany(run => Enumerable.Repeat(new AttackedPoint(true, run.Right ? null : "x", 0, 1, 1), run.Count))]);
        return PairedDifference.Between(
            Result((both + first, true), (second + none, false)), Result((both, true), (first, false), (second, true), (none, false)));
    }

    [Fact]
    public void The_published_example_has_its_published_figures()
    {
        // Airway hyper-responsiveness before and after stem cell transplantation (Bentur et al. 2009), with the mid-p of Fagerland,
        // Lydersen and Laake (2013) and the interval of Bonett and Price as Fagerland and others (Statistics in Medicine 2014) have it.
        var found = Of(1, 1, 7, 12);
        Assert.Equal((1, 7, 21), (found.OnlyFirst, found.OnlySecond, found.Images));
        Assert.Equal(-6 / 21.0, found.Difference, 1e-12);
        Assert.Equal(0.0391, found.PValue, 5e-5);
        Assert.Equal(-0.508, found.Interval.Low, 5e-4);
        Assert.Equal(-0.013, found.Interval.High, 5e-4);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(3, 3)]
    [InlineData(12, 30)]
    [InlineData(700, 760)]
    public void McNemars_mid_p_is_the_sum_over_all_outcomes(int first, int second)
    {
        // In whole numbers: twice the ways, out of 2 to the n, that lie further from the middle, and once those that are as far.
        var n = first + second;
        BigInteger ways = 1, twice = 0;
        for (var k = 0; k <= n; ways = ways * (n - k) / ++k)
            twice += Math.Abs(2 * k - n).CompareTo(Math.Abs(first - second)) switch { > 0 => 2 * ways, 0 => ways, _ => 0 };
        var expected = Math.Exp(BigInteger.Log(twice) - (n + 1) * Math.Log(2));
        Assert.Equal(expected, Of(5, first, second, 5).PValue, 1e-9);
        Assert.Equal(expected, Of(0, second, first, 0).PValue, 1e-9);
    }

    [Fact]
    public void Interval_and_difference_turn_their_sign_when_the_networks_change_places_and_stay_within_one()
    {
        var (one, other) = (Of(10, 9, 4, 3), Of(10, 4, 9, 3));
        Assert.Equal((one.Difference, one.Interval.Low), (-other.Difference, -other.Interval.High));
        Assert.InRange(one.Difference, one.Interval.Low, one.Interval.High);
        Assert.Equal(1, Of(0, 3, 0, 0).Interval.High);
        Assert.True(Of(0, 3, 0, 0).Interval.Low < 1);
        Assert.Equal((double.NaN, double.NaN, 1), (Of(0, 0, 0, 0).Difference, Of(0, 0, 0, 0).Interval.Low, Of(0, 0, 0, 0).PValue));
    }

    [Fact]
    public void The_interval_has_the_true_difference_in_it_as_often_as_it_says()
    {
        var random = new Random(1);
        var (inside, p) = (0, new[] { 0.5, 0.62, 0.7 });
        for (var trial = 0; trial < 2000; trial++)
        {
            var counts = new int[4];
            for (var image = 0; image < 200; image++)
            {
                var draw = random.NextDouble();
                counts[p.Count(bound => draw >= bound)]++;
            }
            var found = Of(counts[0], counts[1], counts[2], counts[3]);
            if (found.Interval.Low <= 0.04 && 0.04 <= found.Interval.High) inside++;
        }
        Assert.InRange(inside / 2000.0, 0.935, 0.97);
    }

    [Fact]
    public void Results_of_other_numbers_of_images_are_refused() => Assert.Contains(
        "of 1 images, expected 2", Assert.Throws<ArgumentException>(() => PairedDifference.Between(
            new("x", [new(true, null, 0, 1, 1), new(true, null, 0, 1, 1)]), new("x", [new(true, null, 0, 1, 1)]))).Message);
}
