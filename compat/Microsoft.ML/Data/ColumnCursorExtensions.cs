// Stands in for Microsoft.ML.Data: the values of one column as an enumerable.
namespace Microsoft.ML.Data;

public static class ColumnCursorExtensions
{
    public static IEnumerable<T> GetColumn<T>(this IDataView data, string columnName)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentException.ThrowIfNullOrEmpty(columnName);
        var column = data.Schema.GetColumnOrNull(columnName)
            ?? throw new ArgumentOutOfRangeException("name", $"Column '{columnName}' not found");
        return data.GetColumn<T>(column);
    }

    public static IEnumerable<T> GetColumn<T>(this IDataView data, DataViewSchema.Column column)
    {
        ArgumentNullException.ThrowIfNull(data);
        return Enumerate(data, column, CreateReader<T>(column));
    }

    private static IEnumerable<T> Enumerate<T>(IDataView data, DataViewSchema.Column column, Func<DataViewRow, Func<T>> createReader)
    {
        using var cursor = data.GetRowCursor(new[] { column });
        var read = createReader(cursor);
        while (cursor.MoveNext()) yield return read();
    }

    private static Func<DataViewRow, Func<T>> CreateReader<T>(DataViewSchema.Column column)
    {
        var raw = column.Type.RawType;
        var (item, isVector) = SchemaDefinition.ItemOf(typeof(T));
        bool fits = column.Type is VectorDataViewType == isVector && ColumnTypes.ItemTypeOf(column.Type).RawType == item;
        if (!fits)
        {
            throw new ArgumentOutOfRangeException(nameof(column),
                $"Cannot map column (name: {column.Name}, type: {column.Type}) in data to the user-defined type, {typeof(T)}.");
        }
        if (typeof(T) == raw) return row => Values(row.GetGetter<T>(column));
        if (typeof(T) == typeof(string)) return row => (Func<T>)(object)Texts(row.GetGetter<ReadOnlyMemory<char>>(column));
        if (typeof(T) == typeof(string[])) return row => (Func<T>)(object)TextArrays(row.GetGetter<VBuffer<ReadOnlyMemory<char>>>(column));
        return row => (Func<T>)Internal.Generic.Invoke(typeof(ColumnCursorExtensions), nameof(Arrays), item, row, column);
    }

    // As in the real library a vector given as VBuffer is overwritten by the next; arrays and texts are the caller's to keep.
    private static Func<T> Values<T>(ValueGetter<T> get)
    {
        T value = default;
        return () =>
        {
            get(ref value);
            return value;
        };
    }

    private static Func<string> Texts(ValueGetter<ReadOnlyMemory<char>> get)
    {
        ReadOnlyMemory<char> text = default;
        return () =>
        {
            get(ref text);
            return text.ToString();
        };
    }

    private static Func<string[]> TextArrays(ValueGetter<VBuffer<ReadOnlyMemory<char>>> get)
    {
        VBuffer<ReadOnlyMemory<char>> texts = default;
        return () =>
        {
            get(ref texts);
            return texts.DenseValues().Select(t => t.ToString()).ToArray();
        };
    }

    private static Func<T[]> Arrays<T>(DataViewRow row, DataViewSchema.Column column)
    {
        var get = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> buffer = default;
        return () =>
        {
            get(ref buffer);
            var array = new T[buffer.Length];
            buffer.CopyTo(array);
            return array;
        };
    }
}
