namespace Ard.Trainers.Tests.Evaluation;

public sealed class ConfidenceIntervalTests
{
    // Newcombe, Two-sided confidence intervals for the single proportion (Statistics in Medicine 17, 1998), table I, method 3.
    [Theory]
    [InlineData(81, 263, 0.2553, 0.3662)]
    [InlineData(15, 148, 0.0624, 0.1605)]
    [InlineData(0, 20, 0, 0.1611)]
    [InlineData(1, 29, 0.0061, 0.1718)]
    public void The_interval_is_that_of_published_examples(int count, int total, double low, double high)
    {
        var interval = ConfidenceInterval.Wilson(count, total);
        Assert.Equal(low, interval.Low, 5e-5);
        Assert.Equal(high, interval.High, 5e-5);
    }

    [Fact]
    public void It_is_where_the_share_is_1_96_deviations_of_the_bound_away_from_it()
    {
        foreach (var (count, total) in new[] { (3, 7), (250, 1000), (4321, 10_000) })
        {
            var interval = ConfidenceInterval.Wilson(count, total);
            foreach (var bound in new[] { interval.Low, interval.High })
                Assert.Equal(1.959964, Math.Abs((double)count / total - bound) / Math.Sqrt(bound * (1 - bound) / total), 1e-5);
            // And the mirror image for those that are wrong.
            var wrong = ConfidenceInterval.Wilson(total - count, total);
            Assert.Equal(interval.Low, 1 - wrong.High, 1e-12);
        }
    }

    [Fact]
    public void It_stays_within_0_and_1_and_of_nothing_is_not_a_number()
    {
        Assert.Equal(0, ConfidenceInterval.Wilson(0, 10).Low);
        Assert.Equal(1, ConfidenceInterval.Wilson(10, 10).High);
        Assert.InRange(ConfidenceInterval.Wilson(10, 10).Low, 0.5, 0.99);
        Assert.True(double.IsNaN(ConfidenceInterval.Wilson(0, 0).Low));
    }
}
