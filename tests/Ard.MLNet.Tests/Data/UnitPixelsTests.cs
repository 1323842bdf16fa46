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
        Assert.True(UnitPixels.Are(pixels));
        Assert.True(UnitPixels.Are([]));
        foreach (var wrong in new[] { float.NaN, -0.001f, MathF.BitIncrement(1), 255f, float.PositiveInfinity, float.NegativeInfinity })
        {
            for (var at = 0; at < pixels.Length; at++)
            {
                var damaged = pixels.ToArray();
                damaged[at] = wrong;
                Assert.False(UnitPixels.Are(damaged), $"{wrong} at {at}");
            }
        }
    }

    [Fact]
    public void Bytes_are_found_however_they_were_divided_and_anything_else_at_every_place()
    {
        var expected = Enumerable.Range(0, 300).Select(i => (byte)i).ToArray();
        var found = new byte[expected.Length];
        foreach (var divide in new Func<byte, float>[] { value => value / 255f, value => value * (1 / 255f) })
        {
            var pixels = expected.Select(divide).ToArray();
            Assert.True(UnitPixels.ToBytes(pixels, found));
            Assert.Equal(expected, found);
            for (var at = 0; at < pixels.Length; at++)
            {
                var damaged = pixels.ToArray();
                damaged[at] = damaged[at] < 0.5f ? damaged[at] + 0.0001f : damaged[at] - 0.0001f;
                Assert.False(UnitPixels.ToBytes(damaged, found), $"at {at}");
            }
        }
    }
}
