using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using static TorchSharp.torch;

namespace Ard.Trainers.Data;

/// <summary>A storage that a pickle refers to: elements of one type that lie elsewhere in the file.</summary>
internal sealed record PickledStorage(string Key, ScalarType Type, int ElementBytes, long Count)
{
    /// <summary>The bytes that it takes.</summary>
    public Int128 Length => (Int128)Count * ElementBytes;
}

/// <summary>A tensor in a pickle: a view on a storage, checked to lie within it.</summary>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Shape, long[] Strides);

/// <summary>
/// What a pickle says of a class or a function that is not known here: its name, and nothing of what it would be. What is called, filled or
/// set of it is passed over.
/// </summary>
internal sealed class PickledOpaque(string name)
{
    /// <summary>Module and name with dots between, as the file says them.</summary>
    public string Name { get; } = name;
}

/// <summary>An array of NumPy's, of elements of one kind.</summary>
internal sealed class PickledArray
{
    /// <summary>Its sizes; null until the pickle has said what is in it.</summary>
    public long[]? Shape { get; set; }

    /// <summary>Kind and bytes of its elements, such as u1.</summary>
    public string Type { get; set; } = "";

    /// <summary>Its elements; null where they are Python's objects.</summary>
    public byte[]? Bytes { get; set; }

    /// <summary>Whether the first index moves fastest.</summary>
    public bool IsFortran { get; set; }
}

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
internal sealed class Unpickler
{
    /// <summary>The longest pickle that is read, in bytes, without the tensors' elements: 1,000 tensors take 100 kB.</summary>
    public const long MaximumLength = 1L << 25;

    /// <summary>The most operations of one pickle: about 20,000 tensors.</summary>
    public const int MaximumOperations = 1_000_000;

    private const int MaximumRank = 64;
    private const int LongestNumber = 64;   // bytes
    private const int LongestName = 1000;
    private const int LeastAllowance = 1 << 16;   // of what calls make beyond the pickle's length

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private static readonly Dictionary<string, (ScalarType Type, int Bytes)> ElementTypes = new()
    {
        ["DoubleStorage"] = (ScalarType.Float64, 8),
        ["FloatStorage"] = (ScalarType.Float32, 4),
        ["HalfStorage"] = (ScalarType.Float16, 2),
        ["BFloat16Storage"] = (ScalarType.BFloat16, 2),
        ["LongStorage"] = (ScalarType.Int64, 8),
        ["IntStorage"] = (ScalarType.Int32, 4),
        ["ShortStorage"] = (ScalarType.Int16, 2),
        ["CharStorage"] = (ScalarType.Int8, 1),
        ["ByteStorage"] = (ScalarType.Byte, 1),
        ["BoolStorage"] = (ScalarType.Bool, 1),
    };

    // Those whose elements are none of the above, with the bytes of each: in older files they have to be passed over.
    private static readonly Dictionary<string, int> OtherStorages = new()
    {
        ["ComplexFloatStorage"] = 8,
        ["ComplexDoubleStorage"] = 16,
        ["QInt8Storage"] = 1,
        ["QUInt8Storage"] = 1,
        ["QInt32Storage"] = 4,
        ["UntypedStorage"] = 1,
    };

    /// <summary>The globals that mean something here: containers, tensors and their parts, types of storages and of elements.</summary>
    private static readonly HashSet<string> Known =
    [
        "collections OrderedDict", "collections defaultdict", "torch._utils _rebuild_tensor", "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter", "torch._utils _rebuild_parameter_with_state", "torch._tensor _rebuild_from_type_v2",
        "torch Size", "torch device", "_codecs encode", "numpy dtype",
        "numpy.core.multiarray _reconstruct", "numpy.core.numeric _frombuffer",
        "numpy._core.multiarray _reconstruct", "numpy._core.numeric _frombuffer",
        .. from name in ElementTypes.Keys.Concat(OtherStorages.Keys)
           from module in new[] { "torch", "torch.cuda", "torch.storage" }
           select $"{module} {name}",
        .. new[] { "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool" }
            .Select(name => $"torch {name}"),
    ];

    private sealed record Global(string Name)
    {
        public string Dotted { get; } = Name.Replace(' ', '.');
    }

    // A type of NumPy's elements: kind and bytes, such as u1.
    private sealed record ElementType(string Code);

