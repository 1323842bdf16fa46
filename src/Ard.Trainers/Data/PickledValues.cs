using System.Numerics;

namespace Ard.Trainers.Data;

/// <summary>A storage that a pickle refers to: elements of one type that lie elsewhere in the file.</summary>
internal sealed record PickledStorage(string Key, ScalarType Type, long Count)
{
    public Int128 Length => (Int128)Count * TensorBytes.SizeOf(Type);
}

/// <summary>A tensor in a pickle: a view on a storage, checked to lie within it.</summary>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Shape, long[] Strides);

/// <summary>A class or a function that is not known here: a name. What is called, filled or set of it is passed over.</summary>
/// <param name="Name">Module and name with dots between, as the file says them.</param>
internal sealed record PickledOpaque(string Name);

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

/// <summary>A class or a function that a pickle names: module and name with a space between, as the file says them.</summary>
internal sealed record PickledGlobal(string Name)
{
    public string Dotted { get; } = Name.Replace(' ', '.');
}

internal static class PickledText
{
    public static string Kind(object? value) => value switch
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
        PickledGlobal global => $"the global '{Shown(global.Dotted)}'",
        PickledOpaque opaque => $"an object of '{Shown(opaque.Name)}'",
        PickledArray => "an array",
        PickledTensor => "a tensor",
        PickledStorage => "a storage",
        _ => value.GetType().Name,
    };

    /// <summary>A value in words, a tuple by its first parts.</summary>
    public static string Shown(object? value) => value is object?[] parts
        ? $"({string.Join(", ", parts.Take(8).Select(part => part is string text ? $"'{Shown(text)}'" : Kind(part)))})"
        : Kind(value);

    /// <summary>A text from a file, so short and plain that it can stand in a message.</summary>
    public static string Shown(string text)
    {
        var plain = string.Concat(text.Take(100).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
        return text.Length > 100 ? $"{plain}…" : plain;
    }
}
