namespace Ard.Trainers.Tests.Training;

public sealed class DurationTests
{
    [Theory]
    [InlineData(-3, "0 s")]
    [InlineData(0.25, "0.3 s")]
    [InlineData(9.97, "10 s")]
    [InlineData(59.4, "59 s")]
    [InlineData(59.6, "1 min 0 s")]
    [InlineData(3599.7, "1 h 0 min")]
    [InlineData(86399, "23 h 59 min")]
    [InlineData(565978, "6 d 13 h")]
    [InlineData(4e8, "4,629 d 15 h")]
    public void Days_are_not_dropped(double seconds, string expected) =>
        Assert.Equal(expected, Duration.Text(TimeSpan.FromSeconds(seconds)));
}
