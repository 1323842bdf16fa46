using System.Numerics;
using static Ard.Trainers.Data.PickledText;

namespace Ard.Trainers.Data;

/// <summary>
/// Reads the pickles that <c>torch.save</c> writes (protocols 2 to 5; the opcodes are those of Python's pickletools): numbers, texts,
/// lists, tuples, dictionaries, NumPy's arrays, and the few globals of <see cref="Known"/>, which stand for tensors and their parts. No
/// name in a pickle is ever looked up or called: what another global makes is a <see cref="PickledOpaque"/>. Every other opcode and wrong
/// argument is a fault that names it and its offset.
/// </summary>
/// <remarks>
/// What a pickle can cost is bounded: its length, its operations, the texts and numbers in it by what is left of it. It is read with a
/// stack of its own, so that no depth of nesting ends the process, and shared parts stay shared, so that none of them can multiply.
/// <para>The values: null, bool, long, <see cref="BigInteger"/>, double, string, byte[], <see cref="List{T}"/>, object[] (tuples),
/// <see cref="OrderedDictionary{TKey, TValue}"/> by texts (other keys become texts in brackets, such as "[7]"),
/// <see cref="PickledTensor"/>, <see cref="PickledStorage"/>, <see cref="PickledArray"/>, <see cref="PickledOpaque"/>, which sets are
/// too.</para>
/// </remarks>
internal sealed partial class Unpickler
{
    /// <summary>The longest pickle that is read, in bytes, without the tensors' elements: 1,000 tensors take 100 kB.</summary>
    public const long MaximumLength = 1L << 25;

    /// <summary>The most operations of one pickle: about 20,000 tensors.</summary>
    public const int MaximumOperations = 1_000_000;

    private readonly PickleReader reader;
    private readonly List<object?> stack = [];
    private readonly Stack<int> marks = [];
    // Sorted, for the file chooses the indices, and could choose those that share a bucket of a hash table.
    private readonly SortedDictionary<uint, object?> memo = [];
    private readonly Dictionary<string, (long Count, Int128 Length)> storages = [];
    private long made;

    /// <summary>
    /// Prepares to read one pickle of a file, no further than its end. Its first byte's offset is the start; there are so many bytes at
    /// most, and no more than the limit may be read.
    /// </summary>
    public Unpickler(Stream stream, string path, long start, long length, long limit = MaximumLength) =>
        reader = new(stream, path, start, length, limit);

    public long Position => reader.Position;

    /// <summary>The storages that the pickle names, whatever it makes of them: their elements, and the bytes that these take.</summary>
    public IReadOnlyDictionary<string, (long Count, Int128 Length)> Storages => storages;

    /// <summary>Reads the pickle.</summary>
    /// <exception cref="DataFileException">It is damaged, or holds something that is not allowed.</exception>
    public object? Read()
    {
        for (var operations = 0; operations < MaximumOperations; operations++)
        {
            var code = reader.Operation();
            if (code == '.')
            {
                var value = Pop();
                return stack.Count == 0 && marks.Count == 0 ? value : throw Fault("a pickle of one value", "several");
            }
            Execute(code);
        }
        throw Fault($"a pickle of at most {MaximumOperations} operations", "more");
    }

