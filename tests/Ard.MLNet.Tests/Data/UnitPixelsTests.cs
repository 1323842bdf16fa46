using Ard.MLNet.Data;

namespace Ard.MLNet.Tests.Data;

public sealed class UnitPixelsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(784)]
    [InlineData(1021)]
    public void Every_byte_is_divided_by_255_at_every_place(int length)
    {
        var bytes = Enumerable.Range(0, length).Select(i => (byte)(i * 7)).ToArray();
        var pixels = new float[length];
        UnitPixels.From(bytes, pixels);
        Assert.Equal(bytes.Select(value => value / 255f), pixels);
    }

    [Fact]
    public void One_value_outside_is_found_at_every_place()
    {
        var pixels = Enumerable.Range(0, 77).Select(i => i / 76f).ToArray();
        Assert.True(UnitPixels.AreAll(pixels));
        Assert.True(UnitPixels.AreAll([]));
        foreach (var wrong in new[] { float.NaN, -0.001f, MathF.BitIncrement(1), 255f, float.PositiveInfinity, float.NegativeInfinity })
        {
            for (var at = 0; at < pixels.Length; at++)
            {
                var damaged = pixels.ToArray();
                damaged[at] = wrong;
                Assert.False(UnitPixels.AreAll(damaged), $"{wrong} at {at}");
            }
        }
    }
}