    private readonly Stream stream;
    private readonly Func<long, string, string, Exception> fault;
    private readonly long start, length, limit;
    private readonly List<object?> stack = [];
    private readonly Stack<int> marks = [];
    // Sorted, for the file chooses the indices, and could choose those that share a bucket of a hash table.
    private readonly SortedDictionary<uint, object?> memo = [];
    private readonly Dictionary<string, (long Count, Int128 Length)> storages = [];
    private long made;
    private long position;
    private long operation;

    /// <summary>Prepares to read one pickle.</summary>
    /// <param name="stream">Where it is; read from front to back, no further than the pickle's end.</param>
    /// <param name="fault">Makes the exception of an offset, of what was expected there and of what was found.</param>
    /// <param name="start">The offset of its first byte, for messages.</param>
    /// <param name="length">How many bytes there are at most.</param>
    /// <param name="limit">How many bytes there may be. Default <see cref="MaximumLength"/>.</param>
    public Unpickler(
        Stream stream, Func<long, string, string, Exception> fault, long start, long length, long limit = MaximumLength) =>
        (this.stream, this.fault, this.start, this.length, this.limit) = (stream, fault, start, Math.Min(length, limit), limit);

    /// <summary>The number of bytes that were read.</summary>
    public long Position => position;

    /// <summary>The storages that the pickle names, whatever it makes of them: their elements, and the bytes that these take.</summary>
    public IReadOnlyDictionary<string, (long Count, Int128 Length)> Storages => storages;

