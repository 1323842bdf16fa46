using System.Buffers.Binary;

namespace Ard.MLNet.Parquet;

/// <summary>
/// A structure in Thrift's compact protocol, which Parquet's descriptions are in, walked without keeping anything: Parquet.Net believes the
/// counts and lengths of a damaged one.
/// </summary>
internal ref struct ThriftStructure(ReadOnlySpan<byte> bytes)
{
    private const int Deepest = 32;
    private ReadOnlySpan<byte> left = bytes;
    private Dictionary<(int Parent, int Field), long>? numbers;

    /// <summary>Checks the description at the end of a Parquet file.</summary>
    /// <exception cref="FormatException">It is damaged.</exception>
    public static void CheckFooter(Stream file)
    {
        Span<byte> end = stackalloc byte[8];
        if (file.Length < 12) throw Damaged("the file is too short");
        file.Position = file.Length - end.Length;
        file.ReadExactly(end);
        var length = BinaryPrimitives.ReadInt32LittleEndian(end);
        if (!end[4..].SequenceEqual("PAR1"u8)) throw Damaged("it does not end with PAR1");
        if (length <= 0 || length > file.Length - 12) throw Damaged($"a description of {length} bytes");
        var footer = new byte[length];
        file.Position = file.Length - end.Length - length;
        file.ReadExactly(footer);
        file.Position = 0;
        var structure = new ThriftStructure(footer);
        structure.Struct(depth: 0);
        if (structure.left.Length > 0) throw Damaged($"{structure.left.Length} bytes behind its description");
    }

    /// <summary>The number at the beginning, as Snappy has its length as well.</summary>
    /// <exception cref="FormatException">It has no end.</exception>
    public static ulong ReadNumber(ReadOnlySpan<byte> bytes) => new ThriftStructure(bytes).Number();

    /// <summary>The numbers in a structure and in those right inside it, by the fields that they are in, and its length in bytes.</summary>
    /// <exception cref="FormatException">It is damaged.</exception>
    public static (IReadOnlyDictionary<(int Parent, int Field), long> Numbers, int Length) Read(ReadOnlySpan<byte> bytes)
    {
        var structure = new ThriftStructure(bytes) { numbers = [] };
        structure.Struct(depth: 0);
        return (structure.numbers, bytes.Length - structure.left.Length);
    }

    private void Struct(int depth, int parent = 0)
    {
        if (depth > Deepest) throw Damaged("structures in structures");
        var field = 0;
        for (int head; (head = Byte()) != 0;)
        {
            field = head >> 4 == 0 ? (int)Signed() : field + (head >> 4);
            // The head itself is the value of a truth value.
            long? number = (head & 15) switch { 1 => 1, 2 => 0, 4 or 5 or 6 => Signed(), _ => null };
            if (number is null) Value(head & 15, depth, field);
            else if (depth < 2 && numbers is not null) numbers[(parent, field)] = number.Value;
        }
    }

    private void Value(int type, int depth, int field = 0)
    {
        switch (type)
        {
            case 1 or 2 or 3: Skip(1); break;
            case 4 or 5 or 6: Number(); break;
            case 7: Skip(8); break;
            case 8: Skip(Number()); break;
            case 9 or 10:
                var head = Byte();
                var count = head >> 4 == 15 ? Number() : (ulong)head >> 4;
                // Every element has a byte.
                if (count > (ulong)left.Length) throw Damaged($"a list of {count}");
                for (; count > 0; count--) Value(head & 15, depth + 1);
                break;
            case 12: Struct(depth + 1, field); break;
            default: throw Damaged($"a value of type {type}");
        }
    }

    private int Byte()
    {
        if (left.IsEmpty) throw Damaged("no end");
        var value = left[0];
        left = left[1..];
        return value;
    }

    private ulong Number()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = Byte();
            value |= (ulong)(part & 127) << shift;
            if (part < 128) return value;
        }
        throw Damaged("a number without end");
    }

    private long Signed() => Number() is var value && (value & 1) == 0 ? (long)(value >> 1) : ~(long)(value >> 1);

    private void Skip(ulong count)
    {
        if (count > (ulong)left.Length) throw Damaged($"a value of {count} bytes");
        left = left[(int)count..];
    }

    private static FormatException Damaged(string what) => new($"its description is damaged ({what})");
}
