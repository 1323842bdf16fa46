using System.IO.Compression;

namespace Ard.Trainers.Reports;

/// <summary>
/// Small images as PNG (W3C Recommendation, 2nd edition): eight bits a value, grey or red, green and blue, no filter, one chunk of data.
/// </summary>
internal static class Png
{
    private static readonly byte[] Signature = [0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1A, (byte)'\n'];

    /// <summary>The image as <c>data:</c> address, for pages that load nothing.</summary>
    public static string Address(ReadOnlySpan<float> planes, int channels, int height, int width) =>
        "data:image/png;base64," + Convert.ToBase64String(Encode(planes, channels, height, width));

    /// <summary>
    /// The file's bytes, of values in [0,1], planes of channels, row by row; what lies outside is cut off. Three planes are red, green and
    /// blue; of any other number the first is shown.
    /// </summary>
    public static byte[] Encode(ReadOnlySpan<float> planes, int channels, int height, int width)
    {
        var shown = channels == 3 ? 3 : 1;
        var rows = new byte[height * (1 + width * shown)];
        for (int y = 0, to = 0; y < height; y++)
        {
            rows[to++] = 0; // no filter
            for (var x = 0; x < width; x++)
                for (var channel = 0; channel < shown; channel++)
                    rows[to++] = (byte)Math.Round(255 * Math.Clamp(planes[(channel * height + y) * width + x], 0f, 1f));
        }
        using var file = new MemoryStream();
        file.Write(Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        (header[8], header[9]) = (8, (byte)(shown == 3 ? 2 : 0));
        Chunk(file, "IHDR", header);
        using (var packed = new MemoryStream())
        {
            using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true)) zlib.Write(rows);
            Chunk(file, "IDAT", packed.ToArray());
        }
        Chunk(file, "IEND", []);
        return file.ToArray();
    }

    private static void Chunk(Stream file, string type, ReadOnlySpan<byte> data)
    {
        var chunk = new byte[data.Length + 12];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        Encoding.ASCII.GetBytes(type, chunk.AsSpan(4));
        data.CopyTo(chunk.AsSpan(8));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(data.Length + 8), Crc(chunk.AsSpan(4, data.Length + 4)));
        file.Write(chunk);
    }

    // CRC-32 as of ISO 3309, bit by bit: the images are small.
    private static uint Crc(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var value in data)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB88320;
        }
        return ~crc;
    }
}
