// The bases of this library's cursors: what every cursor does the same way, once.

namespace Microsoft.ML.Data;

/// <summary>Position runs -1, 0, 1 … and is -1 again after the last row; a finished or disposed cursor has no more rows.</summary>
internal abstract class CursorBase : DataViewRowCursor
{
    private long _position = -1;
    private bool _done;

    public sealed override long Position => _position;

    public sealed override bool MoveNext()
    {
        if (_done) return false;
        if (MoveNextCore())
        {
            _position++;
            return true;
        }
        Dispose();
        return false;
    }

    protected abstract bool MoveNextCore();

    protected override void Dispose(bool disposing)
    {
        _done = true;
        _position = -1;
        base.Dispose(disposing);
    }
}

/// <summary>A cursor over some rows of another cursor; batch and identity are those of the source's row.</summary>
internal abstract class LinkedCursor : CursorBase
{
    protected DataViewRowCursor Source { get; }

    protected LinkedCursor(DataViewRowCursor source) => Source = source;

    public override long Batch => Source.Batch;

    public override ValueGetter<DataViewRowId> GetIdGetter() => Source.GetIdGetter();

    public override DataViewSchema Schema => Source.Schema;

    public override bool IsColumnActive(DataViewSchema.Column column) => Source.IsColumnActive(column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => Source.GetGetter<TValue>(column);

    protected override bool MoveNextCore() => Source.MoveNext();

    protected override void Dispose(bool disposing)
    {
        if (disposing) Source.Dispose();
        base.Dispose(disposing);
    }
}

internal static class Rows
{
    public static InvalidOperationException WrongType<TValue>(DataViewSchema.Column column) => new(
        $"Invalid TValue in GetGetter for column #{column}: '{typeof(TValue).FullName}', expected type: '{column.Type.RawType.FullName}'.");

    public static ArgumentOutOfRangeException Inactive() => new("column", "requested column not active");

    public static ArgumentOutOfRangeException Foreign() => new("column", "The column does not belong to this schema.");

    public static bool IsActive(DataViewSchema schema, bool[] active, DataViewSchema.Column column) =>
        schema.Owns(column) ? active[column.Index] : throw Foreign();

    /// <summary>The getter as the type asked for, or the error that names column and types.</summary>
    public static ValueGetter<TValue> Typed<TValue>(Delegate getter, DataViewSchema.Column column) =>
        getter as ValueGetter<TValue> ?? throw WrongType<TValue>(column);

    /// <summary>Which columns of the schema are asked for.</summary>
    public static bool[] Active(DataViewSchema schema, IEnumerable<DataViewSchema.Column> columns)
    {
        var active = new bool[schema.Count];
        foreach (var column in columns ?? throw new ArgumentNullException(nameof(columns)))
        {
            if (!schema.Owns(column)) throw Foreign();
            active[column.Index] = true;
        }
        return active;
    }

    public static IEnumerable<DataViewSchema.Column> Select(DataViewSchema schema, bool[] active) =>
        schema.Where(column => active[column.Index]);

    /// <summary>The getter of a column whose type is known only at run time.</summary>
    public static Delegate GetGetter(DataViewRow row, DataViewSchema.Column column) =>
        (Delegate)Internal.Generic.Invoke(typeof(Rows), nameof(GetGetterTyped), column.Type.RawType, row, column);

    private static ValueGetter<TValue> GetGetterTyped<TValue>(DataViewRow row, DataViewSchema.Column column) =>
        row.GetGetter<TValue>(column);
}
