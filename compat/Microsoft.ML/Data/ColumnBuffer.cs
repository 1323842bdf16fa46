// Values of one column kept for later: the store of caches and shuffles.
namespace Microsoft.ML.Data;

internal abstract class ColumnBuffer
{
    /// <summary>Stores the current row's value under the number.</summary>
    public abstract void Store(int slot);

    /// <summary>A getter of the value whose number the function gives at the time.</summary>
    public abstract Delegate GetGetter(Func<int> slot);

    /// <summary>A buffer filled from the row's column; vectors are copied, for their arrays are the row's own.</summary>
    public static ColumnBuffer Create(DataViewRow row, DataViewSchema.Column column)
    {
        var raw = column.Type.RawType;
        return column.Type is VectorDataViewType
            ? (ColumnBuffer)Internal.Generic.Invoke(typeof(ColumnBuffer), nameof(CreateVector), raw.GetGenericArguments()[0], row, column)
            : (ColumnBuffer)Internal.Generic.Invoke(typeof(ColumnBuffer), nameof(CreateScalar), raw, row, column);
    }

    private static ColumnBuffer CreateVector<T>(DataViewRow row, DataViewSchema.Column column) =>
        new Vectors<T>(row.GetGetter<VBuffer<T>>(column));

    private static ColumnBuffer CreateScalar<T>(DataViewRow row, DataViewSchema.Column column) => new Scalars<T>(row.GetGetter<T>(column));

    public static ColumnBuffer CreateIds(DataViewRow row) => new Scalars<DataViewRowId>(row.GetIdGetter());

    private abstract class Typed<T> : ColumnBuffer
    {
        protected T[] Values = new T[16];
        protected readonly ValueGetter<T> Source;

        protected Typed(ValueGetter<T> source) => Source = source;

        public override void Store(int slot)
        {
            if (slot >= Values.Length) Array.Resize(ref Values, Math.Max(slot + 1, Values.Length * 2));
            Source(ref Values[slot]);
        }
    }

    private sealed class Scalars<T> : Typed<T>
    {
        public Scalars(ValueGetter<T> source) : base(source) { }

        public override Delegate GetGetter(Func<int> slot) => (ValueGetter<T>)((ref T value) => value = Values[slot()]);
    }

    // The source writes into the array of the slot, never into one that a reader was given.
    private sealed class Vectors<T> : Typed<VBuffer<T>>
    {
        public Vectors(ValueGetter<VBuffer<T>> source) : base(source) { }

        public override Delegate GetGetter(Func<int> slot) =>
            (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => Values[slot()].CopyTo(ref value));
    }
}
