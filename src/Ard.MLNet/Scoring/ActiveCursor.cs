namespace Ard.MLNet.Scoring;

/// <summary>A cursor over rows of a schema, of whose columns some were asked for.</summary>
internal abstract class ActiveCursor : DataViewRowCursor
{
    private readonly bool[] active;

    protected ActiveCursor(DataViewSchema schema, IEnumerable<DataViewSchema.Column> columns)
    {
        (Schema, active) = (schema, new bool[schema.Count]);
        foreach (var column in columns)
        {
            Check(schema, column);
            active[column.Index] = true;
        }
    }

    public sealed override DataViewSchema Schema { get; }

    public sealed override bool IsColumnActive(DataViewSchema.Column column)
    {
        Check(Schema, column);
        return active[column.Index];
    }

    public sealed override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => IsColumnActive(column)
        ? Open<TValue>(column)
        : throw new InvalidOperationException($"Column '{column.Name}' is not active: it was not among the columns asked for.");

    protected abstract ValueGetter<TValue> Open<TValue>(DataViewSchema.Column column);

    /// <summary>A row's number, which is negative where the cursor is on none.</summary>
    protected static int OnRow(int row) => row >= 0 ? row
        : throw new InvalidOperationException("The cursor is not on a row: MoveNext was not called, or has returned false.");

    /// <summary>A getter, whose type is known at run time, as one of the type asked for.</summary>
    /// <exception cref="InvalidOperationException">The column is of another type.</exception>
    protected static ValueGetter<T> As<T>(Delegate getter, DataViewSchema.Column column) => getter as ValueGetter<T>
        ?? throw new InvalidOperationException(
            $"Invalid TValue in GetGetter for column '{column.Name}': '{typeof(T)}', expected type: '{column.Type.RawType}'.");

    public static void Check(DataViewSchema schema, DataViewSchema.Column column)
    {
        if (column.Index >= schema.Count || !schema[column.Index].Equals(column))
            throw new ArgumentException($"Column '{column.Name}' is not one of this schema: {schema}.", nameof(column));
    }
}
