// Schemas with their annotations in model files. Columns of types that no file can hold are left out.
using Microsoft.ML.Data;

namespace Microsoft.ML.Internal;

internal static class SchemaCodec
{
    private const int MaximumDepth = 8;

    public static void Write(BinaryWriter writer, DataViewSchema schema)
    {
        var columns = schema.Where(c => !c.IsHidden && Codec.CanWrite(c.Type)).ToArray();
        if (columns.Length == 0 && schema.Count > 0) throw new InvalidOperationException("No valid columns to save");
        WriteColumns(writer, columns, null);
    }

    private static void WriteColumns(BinaryWriter writer, DataViewSchema.Column[] columns, DataViewSchema.Annotations values)
    {
        writer.Write(columns.Length);
        foreach (var column in columns)
        {
            writer.Write(column.Name);
            Codec.WriteType(writer, column.Type);
            WriteColumns(writer, column.Annotations.Schema.Where(a => Codec.CanWrite(a.Type)).ToArray(), column.Annotations);
            if (values == null) continue;
            if (column.Type is VectorDataViewType vector)
                Generic.Invoke(typeof(SchemaCodec), nameof(WriteVector), vector.ItemType.RawType, writer, values, column);
            else
                Generic.Invoke(typeof(SchemaCodec), nameof(WriteScalar), column.Type.RawType, writer, values, column);
        }
    }

    private static void WriteScalar<T>(BinaryWriter writer, DataViewSchema.Annotations annotations, DataViewSchema.Column column)
    {
        T value = default;
        annotations.GetGetter<T>(column)(ref value);
        Codec.WriteValues<T>(writer, new[] { value });
    }

    private static void WriteVector<T>(BinaryWriter writer, DataViewSchema.Annotations annotations, DataViewSchema.Column column)
    {
        VBuffer<T> value = default;
        annotations.GetGetter<VBuffer<T>>(column)(ref value);
        Codec.WriteValues<T>(writer, value.DenseValues().ToArray());
    }

    public static DataViewSchema Read(BinaryReader reader)
    {
        var builder = new DataViewSchema.Builder();
        int count = Codec.CheckCount(reader.ReadInt32(), 1 << 20, "columns");
        for (int i = 0; i < count; i++)
        {
            string name = reader.ReadString();
            var type = Codec.ReadType(reader);
            builder.AddColumn(name, type, ReadAnnotations(reader, 0));
        }
        return builder.ToSchema();
    }

    private static DataViewSchema.Annotations ReadAnnotations(BinaryReader reader, int depth)
    {
        if (depth > MaximumDepth) throw new FormatException("Annotations of annotations are nested too deeply.");
        int count = Codec.CheckCount(reader.ReadInt32(), 1 << 20, "annotations");
        var builder = new DataViewSchema.Annotations.Builder();
        for (int i = 0; i < count; i++)
        {
            string name = reader.ReadString();
            var type = Codec.ReadType(reader);
            var annotations = ReadAnnotations(reader, depth + 1);
            if (type is VectorDataViewType vector)
                Generic.Invoke(typeof(SchemaCodec), nameof(ReadVector), vector.ItemType.RawType, reader, builder, name, type, annotations);
            else
                Generic.Invoke(typeof(SchemaCodec), nameof(ReadScalar), type.RawType, reader, builder, name, type, annotations);
        }
        return builder.ToAnnotations();
    }

    private static void ReadScalar<T>(BinaryReader reader, DataViewSchema.Annotations.Builder builder, string name, DataViewType type,
        DataViewSchema.Annotations annotations)
    {
        var values = Codec.ReadValues<T>(reader);
        if (values.Length != 1) throw new FormatException($"Annotation {name} of type {type} has {values.Length} values.");
        builder.Add(name, type, (ref T destination) => destination = values[0], annotations);
    }

    private static void ReadVector<T>(BinaryReader reader, DataViewSchema.Annotations.Builder builder, string name, DataViewType type,
        DataViewSchema.Annotations annotations)
    {
        var values = Codec.ReadValues<T>(reader);
        var vector = new VBuffer<T>(values.Length, values);
        builder.Add(name, type, (ref VBuffer<T> destination) => vector.CopyTo(ref destination), annotations);
    }
}
