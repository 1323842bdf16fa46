namespace Ard.Trainers.Tests.Reports;

public class AxisTests
{
    [Theory]
    [InlineData(0.0, 2.31, "0.0 0.5 1.0 1.5 2.0 2.5")]
    [InlineData(0.0, 0.0031, "0.000 0.001 0.002 0.003 0.004")]
    [InlineData(-3.0, 12.0, "-5 0 5 10 15")]
    [InlineData(0.0, 0.0, "0.0 0.2 0.4 0.6 0.8 1.0")]
    [InlineData(0.0, 3e8, "0E+0 1E+8 2E+8 3E+8")]
    public void From_zero_an_axis_begins_and_ends_at_round_numbers(double low, double high, string expected)
    {
        var axis = Axis.FromZero([low, high]);
        Assert.Equal(expected, string.Join(' ', axis.Ticks.Select(axis.Text)));
    }

    [Theory]
    [InlineData(1.0, 50.0, "10 20 30 40 50")]
    [InlineData(1.0, 3.0, "1 2 3")]
    [InlineData(1.0, 1.0, "1")]
    [InlineData(0.0, 8.0, "0 2 4 6 8")]
    public void Epochs_are_ticked_at_whole_numbers(double low, double high, string expected)
    {
        var axis = Axis.Between([low, high], smallestStep: 1);
        Assert.Equal(expected, string.Join(' ', axis.Ticks.Select(axis.Text)));
    }

    [Property]
    public void Ticks_are_few_and_within_the_axis_whatever_the_values(double one, double other)
    {
        if (!double.IsFinite(one) || !double.IsFinite(other) || Math.Abs(one) > 1e100 || Math.Abs(other) > 1e100) return;
        foreach (var axis in new[] { Axis.FromZero([one, other]), Axis.Between([one, other]) })
        {
            var ticks = axis.Ticks.ToArray();
            Assert.InRange(ticks.Length, 1, 9);
            Assert.All(ticks, tick => Assert.InRange(axis.Place(tick, 0, 1), -1e-6, 1 + 1e-6));
        }
    }
}
