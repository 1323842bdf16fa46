// Column types and values in model files.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.Data;

namespace Microsoft.ML.Internal;

internal static class Codec
{
    private const byte Vector = 100, Key = 101, RowId = 102;

    /// <summary>Whether columns of the type can be written; images and a program's own types cannot.</summary>
    public static bool CanWrite(DataViewType type) =>
        ColumnTypes.ItemTypeOf(type) is KeyDataViewType or RowIdDataViewType or TextDataViewType
        || ColumnTypes.OfRawType(ColumnTypes.ItemTypeOf(type).RawType) != null;

    public static void WriteType(BinaryWriter writer, DataViewType type)
    {
        switch (type)
        {
            case VectorDataViewType vector:
                writer.Write(Vector);
                writer.Write(vector.Dimensions.Length);
                foreach (int d in vector.Dimensions) writer.Write(d);
                WriteType(writer, vector.ItemType);
                break;
            case KeyDataViewType key:
                writer.Write(Key);
                writer.Write(key.Count);
                writer.Write((byte)ColumnTypes.KindOf(ColumnTypes.NumberOf(key.RawType)));
                break;
            case RowIdDataViewType:
                writer.Write(RowId);
                break;
            default:
                writer.Write((byte)(ColumnTypes.KindOf(type)
                    ?? throw new InvalidOperationException($"A column of type {type} cannot be saved.")));
                break;
        }
    }

    public static DataViewType ReadType(BinaryReader reader)
    {
        byte tag = reader.ReadByte();
        switch (tag)
        {
            case Vector:
                var dimensions = new int[CheckCount(reader.ReadInt32(), 1 << 16, "dimensions")];
                for (int i = 0; i < dimensions.Length; i++) dimensions[i] = reader.ReadInt32();
                return new VectorDataViewType(ReadType(reader) as PrimitiveDataViewType
                    ?? throw new FormatException("A vector of vectors."), dimensions);
            case Key:
                ulong count = reader.ReadUInt64();
                return new KeyDataViewType(ColumnTypes.Of((DataKind)reader.ReadByte()).RawType, count);
            case RowId:
                return RowIdDataViewType.Instance;
            default:
                return Enum.IsDefined((DataKind)tag)
                    ? ColumnTypes.Of((DataKind)tag)
                    : throw new FormatException($"Unknown column type {tag}.");
        }
    }

    public static int CheckCount(int count, int maximum, string what) =>
        count >= 0 && count <= maximum ? count : throw new FormatException($"{count} {what} in a model file: expected 0 to {maximum}.");

    public static void WriteString(BinaryWriter writer, string text)
    {
        writer.Write(text != null);
        if (text != null) writer.Write(text);
    }

    public static string ReadString(BinaryReader reader) => reader.ReadBoolean() ? reader.ReadString() : null;

    public static void WriteValues<T>(BinaryWriter writer, ReadOnlySpan<T> values)
    {
        writer.Write(values.Length);
        if (typeof(T) == typeof(ReadOnlyMemory<char>))
        {
            foreach (var value in values) writer.Write(((ReadOnlyMemory<char>)(object)value).ToString());
            return;
        }
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
            throw new InvalidOperationException($"Values of type {typeof(T)} cannot be saved.");
        foreach (var value in values)
        {
            var copy = value;
            writer.Write(MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<T, byte>(ref copy), Unsafe.SizeOf<T>()));
        }
    }

    public static T[] ReadValues<T>(BinaryReader reader)
    {
        // The list grows with what the file really holds, whatever count it claims.
        int count = CheckCount(reader.ReadInt32(), Array.MaxLength, "values");
        var values = new List<T>(Math.Min(count, 1 << 16));
        for (int i = 0; i < count; i++)
        {
            if (typeof(T) == typeof(ReadOnlyMemory<char>))
            {
                values.Add((T)(object)reader.ReadString().AsMemory());
                continue;
            }
            T value = default;
            reader.BaseStream.ReadExactly(MemoryMarshal.CreateSpan(ref Unsafe.As<T, byte>(ref value), Unsafe.SizeOf<T>()));
            values.Add(value);
        }
        return values.ToArray();
    }
}
