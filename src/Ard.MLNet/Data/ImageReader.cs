using System.Runtime.InteropServices;
using Ard.MLNet.Schema;
using Ard.Trainers.Data;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.MLNet.Data;

/// <summary>
/// Reads the images and labels of a data view into tensors, once, from front to back. They become bytes as long as every value is a
/// multiple of 1/255, as those of all images of 8 bits are, and floats from the first value on that is not.
/// </summary>
internal static class ImageReader
{
    private const int RowsOfChunk = 1024;

    // What LoadImageFolder calls the file of a row.
    private const string PathColumn = "ImagePath";

    /// <summary>The images of a data view.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">There are no rows or all of one class, a label is missing, or a pixel is not in
    /// [0,1].</exception>
    public static ImageDataset Read(
        IDataView data, string features, string label, PixelFormat format, ClassLabels labels, bool oneClassWillDo = false)
    {
        var featureColumn = format.Find(data.Schema, features);
        var labelColumn = SchemaErrors.Find(data.Schema, "label", label);
        using var scope = NewDisposeScope();
        using var cursor = data.GetRowCursor([featureColumn, labelColumn]);
        var getPixels = cursor.GetGetter<VBuffer<float>>(featureColumn);
        var getLabel = cursor.GetGetter<uint>(labelColumn);
        var rows = new Rows(format.Size);
        var classes = new List<long>();
        var image = new float[format.Size];
        VBuffer<float> values = default;
        uint key = 0;
        while (Decoded(() => cursor.MoveNext()))
        {
            getLabel(ref key);
            // A key outside of its own type counts as missing in ML.NET.
            if (key == 0 || key > labels.Count)
                throw new InvalidOperationException(
                    $"Row {cursor.Position}, label column '{label}': the label is missing{ValueBehind(data, label, cursor.Position)}.");
            classes.Add(key - 1);
            Decoded(() =>
            {
                getPixels(ref values);
                return true;
            });
            format.Read(values, image, features, cursor.Position);
            rows.Add(image);
        }
        if (classes.Count == 0 || (!oneClassWillDo && classes.All(number => number == classes[0])))
            throw NotClasses(label, classes.Count, classes.Count == 0 ? null : labels.Names[(int)classes[0]]);
        return new ImageDataset(rows.ToTensor(format), tensor(classes.ToArray()), labels.Names);

        bool Decoded(Func<bool> read)
        {
            try
            {
                return read();
            }
            catch (Exception exception) when (exception is not (OutOfMemoryException or OperationCanceledException))
            {
                if (Unreadable(data, featureColumn) is { } named) throw named;
                throw;
            }
        }
    }

    // The steps before decode images as rows are read, some rows ahead on other threads; their messages do not say which image it was. Read
    // again one by one; null where that succeeds.
    private static InvalidOperationException? Unreadable(IDataView data, DataViewSchema.Column features)
    {
        DataViewSchema.Column[] columns = data.Schema.GetColumnOrNull(PathColumn) is { Type: TextDataViewType } path
            ? [features, path] : [features];
        VBuffer<float> values = default;
        ReadOnlyMemory<char> name = default;
        foreach (var cursor in data.GetRowCursorSet(columns, 1))
        {
            using (cursor)
            {
                var getPixels = cursor.GetGetter<VBuffer<float>>(features);
                var getPath = columns.Length > 1 ? cursor.GetGetter<ReadOnlyMemory<char>>(columns[1]) : null;
                while (cursor.MoveNext())
                {
                    try
                    {
                        getPixels(ref values);
                    }
                    catch (Exception exception) when (exception is not (OutOfMemoryException or OperationCanceledException))
                    {
                        getPath?.Invoke(ref name);
                        return new(
                            $"Row {cursor.Position}{(name.IsEmpty ? "" : $", image '{name}'")}: column '{features.Name}' cannot be read: "
                            + exception.Message, exception);
                    }
                }
            }
        }
        return null;
    }

    /// <summary>
    /// Checks that a key column has two classes or more. MapValueToKey makes one of less where the data has no rows, or rows of one class.
    /// </summary>
    /// <exception cref="InvalidOperationException">It has less; the message says which of the two.</exception>
    public static void CheckClasses(IDataView data, DataViewSchema.Column label)
    {
        if (label.Type is not KeyDataViewType { Count: < 2 }) return;
        var count = 0;
        using (var cursor = data.GetRowCursor([]))
        {
            while (cursor.MoveNext()) count++;
        }
        VBuffer<ReadOnlyMemory<char>> names = default;
        if (label.Annotations.Schema.GetColumnOrNull("KeyValues")?.Type is VectorDataViewType { ItemType: TextDataViewType })
            label.Annotations.GetValue("KeyValues", ref names);
        throw NotClasses(label.Name, count, names.DenseValues().FirstOrDefault().ToString());
    }

    private static InvalidOperationException NotClasses(string label, int rows, string? name) => new(
        rows == 0 ? "The data has no rows: expected images of two classes or more."
            : $"All {rows} rows have the label{(string.IsNullOrEmpty(name) ? "" : $" '{name}'")} in column '{label}': "
                + "expected rows of two classes or more.");

    // MapValueToKey leaves the column that it takes the place of in the data, hidden. What it was not fitted on has no key.
    private static string ValueBehind(IDataView data, string label, long position)
    {
        var column = data.Schema.LastOrDefault(column => column.Name == label && column.IsHidden);
        if (column.Type is not TextDataViewType) return "";
        using var cursor = data.GetRowCursor([column]);
        var get = cursor.GetGetter<ReadOnlyMemory<char>>(column);
        ReadOnlyMemory<char> value = default;
        while (cursor.MoveNext())
        {
            if (cursor.Position != position) continue;
            get(ref value);
            return value.IsEmpty ? "" : $" (it is '{value}', which MapValueToKey was not fitted on)";
        }
        return "";
    }

    /// <summary>Images that have come so far, in chunks, so that their number need not be known before.</summary>
    private sealed class Rows(int size)
    {
        private readonly List<Tensor> chunks = [];
        private byte[]? bytes = new byte[RowsOfChunk * size];
        private float[]? floats;
        private int filled;

        public void Add(ReadOnlySpan<float> image)
        {
            if (filled == RowsOfChunk) Flush();
            if (bytes is not null && !UnitPixels.ToBytes(image, bytes.AsSpan(filled * size, size))) GoOnInFloats();
            if (floats is not null) image.CopyTo(floats.AsSpan(filled * size, size));
            filled++;
        }

        public Tensor ToTensor(PixelFormat format)
        {
            Flush();
            var all = chunks.Count == 1 ? chunks[0] : cat(chunks, 0);
            return all.view(-1, format.Channels, format.Height, format.Width);
        }

        private void GoOnInFloats()
        {
            for (var i = 0; i < chunks.Count; i++) chunks[i] = chunks[i].to(ScalarType.Float32).Div_(255f);
            floats = new float[RowsOfChunk * size];
            for (var i = 0; i < filled * size; i++) floats[i] = bytes![i] / 255f;
            bytes = null;
        }

        private void Flush()
        {
            if (filled == 0) return;
            var chunk = empty([filled, size], bytes is null ? ScalarType.Float32 : ScalarType.Byte);
            var source = bytes is null ? MemoryMarshal.AsBytes(floats.AsSpan(0, filled * size)) : bytes.AsSpan(0, filled * size);
            source.CopyTo(chunk.bytes);
            chunks.Add(chunk);
            filled = 0;
        }
    }
}