    private void Execute(byte code)
    {
        switch (code)
        {
            case 0x80:
                if (reader.Byte() is var version and (< 2 or > 5)) throw Fault("pickle protocol 2 to 5", $"{version}");
                break;
            case 0x95: reader.Bytes(8); break;                                          // FRAME: a hint for readers
            case (byte)'(': marks.Push(stack.Count); break;                             // MARK
            case (byte)'0': Pop(); break;                                               // POP
            case (byte)'1': PopMarked(); break;                                         // POP_MARK
            case (byte)'2': Push(Top()); break;                                         // DUP
            case (byte)'N': Push(null); break;
            case 0x88: Push(true); break;
            case 0x89: Push(false); break;
            case (byte)'J': Push((long)BinaryPrimitives.ReadInt32LittleEndian(reader.Bytes(4))); break;
            case (byte)'K': Push((long)reader.Byte()); break;
            case (byte)'M': Push((long)BinaryPrimitives.ReadUInt16LittleEndian(reader.Bytes(2))); break;
            case 0x8a: Push(reader.Number(reader.Byte())); break;                       // LONG1
            case 0x8b: Push(reader.Number(reader.UInt32())); break;
            case (byte)'G': Push(BinaryPrimitives.ReadDoubleBigEndian(reader.Bytes(8))); break;
            case (byte)'X': Push(reader.Text(reader.UInt32())); break;
            case 0x8c: Push(reader.Text(reader.Byte())); break;                         // SHORT_BINUNICODE
            case 0x8d: Push(reader.Text(reader.UInt64())); break;
            // What Python 2 calls a text; its bytes are characters.
            case (byte)'U': Push(Encoding.Latin1.GetString(reader.Bytes(reader.Byte()))); break;
            // A long one is an array's elements.
            case (byte)'T' or (byte)'B': Push(reader.Bytes(reader.UInt32())); break;
            case (byte)'C': Push(reader.Bytes(reader.Byte())); break;
            case 0x8e or 0x96: Push(reader.Bytes(reader.UInt64())); break;              // BINBYTES8, BYTEARRAY8
            case (byte)')': Push(Array.Empty<object?>()); break;
            case 0x85: Push(PopMany(1)); break;
            case 0x86: Push(PopMany(2)); break;
            case 0x87: Push(PopMany(3)); break;
            case (byte)'t': Push(PopMarked()); break;
            case (byte)']': Push(new List<object?>()); break;
            case (byte)'l': Push(new List<object?>(PopMarked())); break;
            case (byte)'a': Append(PopMany(1)); break;
            case (byte)'e': Append(PopMarked()); break;
            case (byte)'}': Push(new OrderedDictionary<string, object?>()); break;
            case (byte)'d': Push(Fill([], PopMarked())); break;
            case (byte)'s': SetItems(PopMany(2)); break;
            case (byte)'u': SetItems(PopMarked()); break;
            case 0x8f: Push(new PickledOpaque("set")); break;                           // EMPTY_SET
            case 0x90: Append(PopMarked()); break;                                      // ADDITEMS
            case 0x91: PopMarked(); Push(new PickledOpaque("frozenset")); break;        // FROZENSET
            case (byte)'q': memo[reader.Byte()] = Top(); break;
            case (byte)'r': memo[reader.UInt32()] = Top(); break;
            case 0x94: memo[(uint)memo.Count] = Top(); break;                           // MEMOIZE
            case (byte)'h': Push(Recall(reader.Byte())); break;
            case (byte)'j': Push(Recall(reader.UInt32())); break;
            case (byte)'c': Push(new PickledGlobal($"{reader.Line()} {reader.Line()}")); break;
            case 0x93:                                                                  // STACK_GLOBAL
                var (name, module) = (Pop(), Pop());
                if (module is not string m || name is not string n) throw Fault("two texts for a global", $"{Kind(module)}, {Kind(name)}");
                if (Math.Max(m.Length, n.Length) > PickleReader.LongestName)
                    throw Fault($"names of at most {PickleReader.LongestName} bytes", "a longer one");
                Push(new PickledGlobal($"{m} {Charged(n, m.Length + n.Length)}"));
                break;
            case (byte)'R' or 0x81:                                                     // REDUCE, NEWOBJ
                var arguments = Pop();
                Push(Call(Pop(), arguments));
                break;
            case 0x92:                                                                  // NEWOBJ_EX
                var (named, positional) = (Pop(), Pop());
                Push(Call(Pop(), named is OrderedDictionary<string, object?> { Count: 0 } ? positional : named));
                break;
            case (byte)'b': SetState(Pop()); break;                                     // BUILD
            case (byte)'Q': Push(Storage(Pop())); break;                                // BINPERSID
            default: throw Fault("an opcode of tensors, texts, numbers, lists and dictionaries", OpcodeName(code));
        }
    }

    // ---- Containers ----

    private void Append(object?[] items)
    {
        if (Top() is List<object?> list) list.AddRange(items);
        else if (Top() is not PickledOpaque) throw Fault("a list to append to", Kind(Top()));
    }

    private void SetItems(object?[] items)
    {
        if (Top() is OrderedDictionary<string, object?> dictionary) Fill(dictionary, items);
        else if (Top() is not PickledOpaque) throw Fault("a dictionary to set items of", Kind(Top()));
    }

