using System.Diagnostics;

namespace Ard.Fuzzing;

/// <summary>
/// Damages files in the ways in which files are damaged and made hostile: bits, bytes and numbers changed, pieces cut, doubled, moved and
/// taken from another file. The same seed gives the same file.
/// </summary>
internal static class Mutation
{
    private static readonly long[] Numbers =
    [
        0, 1, -1, 2, 7, 8, 127, 128, 255, 256, 32767, 65535, 65536, int.MaxValue, int.MinValue, uint.MaxValue, 1L << 32, 1L << 40, 1L << 60,
        long.MaxValue, long.MinValue, 100_000_000, 100_000_001,
    ];

    /// <summary>A damaged copy.</summary>
    public static byte[] Of(byte[] original, byte[] other, int seed)
    {
        var random = new Random(seed);
        var bytes = original.ToArray();
        for (var count = 1 << random.Next(4); count > 0 && bytes.Length > 0; count--) bytes = Once(bytes, other, random);
        return bytes;
    }

    private static byte[] Once(byte[] bytes, byte[] other, Random random)
    {
        // Most of what readers decide by is at the beginning or at the end.
        var at = random.Next(4) switch
        {
            0 => random.Next(Math.Min(bytes.Length, 64)),
            1 => bytes.Length - 1 - random.Next(Math.Min(bytes.Length, 128)),
            _ => random.Next(bytes.Length),
        };
        var length = Math.Min(random.Next(1, 1 << random.Next(1, 10)), bytes.Length - at);
        switch (random.Next(9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1:
                bytes[at] = (byte)random.Next(256);
                return bytes;
            case 2:
                bytes[at] = (byte)(bytes[at] + random.Next(-2, 3));
                return bytes;
            case 3:
                Span<byte> number = stackalloc byte[8];
                var value = Numbers[random.Next(Numbers.Length)];
                if (random.Next(2) == 0) BinaryPrimitives.WriteInt64LittleEndian(number, value);
                else BinaryPrimitives.WriteInt64BigEndian(number, value);
                number[..Math.Min(1 << random.Next(4), bytes.Length - at)].CopyTo(bytes.AsSpan(at));
                return bytes;
            case 4:
                return bytes[..at];
            case 5:
                return [.. bytes[..at], .. bytes[(at + length)..]];
            case 6:
                return [.. bytes[..(at + length)], .. bytes[at..]];
            case 7:
                var to = random.Next(bytes.Length - length + 1);
                bytes.AsSpan(at, length).CopyTo(bytes.AsSpan(to));
                return bytes;
            default:
                var from = random.Next(other.Length);
                return [.. bytes[..at], .. other.AsSpan(from, Math.Min(length, other.Length - from)), .. bytes[(at + length)..]];
        }
    }
}

/// <summary>Readers of damaged files: each may refuse by its own exceptions, and by nothing else, in little time and memory.</summary>
internal static class Fuzz
{
    // Readers take milliseconds; this finds one that hangs, whatever else the machine does.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private const long Memory = 256 << 20;

    /// <summary>Reads so many damaged files.</summary>
    /// <param name="originals">Sound files; each is read as it is, first.</param>
    /// <param name="count">How many.</param>
    /// <param name="read">Reads one.</param>
    /// <param name="isRefusal">Whether an exception is one that the reader may throw.</param>
    /// <returns>How many were read and how many refused.</returns>
    public static (int Read, int Refused) Run(
        IReadOnlyList<byte[]> originals, int count, Action<byte[]> read, Func<Exception, bool> isRefusal)
    {
        foreach (var original in originals) read(original);
        int sound = 0, refused = 0;
        for (var seed = 0; seed < count; seed++)
        {
            var bytes = Mutation.Of(originals[seed % originals.Count], originals[(seed / 7) % originals.Count], seed);
            var clock = Stopwatch.StartNew();
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                read(bytes);
                sound++;
            }
            catch (Exception exception) when (isRefusal(exception))
            {
                refused++;
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Seed {seed}: {exception.GetType().Name}: {exception.Message}", exception);
            }
            if (clock.Elapsed > Patience) throw new InvalidOperationException($"Seed {seed}: {clock.Elapsed}");
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (allocated > Memory) throw new InvalidOperationException($"Seed {seed}: {allocated} bytes allocated");
        }
        return (sound, refused);
    }
}
