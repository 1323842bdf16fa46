using static TorchSharp.torch;

namespace TorchSharp.Utils;

/// <summary>
/// TorchSharp's binary form of a tensor: data type, number of dimensions and sizes as LEB128 numbers, then the elements in order.
/// </summary>
internal static class TensorFormat
{
    internal static void WriteLeb(this BinaryWriter writer, long value)
    {
        for (; value >= 0x80; value >>= 7) writer.Write((byte)(value | 0x80));
        writer.Write((byte)value);
    }

    internal static long ReadLeb(this BinaryReader reader)
    {
        long value = 0;
        for (int shift = 0; shift < 63; shift += 7)
        {
            byte part = reader.ReadByte();
            value |= (long)(part & 0x7f) << shift;
            if ((part & 0x80) == 0) return value;
        }
        throw new InvalidDataException("A number in the stream has more than nine bytes.");
    }

    internal static void Write(BinaryWriter writer, Tensor tensor)
    {
        writer.WriteLeb((long)tensor.dtype);
        long[] shape = tensor.shape;
        writer.WriteLeb(shape.Length);
        foreach (long size in shape) writer.WriteLeb(size);
        using var _ = NewDisposeScope();
        writer.Write(tensor.detach().cpu().contiguous().bytes);
    }

    /// <summary>A new tensor, on the given device (default: CPU), outside of the dispose scopes.</summary>
    internal static Tensor Read(BinaryReader reader, Device device = null)
    {
        var type = (ScalarType)reader.ReadLeb();
        if (!Enum.IsDefined(type)) throw new InvalidDataException($"Unknown data type {(long)type} in the stream.");
        var shape = new long[reader.ReadLeb()];
        for (int i = 0; i < shape.Length; i++) shape[i] = reader.ReadLeb();
        using var scope = NewDisposeScope();
        Tensor tensor = empty(shape, type, CPU);
        reader.BaseStream.ReadExactly(tensor.bytes);
        if (device is not null) tensor = tensor.to(device);
        return tensor.DetachFromDisposeScope();
    }

    /// <summary>Reads into an existing tensor; with skip, past it.</summary>
    internal static void ReadInto(BinaryReader reader, Tensor target, bool skip = false)
    {
        using Tensor loaded = Read(reader);
        if (skip) return;
        string differs = loaded.dtype != target.dtype ? "data types" : !loaded.shape.AsSpan().SequenceEqual(target.shape) ? "shape" : null;
        if (differs is not null)
            throw new ArgumentException(
                $"Mismatched tensor {differs} while loading. " +
                "Make sure that the model you are loading into is exactly the same as the origin.");
        using var _ = no_grad();
        target.copy_(loaded);
    }
}
