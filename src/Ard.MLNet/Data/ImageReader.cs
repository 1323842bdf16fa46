using System.Runtime.InteropServices;

namespace Ard.MLNet.Data;

/// <summary>
/// Reads the images and labels of a data view into a data set, once, from front to back. They become bytes as long as every value is a
/// multiple of 1/255, as those of all images of 8 bits are, and floats from the first value on that is not.
/// </summary>
internal static class ImageReader
{
    // Of a file of images that is there already.
    private const int ImagesToKnowBy = 32;

    // What LoadImageFolder calls the file of a row.
    private const string PathColumn = "ImagePath";

    /// <summary>
    /// The images of a data view, or of the file to keep them in if it is there; without a label column they have no labels. A training
    /// needs two classes.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">There are no rows or all of one class, a label is missing, a pixel is not in [0,1], or
    /// the file is of other images.</exception>
    /// <exception cref="DataFileException">The file is damaged.</exception>
    public static ImageDataset Read(
        IDataView data, string features, string? label, PixelFormat format, ClassLabels labels, string? file = null,
        long? mostInMemory = null, bool isTraining = true)
    {
        var featureColumn = ImageColumn.Find(data.Schema, features, format);
        var labelColumn = label is null ? (DataViewSchema.Column?)null : SchemaErrors.Find(data.Schema, "label", label);
        if (File.Exists(file)) return Reuse(file, data, features, label!, format, labels);
        using var cursor = data.GetRowCursor(labelColumn is { } known ? [featureColumn, known] : [featureColumn]);
        var images = ImageColumn.Open(cursor, features, format);
        var getLabel = labelColumn is null ? null : cursor.GetGetter<uint>(labelColumn.Value);
        using var rows = new ImageCollector(
            (format.Channels, format.Height, format.Width), labels.Names, file, data.GetRowCount(), mostInMemory);
        var classes = new List<long>();
        var (image, bytes) = (new float[format.Size], new byte[format.Size]);
        uint key = 0;
        while (Named(data, features, format, cursor.MoveNext))
        {
            getLabel?.Invoke(ref key);
            // A data set has -1 for no label.
            classes.Add(label is null ? -1 : Number(key, labels, data, label, cursor.Position));
            Fetch(images, data, features, format);
            images.Convert(image);
            if (UnitPixels.ToBytes(image, bytes)) rows.Add(bytes);
            else rows.Add(image);
        }
        if (classes.Count == 0) throw NotClasses(label, 0, null);
        if (isTraining && classes.All(number => number == classes[0]))
            throw NotClasses(label, classes.Count, labels.Names[(int)classes[0]]);
        return rows.Finish(CollectionsMarshal.AsSpan(classes));
    }

    /// <summary>The labels of a data view, from 0; the images are not asked for.</summary>
    /// <exception cref="InvalidOperationException">There are no rows, or a label is missing.</exception>
    public static long[] ReadLabels(IDataView data, string label, ClassLabels labels)
    {
        var column = SchemaErrors.Find(data.Schema, "label", label);
        using var cursor = data.GetRowCursor([column]);
        var getLabel = cursor.GetGetter<uint>(column);
        var classes = new List<long>();
        uint key = 0;
        while (cursor.MoveNext())
        {
            getLabel(ref key);
            classes.Add(Number(key, labels, data, label, cursor.Position));
        }
        return classes.Count > 0 ? [.. classes] : throw NotClasses(label, 0, null);
    }

    /// <summary>Takes the image of the row where the cursor stands; see <see cref="Named"/>.</summary>
    public static void Fetch(ImageColumn images, IDataView data, string features, PixelFormat format) => Named(data, features, format, () =>
    {
        images.Fetch();
        return true;
    });

    /// <summary>Whether data are such that a second pass ends: those of a stream may not.</summary>
    public static bool CanReadAgain(IDataView data) =>
        data.GetRowCount() is not null || data.Schema.GetColumnOrNull(PathColumn) is not null;

