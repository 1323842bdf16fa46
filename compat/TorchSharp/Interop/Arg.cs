using System.Runtime.InteropServices;

namespace TorchSharp.Interop;

/// <summary>What a <see cref="Value"/> holds. Numbers agree with the enumeration Tag in native/ardtorch.cpp.</summary>
internal enum Tag
{
    None, Default, Tensor, Int, Double, Bool, IntList, DoubleList, TensorList, OptionalTensorList, String, Device, Generator,
}

/// <summary>One argument or result as the native side sees it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Value
{
    public Tag Tag;
    public int Count;
    public long Bits;
}

/// <summary>One argument of an operator. Null becomes None; <see cref="Default"/> leaves the operator's own default.</summary>
internal readonly struct Arg
{
    internal readonly Tag Tag;
    internal readonly int Count;
    internal readonly long Bits;
    internal readonly object Reference;

    private Arg(Tag tag, long bits = 0, int count = 0, object reference = null) =>
        (Tag, Bits, Count, Reference) = (tag, bits, count, reference);

    internal static Arg Default => new(Tag.Default);
    internal static Arg None => new(Tag.None);

    public static implicit operator Arg(torch.Tensor value) => value is null ? None : new(Tag.Tensor, value.NativeHandle, 0, value);
    public static implicit operator Arg(bool value) => new(Tag.Bool, value ? 1 : 0);
    public static implicit operator Arg(int value) => new(Tag.Int, value);
    public static implicit operator Arg(long value) => new(Tag.Int, value);
    public static implicit operator Arg(double value) => new(Tag.Double, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Arg(int? value) => value is { } v ? v : None;
    public static implicit operator Arg(long? value) => value is { } v ? v : None;
    public static implicit operator Arg(double? value) => value is { } v ? v : None;
    public static implicit operator Arg(torch.ScalarType value) => new(Tag.Int, (long)value);
    public static implicit operator Arg(torch.ScalarType? value) => value is { } v ? v : None;
    public static implicit operator Arg(string value) => value is null ? None : new(Tag.String, 0, 0, value);
    public static implicit operator Arg(long[] value) => value is null ? None : new(Tag.IntList, 0, value.Length, value);
    public static implicit operator Arg(double[] value) => value is null ? None : new(Tag.DoubleList, 0, value.Length, value);
    public static implicit operator Arg(torch.Tensor[] value) => new(Tag.TensorList, 0, value.Length, value);
    public static implicit operator Arg(torch.Device value) => value is null ? None : new(Tag.Device, (long)value.type, value.index);
    public static implicit operator Arg(torch.Generator value) => value is null ? None : new(Tag.Generator, value.NativeHandle, 0, value);
    public static implicit operator Arg(Scalar value) => value is null ? None : value.ToArg();

    /// <summary>A list in which null stands for "the whole dimension", as advanced indexing takes it.</summary>
    internal static Arg OptionalList(torch.Tensor[] value) => new(Tag.OptionalTensorList, 0, value.Length, value);
}
