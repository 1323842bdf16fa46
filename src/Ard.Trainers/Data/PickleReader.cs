using System.Numerics;

namespace Ard.Trainers.Data;

/// <summary>The bytes of one pickle, from front to back, no further than its end. No length is believed before it is compared.</summary>
internal sealed class PickleReader(Stream stream, string path, long start, long length, long limit)
{
    public const int LongestName = 1000;

    private const int LongestNumber = 64;   // bytes

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
    private long position;
    private long operation;

    public long Length => Math.Min(length, limit);
    public long Position => position;

    /// <summary>The code of the next operation, which faults are told of from now on.</summary>
    public byte Operation()
    {
        operation = position;
        return Byte();
    }

    public byte Byte()
    {
        if (position >= Length) throw End(1);
        var value = stream.ReadByte();
        if (value < 0) throw End(1);
        position++;
        return (byte)value;
    }

    public byte[] Bytes(ulong count)
    {
        // Before anything is allocated: no length is believed beyond what is left.
        if (count > (ulong)(Length - position)) throw End(count);
        var bytes = new byte[count];
        try
        {
            stream.ReadExactly(bytes);
        }
        catch (EndOfStreamException)
        {
            throw End(count);
        }
        position += bytes.Length;
        return bytes;
    }

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));
    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8));

    /// <summary>A text in UTF-8 of so many bytes.</summary>
    public string Text(ulong count)
    {
        var bytes = Bytes(count);
        return Damage.Tell(
            () => StrictUtf8.GetString(bytes), exception => exception is DecoderFallbackException,
            exception => Fault("a text in UTF-8", exception.Message));
    }

    /// <summary>A whole number of so many bytes, the lowest first: a long, or where that is too short a <see cref="BigInteger"/>.</summary>
    public object Number(uint bytes)
    {
        if (bytes > LongestNumber) throw Fault($"a number of at most {LongestNumber} bytes", $"{bytes}");
        var number = new BigInteger(Bytes(bytes));
        return number >= long.MinValue && number <= long.MaxValue ? (object)(long)number : number;
    }

    public string Line()
    {
        var text = new StringBuilder();
        for (byte c; (c = Byte()) != '\n';)
        {
            if (text.Length == LongestName) throw Fault($"a name of at most {LongestName} bytes", "a longer one");
            text.Append((char)c);
        }
        return text.ToString();
    }

    private DataFileException End(ulong count) =>
        new(path, start + position, $"{count} more byte(s) of the pickle that begins at {start}",
            Length == limit ? $"its {limit}th, the most that is read" : "the end");

    public DataFileException Fault(string expected, string found) => new(path, start + operation, expected, found);
}