    private OrderedDictionary<string, object?> Fill(OrderedDictionary<string, object?> dictionary, ReadOnlySpan<object?> items)
    {
        if (items.Length % 2 != 0) throw Fault("a value for every key", $"{items.Length} items");
        for (var i = 0; i < items.Length; i += 2)
        {
            if (items[i] is string text)
            {
                if (text.Length > PickleReader.LongestName)
                    throw Fault($"keys of at most {PickleReader.LongestName} characters", "a longer one");
                if (!dictionary.TryAdd(text, items[i + 1])) throw Fault("every key once", $"'{Shown(text)}' twice");
                continue;
            }
            // Optimizers number their parameters; programs keep results by whatever they like. As texts of their own form, for texts are
            // hashed with a secret seed.
            var key = $"[{KeyText(items[i])}]";
            Charged(key, key.Length);
            // What looks alike as a text may have been two keys.
            if (!dictionary.TryAdd(key, items[i + 1]) && !dictionary.TryAdd($"{key}#{dictionary.Count}", items[i + 1]))
                throw Fault("every key once", $"'{key}' again and again");
        }
        return dictionary;
    }

    private static string KeyText(object? key) => key switch
    {
        long or BigInteger => $"{key}",
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        bool or null => Kind(key),
        object?[] parts => Shown(parts),
        byte[] { Length: <= PickleReader.LongestName } bytes => $"b'{Shown(Encoding.Latin1.GetString(bytes))}'",
        _ => Kind(key),
    };

    private void SetState(object? state)
    {
        switch (Top(), state)
        {
            // An OrderedDict's attributes are PyTorch's versions of modules, _metadata; an element type's (version, order of bytes, …).
            case (PickledOpaque, _) or (OrderedDictionary<string, object?>, OrderedDictionary<string, object?>) or (ElementType, object?[]):
                break;
            // (version, sizes, type, order, elements); of objects a list, which is not kept.
            case (PickledArray array, object?[] and [long, object?[] sizes, ElementType type, bool fortran, var elements]):
                SetArray(array, sizes, type, fortran, elements as byte[] ?? (elements is string text
                    ? Encoding.Latin1.GetBytes(Charged(text, text.Length)) : null));
                break;
            default: throw Fault("a dictionary with attributes", $"BUILD of {Kind(Top())} from {Kind(state)}");
        }
    }

    private PickledArray SetArray(PickledArray array, object?[] sizes, ElementType type, bool fortran, byte[]? elements)
    {
        (array.Shape, array.Type, array.IsFortran, array.Bytes) = (Numbers(sizes), type.Code, fortran, elements);
        return array;
    }

    // ---- Stack and memo ----

    private void Push(object? value) => stack.Add(value);

    private object? Top()
    {
        if (stack.Count <= Floor) throw Fault("a value on the stack", "none");
        return stack[^1];
    }

    private object? Pop()
    {
        var top = Top();
        stack.RemoveAt(stack.Count - 1);
        return top;
    }

    private object?[] PopMany(int count)
    {
        if (stack.Count - count < Floor) throw Fault($"{count} value(s) on the stack", $"{stack.Count - Floor}");
        var values = stack.GetRange(stack.Count - count, count).ToArray();
        stack.RemoveRange(stack.Count - count, count);
        return values;
    }

    private object?[] PopMarked()
    {
        if (!marks.TryPop(out var mark)) throw Fault("a mark on the stack", "none");
        var values = stack.GetRange(mark, stack.Count - mark).ToArray();
        stack.RemoveRange(mark, values.Length);
        return values;
    }

    // What is below the last mark is out of reach, as in Python.
    private int Floor => marks.TryPeek(out var mark) ? mark : 0;

    private object? Recall(uint index) => memo.TryGetValue(index, out var value) ? value : throw Fault($"a memo entry {index}", "none");
    private DataFileException Fault(string expected, string found) => reader.Fault(expected, found);

    // Codes that are known and yet not read, each before its name in pickletools.
    private static readonly string[] Unread =
    [
        "iINST", "oOBJ", "PPERSID", "IINT", "LLONG", "FFLOAT", "SSTRING", "VUNICODE", "pPUT", "gGET", "\u0082EXT1", "\u0083EXT2",
        "\u0084EXT4", "\u0097NEXT_BUFFER", "\u0098READONLY_BUFFER",
    ];

    private static string OpcodeName(byte code) =>
        Array.Find(Unread, name => name[0] == code) is { } known ? $"the opcode {known[1..]}" : $"the byte 0x{code:x2}";
}