    /// <summary>Reads the pickle.</summary>
    /// <exception cref="Exception">It is damaged, or holds something that is not allowed.</exception>
    public object? Read()
    {
        for (var operations = 0; operations < MaximumOperations; operations++)
        {
            operation = position;
            var code = Byte();
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
            case 0x80: Protocol(); break;
            case 0x95: Bytes(8); break;                                                     // FRAME: a hint for readers
            case (byte)'(': marks.Push(stack.Count); break;                                 // MARK
            case (byte)'0': Pop(); break;                                                   // POP
            case (byte)'1': PopMarked(); break;                                             // POP_MARK
            case (byte)'2': Push(Top()); break;                                             // DUP
            case (byte)'N': Push(null); break;
            case 0x88: Push(true); break;
            case 0x89: Push(false); break;
            case (byte)'J': Push((long)BinaryPrimitives.ReadInt32LittleEndian(Bytes(4))); break;
            case (byte)'K': Push((long)Byte()); break;
            case (byte)'M': Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2))); break;
            case 0x8a: Push(Number(Byte())); break;                                         // LONG1
            case 0x8b: Push(Number(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4)))); break;
            case (byte)'G': Push(BinaryPrimitives.ReadDoubleBigEndian(Bytes(8))); break;
            case (byte)'X': Push(Text(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4)))); break;
            case 0x8c: Push(Text(Byte())); break;                                           // SHORT_BINUNICODE
            case 0x8d: Push(Text(BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8)))); break;
            // What Python 2 calls a text; its bytes are characters.
            case (byte)'U': Push(Encoding.Latin1.GetString(Bytes(Byte()))); break;
            // A long one is an array's elements.
            case (byte)'T' or (byte)'B': Push(Bytes(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4)))); break;
            case (byte)'C': Push(Bytes(Byte())); break;
            case 0x8e or 0x96: Push(Bytes(BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8)))); break;   // BINBYTES8, BYTEARRAY8
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
            case 0x8f: Push(new PickledOpaque("set")); break;                               // EMPTY_SET
            case 0x90: Append(PopMarked()); break;                                          // ADDITEMS
            case 0x91:                                                                      // FROZENSET
                PopMarked();
                Push(new PickledOpaque("frozenset"));
                break;
            case (byte)'q': memo[Byte()] = Top(); break;
            case (byte)'r': memo[BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4))] = Top(); break;
            case 0x94: memo[(uint)memo.Count] = Top(); break;                               // MEMOIZE
            case (byte)'h': Push(Recall(Byte())); break;
            case (byte)'j': Push(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4)))); break;
            case (byte)'c': Push(Named(Line(), Line())); break;
            case 0x93:                                                                      // STACK_GLOBAL
                var (name, module) = (Pop(), Pop());
                if (module is not string m || name is not string n)
                    throw Fault("two texts for a global", $"{Kind(module)}, {Kind(name)}");
                if (m.Length > LongestName || n.Length > LongestName) throw Fault($"names of at most {LongestName} bytes", "a longer one");
                Push(Named(m, Charged(n, m.Length + n.Length)));
                break;
            case (byte)'R' or 0x81:                                                         // REDUCE, NEWOBJ
                var arguments = Pop();
                Push(Call(Pop(), arguments));
                break;
            case 0x92:                                                                      // NEWOBJ_EX
                var (named, positional) = (Pop(), Pop());
                Push(Call(Pop(), named is OrderedDictionary<string, object?> { Count: 0 } ? positional : named));
                break;
            case (byte)'b': SetState(Pop()); break;                                         // BUILD
            case (byte)'Q': Push(Storage(Pop())); break;                                    // BINPERSID
            default: throw Fault("an opcode of tensors, texts, numbers, lists and dictionaries", OpcodeName(code));
        }
    }

    private void Protocol()
    {
        var version = Byte();
        if (version is < 2 or > 5) throw Fault("pickle protocol 2 to 5", $"{version}");
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
                if (text.Length > LongestName) throw Fault($"keys of at most {LongestName} characters", "a longer one");
                if (!dictionary.TryAdd(text, items[i + 1])) throw Fault("every key once", $"'{Shown(text)}' twice");
                continue;
            }
            // Optimizers number their parameters; programs keep results by whatever they like. As texts of their own form, for texts are
            // hashed with a secret seed.
            var key = $"[{KeyText(items[i])}]";
            Charged(key, key.Length);
            // What looks alike as a text may have been two keys.
            if (!dictionary.TryAdd(key, items[i + 1])) dictionary.Add($"{key}#{dictionary.Count}", items[i + 1]);
        }
        return dictionary;
    }

    private static string KeyText(object? key) => key switch
    {
        long or BigInteger => $"{key}",
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        bool or null => Kind(key),
        object?[] parts => Shown(parts),
        byte[] { Length: <= LongestName } bytes => $"b'{Shown(Encoding.Latin1.GetString(bytes))}'",
        _ => Kind(key),
    };

    private void SetState(object? state)
    {
        switch (Top(), state)
        {
            case (PickledOpaque, _):
            // An OrderedDict's attributes: PyTorch keeps versions of modules there, _metadata.
            case (OrderedDictionary<string, object?>, OrderedDictionary<string, object?>):
                break;
            // (version, order of bytes, …)
            case (ElementType, object?[]):
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

    // ---- Globals ----

    private Global Named(string module, string name) => new($"{module} {name}");

    private object? Call(object? called, object? arguments) => called switch
    {
        Global global when Known.Contains(global.Name) => Build(global, arguments),
        Global global => new PickledOpaque(global.Dotted),
        // What is not known makes nothing that is.
        PickledOpaque opaque => new PickledOpaque(opaque.Name),
        _ => throw Fault("a global to be called", Kind(called)),
    };

    private object? Build(Global global, object? arguments)
    {
        var name = global.Name;
        return (name, arguments as object?[]) switch
        {
            ("collections OrderedDict", []) or ("collections defaultdict", [] or [_]) => new OrderedDictionary<string, object?>(),
            // As Python 2 writes it: a list of pairs.
            ("collections OrderedDict", [List<object?> pairs]) => Fill([], Pairs(Charged(pairs, pairs.Count))),
            ("torch Size", [object?[] sizes]) => Numbers(sizes) is not null ? sizes : throw Wrong(),
            ("torch device", [string type, ..]) => type,
            ("_codecs encode", [string text, "latin1"]) => Encoding.Latin1.GetBytes(Charged(text, text.Length)),
            ("torch._utils _rebuild_tensor", [PickledStorage s, long offset, object?[] shape, object?[] strides]) =>
                View(s, offset, Numbers(shape) ?? throw Wrong(), Numbers(strides) ?? throw Wrong()),
            // requires_grad and hooks follow; hooks are always an empty OrderedDict.
            ("torch._utils _rebuild_tensor_v2", [PickledStorage s, long offset, object?[] shape, object?[] strides, bool, ..]) =>
                View(s, offset, Numbers(shape) ?? throw Wrong(), Numbers(strides) ?? throw Wrong()),
            ("torch._utils _rebuild_tensor" or "torch._utils _rebuild_tensor_v2", [PickledOpaque storage, ..]) =>
                new PickledOpaque($"tensor on {storage.Name}"),
            ("torch._utils _rebuild_parameter" or "torch._utils _rebuild_parameter_with_state", [PickledTensor or PickledOpaque, ..]) =>
                ((object?[])arguments!)[0],
            // A tensor of a class of its own, or with attributes: (function, class, its arguments, attributes).
            ("torch._tensor _rebuild_from_type_v2", [Global function, Global, object?[] inner, ..]) =>
                function.Name.StartsWith("torch._utils ", StringComparison.Ordinal)
                    ? Call(function, inner) : new PickledOpaque(function.Dotted),
            ("numpy dtype", [string code, ..]) => new ElementType(code.Length <= LongestName ? code : throw Wrong()),
            ("numpy dtype", _) => new PickledOpaque(global.Dotted),
            (_, _) when name.EndsWith(" _reconstruct", StringComparison.Ordinal) => new PickledArray(),
            (_, [byte[] elements, ElementType type, object?[] sizes, string order])
                when name.EndsWith(" _frombuffer", StringComparison.Ordinal) =>
                SetArray(new(), sizes, type, order == "F", elements),
            (_, _) when name.StartsWith("numpy", StringComparison.Ordinal) => new PickledOpaque(global.Dotted),
            _ => throw Wrong(),
        };

        Exception Wrong() => Fault($"the arguments that PyTorch gives '{global.Dotted}'", Shown(arguments));
    }

    // What is made anew from something that the pickle may name again and again: in all no more than the pickle is long.
    private T Charged<T>(T source, long size) => (made += size) <= length + LeastAllowance
        ? source
        : throw Fault($"calls that make at most {length + LeastAllowance} bytes or entries, about the length of the pickle",
            "calls that make more");

    private object?[] Pairs(List<object?> pairs)
    {
        var items = new object?[2 * pairs.Count];
        for (var i = 0; i < pairs.Count; i++)
        {
            (items[2 * i], items[2 * i + 1]) = pairs[i] switch
            {
                List<object?> { Count: 2 } pair => (pair[0], pair[1]),
                object?[] { Length: 2 } pair => (pair[0], pair[1]),
                var other => throw Fault("pairs of key and value", Kind(other)),
            };
        }
        return items;
    }

    // ('storage', its type, its key, the device it was on, its number of elements, in old files None)
    private object Storage(object? id)
    {
        // What older files keep of a whole module: ('module', its class, its source's file, its source).
        var parts = id as object?[];
        if (parts is ["module", Global module, ..]) return module;
        if (parts is not ["storage", Global type, string key, string, long count, .. var rest] || rest is not ([] or [null]))
            throw Fault("a storage as persistent id: ('storage', type, key, device, count)", Shown(id));
        if (count < 0) throw Fault("a count of elements from 0", $"{count}");
        var name = type.Name[(type.Name.IndexOf(' ') + 1)..];
        if (ElementTypes.TryGetValue(name, out var elements))
        {
            var storage = new PickledStorage(key, elements.Type, elements.Bytes, count);
            storages.TryAdd(key, (count, storage.Length));
            return storage;
        }
        if (!OtherStorages.TryGetValue(name, out var bytes))
            throw Fault("a storage as persistent id: ('storage', type, key, device, count)", Shown(id));
        storages.TryAdd(key, (count, (Int128)count * bytes));
        return new PickledOpaque(type.Dotted);
    }

    private PickledTensor View(PickledStorage storage, long offset, long[] shape, long[] strides)
    {
        if (shape.Length != strides.Length || shape.Length > MaximumRank)
            throw Fault($"as many strides as sizes, at most {MaximumRank}", $"{strides.Length} and {shape.Length}");
        // The place of the last element and the number of elements. A tensor with more of them than its storage has, by strides of 0,
        // could be of any size in a small file.
        Int128 last = offset, count = 1;
        for (var i = 0; i < shape.Length && shape[i] > 0; i++)
        {
            last += (Int128)(shape[i] - 1) * strides[i];
            count *= shape[i];
            if (last >= storage.Count || count > storage.Count) break;
        }
        var fits = shape.Contains(0)
            ? offset <= storage.Count && shape.Where(size => size > 0).Aggregate((Int128)1, AtMost2To31) < AtMost2To31(1, long.MaxValue)
            : last < storage.Count && count <= storage.Count;
        if (offset < 0 || !fits)
            throw Fault(
                $"a tensor within the {storage.Count} elements of its storage '{Shown(storage.Key)}'",
                $"shape [{string.Join(",", shape)}] with strides [{string.Join(",", strides)}] from element {offset}");
        return new PickledTensor(storage, offset, shape, strides);

        // Of a tensor without elements libtorch multiplies the other sizes all the same.
        static Int128 AtMost2To31(Int128 product, long size) => Int128.Min(product * size, 1L << 31);
    }

    // Whole numbers from 0, or null.
    private static long[]? Numbers(object?[] values)
    {
        var numbers = new long[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i] is not >= 0L) return null;
            numbers[i] = (long)values[i]!;
        }
        return numbers;
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

    private object? Recall(uint index) =>
        memo.TryGetValue(index, out var value) ? value : throw Fault($"a memo entry {index}", "none");

    // ---- Bytes ----

    private byte Byte()
    {
        if (position >= length) throw End(1);
        var value = stream.ReadByte();
        if (value < 0) throw End(1);
        position++;
        return (byte)value;
    }

    private byte[] Bytes(ulong count)
    {
        // Before anything is allocated: no length is believed beyond what is left.
        if (count > (ulong)(length - position)) throw End(count);
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

    private string Text(ulong count)
    {
        var bytes = Bytes(count);
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw Fault("a text in UTF-8", exception.Message);
        }
    }

    private object Number(uint bytes)
    {
        if (bytes > LongestNumber) throw Fault($"a number of at most {LongestNumber} bytes", $"{bytes}");
        var number = new BigInteger(Bytes(bytes));
        return number >= long.MinValue && number <= long.MaxValue ? (object)(long)number : number;
    }

    private string Line()
    {
        var text = new StringBuilder();
        for (byte c; (c = Byte()) != '\n';)
        {
            if (text.Length == LongestName) throw Fault($"a name of at most {LongestName} bytes", "a longer one");
            text.Append((char)c);
        }
        return text.ToString();
    }

    // ---- Faults ----

    private Exception End(ulong count) =>
        fault(start + position, $"{count} more byte(s) of the pickle that begins at {start}",
            length == limit ? $"its {limit}th, the most that is read" : "the end");

    private Exception Fault(string expected, string found) => fault(start + operation, expected, found);

    private static string Kind(object? value) => value switch
    {
        null => "None",
        bool => "a truth value",
        long or BigInteger => $"the number {value}",
        double => "a floating-point number",
        string => "a text",
        byte[] => "bytes",
        object?[] => "a tuple",
        List<object?> => "a list",
        OrderedDictionary<string, object?> => "a dictionary",
        Global global => $"the global '{Shown(global.Dotted)}'",
        PickledOpaque opaque => $"an object of '{Shown(opaque.Name)}'",
        PickledArray => "an array",
        PickledTensor => "a tensor",
        PickledStorage => "a storage",
        _ => value.GetType().Name,
    };

    // A tuple by its first parts.
    private static string Shown(object? value) => value is object?[] parts
        ? $"({string.Join(", ", parts.Take(8).Select(part => part is string text ? $"'{Shown(text)}'" : Kind(part)))})"
        : Kind(value);

    /// <summary>A text from a file, so short and plain that it can stand in a message.</summary>
    public static string Shown(string text)
    {
        var plain = string.Concat(text.Take(100).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
        return text.Length > 100 ? $"{plain}…" : plain;
    }

    // By the names of pickletools; those that are known and yet not read.
    private static string OpcodeName(byte code) => code switch
    {
        (byte)'i' => "the opcode INST",
        (byte)'o' => "the opcode OBJ",
        (byte)'P' => "the opcode PERSID",
        (byte)'I' => "the opcode INT (protocol 0)",
        (byte)'L' => "the opcode LONG (protocol 0)",
        (byte)'F' => "the opcode FLOAT (protocol 0)",
        (byte)'S' => "the opcode STRING (protocol 0)",
        (byte)'V' => "the opcode UNICODE (protocol 0)",
        (byte)'p' => "the opcode PUT (protocol 0)",
        (byte)'g' => "the opcode GET (protocol 0)",
        0x82 or 0x83 or 0x84 => "the opcode EXT",
        0x97 => "the opcode NEXT_BUFFER",
        0x98 => "the opcode READONLY_BUFFER",
        _ => $"the byte 0x{code:x2}",
    };
}
