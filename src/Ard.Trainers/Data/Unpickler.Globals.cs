using static Ard.Trainers.Data.PickledText;

namespace Ard.Trainers.Data;

// What the names in a pickle stand for: the few that are known, and nothing else.
internal sealed partial class Unpickler
{
    private const int MaximumRank = 64;
    private const int LeastAllowance = 1 << 16;   // of what calls make beyond the pickle's length

    private static readonly Dictionary<string, ScalarType> ElementTypes = new()
    {
        ["DoubleStorage"] = ScalarType.Float64,
        ["FloatStorage"] = ScalarType.Float32,
        ["HalfStorage"] = ScalarType.Float16,
        ["BFloat16Storage"] = ScalarType.BFloat16,
        ["LongStorage"] = ScalarType.Int64,
        ["IntStorage"] = ScalarType.Int32,
        ["ShortStorage"] = ScalarType.Int16,
        ["CharStorage"] = ScalarType.Int8,
        ["ByteStorage"] = ScalarType.Byte,
        ["BoolStorage"] = ScalarType.Bool,
    };

    // Storages of other elements, with the bytes of each: readers of older files have to skip them.
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

    // A type of NumPy's elements: kind and bytes, such as u1.
    private sealed record ElementType(string Code);

    private object? Call(object? called, object? arguments) => called switch
    {
        PickledGlobal global when Known.Contains(global.Name) => Build(global, arguments),
        PickledGlobal global => new PickledOpaque(global.Dotted),
        // What is not known makes nothing that is.
        PickledOpaque opaque => new PickledOpaque(opaque.Name),
        _ => throw Fault("a global to be called", Kind(called)),
    };

    private object? Build(PickledGlobal global, object? arguments)
    {
        var name = global.Name;
        return (name, arguments as object?[]) switch
        {
            ("collections OrderedDict", []) or ("collections defaultdict", [] or [_]) => new OrderedDictionary<string, object?>(),
            // As Python 2 writes it: a list of pairs.
            ("collections OrderedDict", [List<object?> pairs]) => Fill([], [.. Charged(pairs, pairs.Count).SelectMany(Pair)]),
            ("torch Size", [object?[] sizes]) => Numbers(sizes) is not null ? sizes : throw Wrong(),
            ("torch device", [string type, ..]) => type,
            ("_codecs encode", [string text, "latin1"]) => Encoding.Latin1.GetBytes(Charged(text, text.Length)),
            ("torch._utils _rebuild_tensor", [PickledStorage s, long offset, object?[] shape, object?[] strides]) =>
                View(s, offset, Numbers(shape) ?? throw Wrong(), Numbers(strides) ?? throw Wrong()),
            // requires_grad and hooks follow; hooks are always an empty OrderedDict.
            ("torch._utils _rebuild_tensor_v2", [PickledStorage s, long offset, object?[] shape, object?[] strides, bool, ..]) =>
                View(s, offset, Numbers(shape) ?? throw Wrong(), Numbers(strides) ?? throw Wrong()),
            ("torch._utils _rebuild_tensor" or "torch._utils _rebuild_tensor_v2", [PickledOpaque storage, ..]) =>
                new PickledOpaque($"tensor on {Charged(storage.Name, storage.Name.Length)}"),
            ("torch._utils _rebuild_parameter" or "torch._utils _rebuild_parameter_with_state", [PickledTensor or PickledOpaque, ..]) =>
                ((object?[])arguments!)[0],
            // A tensor of a class of its own, or with attributes: (function, class, its arguments, attributes).
            ("torch._tensor _rebuild_from_type_v2", [PickledGlobal function, PickledGlobal, object?[] inner, ..]) =>
                function.Name.StartsWith("torch._utils ", StringComparison.Ordinal)
                    ? Call(function, inner) : new PickledOpaque(function.Dotted),
            ("numpy dtype", [string code, ..]) => new ElementType(code.Length <= PickleReader.LongestName ? code : throw Wrong()),
            ("numpy dtype", _) => new PickledOpaque(global.Dotted),
            (_, _) when name.EndsWith(" _reconstruct", StringComparison.Ordinal) => new PickledArray(),
            (_, [byte[] elements, ElementType type, object?[] sizes, string order])
                when name.EndsWith(" _frombuffer", StringComparison.Ordinal) =>
                SetArray(new(), sizes, type, order == "F", elements),
            (_, _) when name.StartsWith("numpy", StringComparison.Ordinal) => new PickledOpaque(global.Dotted),
            _ => throw Wrong(),
        };

        DataFileException Wrong() => Fault($"the arguments that PyTorch gives '{global.Dotted}'", Shown(arguments));
    }

    // What is made anew from something that the pickle may name again and again: in all no more than the pickle is long.
    private T Charged<T>(T source, long size) => (made += size) <= reader.Length + LeastAllowance
        ? source
        : throw Fault($"calls that make at most {reader.Length + LeastAllowance} bytes or entries, about the length of the pickle",
            "calls that make more");

    private IEnumerable<object?> Pair(object? pair) => pair switch
    {
        List<object?> { Count: 2 } list => list,
        object?[] { Length: 2 } tuple => tuple,
        _ => throw Fault("pairs of key and value", Kind(pair)),
    };

    // ('storage', its type, its key, the device it was on, its number of elements, in old files None)
    private object Storage(object? id)
    {
        // What older files keep of a whole module: ('module', its class, its source's file, its source).
        var parts = id as object?[];
        if (parts is ["module", PickledGlobal module, ..]) return module;
        if (parts is not ["storage", PickledGlobal type, string key, string, long count, .. var rest] || rest is not ([] or [null]))
            throw Fault("a storage as persistent id: ('storage', type, key, device, count)", Shown(id));
        if (count < 0) throw Fault("a count of elements from 0", $"{count}");
        var name = type.Name[(type.Name.IndexOf(' ') + 1)..];
        if (ElementTypes.TryGetValue(name, out var elements))
        {
            var storage = new PickledStorage(key, elements, count);
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

        // libtorch multiplies the other sizes even of a tensor without elements.
        static Int128 AtMost2To31(Int128 product, long size) => Int128.Min(product * size, 1L << 31);
    }

    // Whole numbers from 0, or null.
    private long[]? Numbers(object?[] values) =>
        Charged(values, values.Length).All(value => value is >= 0L) ? [.. values.Cast<long>()] : null;
}
