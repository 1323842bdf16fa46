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
}