    /// <summary>Reads something of the images; what the steps before throw is an error that names the image.</summary>
    public static bool Named(IDataView data, string features, PixelFormat format, Func<bool> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is not (OutOfMemoryException or OperationCanceledException))
        {
            if (Unreadable(data, features, format) is { } named) throw named;
            throw;
        }
    }

    // A key outside of its own type counts as missing in ML.NET.
    private static long Number(uint key, ClassLabels labels, IDataView data, string label, long row) =>
        key > 0 && key <= labels.Count ? key - 1 : throw new InvalidOperationException(
            $"Row {row}, label column '{label}': the label is missing{ValueBehind(data, label, row)}.");

    private static ImageDataset Reuse(
        string path, IDataView data, string features, string label, PixelFormat format, ClassLabels labels) =>
        ImageDataset.Open(path).OrDispose(found =>
        {
            if (!found.Shape.AsSpan(1).SequenceEqual([format.Channels, format.Height, format.Width])
                || !found.ClassNames.SequenceEqual(labels.Names))
                throw Other(
                    $"of {found.Channels}x{found.Height}x{found.Width} of the classes {string.Join(", ", found.ClassNames.Take(4))}");
            // All labels, and some of the images: folds of a cross-validation are of the same kind, and other images.
            var (column, row) = (data.Schema[features], 0L);
            using var cursor = data.GetRowCursor([column, data.Schema[label]]);
            var images = ImageColumn.Open(cursor, features, format);
            var getLabel = cursor.GetGetter<uint>(data.Schema[label]);
            var (image, bytes, step) = (new float[format.Size], new byte[format.Size], Math.Max(1, found.Count / ImagesToKnowBy));
            using var scope = NewDisposeScope();
            var truth = found.Labels.cpu().data<long>().ToArray();
            uint key = 0;
            for (; cursor.MoveNext(); row++)
            {
                getLabel(ref key);
                if (row >= found.Count) continue;
                if (truth[row] != key - 1L) throw Other($"of which that of row {row} has another label");
                if (row % step != 0) continue;
                Fetch(images, data, features, format);
                images.Convert(image);
                // As it was kept: a byte times 1/255 may be a rounding away.
                if (UnitPixels.ToBytes(image, bytes)) UnitPixels.From(bytes, image);
                if (!found.Batch(row, 1).Images.data<float>().ToArray().AsSpan().SequenceEqual(image))
                    throw Other($"of which that of row {row} is another one");
            }
            return row == found.Count ? found : throw Other($"and the data have {row}");

            InvalidOperationException Other(string images) => new(
                $"The file {path} has {found.Count} images {images}, expected those of the data, of {format} of {labels}: delete it where "
                + "the data have changed, and give none to a cross-validation, whose folds are others each.");
        });

    // The steps before decode images as rows are read, some rows ahead on other threads; their messages do not say which image it was. Read
    // again one by one; null where that succeeds.
    private static InvalidOperationException? Unreadable(IDataView data, string features, PixelFormat format)
    {
        var column = data.Schema[features];
        DataViewSchema.Column[] columns = data.Schema.GetColumnOrNull(PathColumn) is { Type: TextDataViewType } path
            ? [column, path] : [column];
        ReadOnlyMemory<char> name = default;
        foreach (var cursor in data.GetRowCursorSet(columns, 1))
        {
            using (cursor)
            {
                var images = ImageColumn.Open(cursor, features, format);
                var getPath = columns.Length > 1 ? cursor.GetGetter<ReadOnlyMemory<char>>(columns[1]) : null;
                while (cursor.MoveNext())
                {
                    try
                    {
                        images.Fetch();
                    }
                    catch (Exception exception) when (exception is not (OutOfMemoryException or OperationCanceledException))
                    {
                        getPath?.Invoke(ref name);
                        return new(
                            $"Row {cursor.Position}{(name.IsEmpty ? "" : $", image '{name}'")}: column '{features}' cannot be read: "
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

    private static InvalidOperationException NotClasses(string? label, int rows, string? name) => new(
        rows == 0 ? "The data has no rows: expected images."
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
            return value.IsEmpty ? "" : $" (it is '{value}', which is none of the key's classes)";
        }
        return "";
    }
}
