using System.IO.Compression;

namespace Ard.Trainers.Tests.Reports;

public class PngTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(3, 2)]
    [InlineData(2, 0)]
    public void An_image_has_the_size_the_kind_and_the_pixels_that_were_given(int channels, byte kind)
    {
        float[] planes = [.. Enumerable.Range(0, channels * 6).Select(i => i / 20f)];
        planes[1] = -3;
        planes[2] = 7;
        var chunks = Chunks(Png.Encode(planes, channels, height: 2, width: 3)).ToArray();
        Assert.Equal(["IHDR", "IDAT", "IEND"], chunks.Select(chunk => chunk.Type));
        Assert.Equal([0, 0, 0, 3, 0, 0, 0, 2, 8, kind, 0, 0, 0], chunks[0].Data);

        using var zlib = new ZLibStream(new MemoryStream(chunks[1].Data), CompressionMode.Decompress);
        using var rows = new MemoryStream();
        zlib.CopyTo(rows);
        var shown = channels == 3 ? 3 : 1;
        var expected = new List<byte>();
        for (var y = 0; y < 2; y++)
        {
            expected.Add(0);
            for (var x = 0; x < 3; x++)
                for (var channel = 0; channel < shown; channel++)
                    expected.Add((byte)Math.Round(255 * Math.Clamp(planes[channel * 6 + y * 3 + x], 0, 1)));
        }
        Assert.Equal(expected, rows.ToArray());
    }

    [Fact]
    public void The_check_sum_of_the_end_is_that_of_every_png() =>
        Assert.Equal([0xAE, 0x42, 0x60, 0x82], Png.Encode([0], 1, 1, 1)[^4..]);

    private static IEnumerable<(string Type, byte[] Data)> Chunks(byte[] file)
    {
        Assert.Equal([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], file[..8]);
        for (var at = 8; at < file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            yield return (Encoding.ASCII.GetString(file, at + 4, 4), file[(at + 8)..(at + 8 + length)]);
            at += 12 + length;
        }
    }
}
