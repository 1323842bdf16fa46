namespace Ard.MLNet.Data;

internal delegate void RowValue<T>(int row, ref T value);

/// <summary>Rows in memory, or computed from what is in memory, as a data view. It needs no MLContext.</summary>
internal sealed class TableDataView : IDataView
{
    private readonly int rows;
    private readonly IReadOnlyList<Column> columns;

    public TableDataView(int rows, params IReadOnlyList<Column> columns)
    {
        (this.rows, this.columns) = (rows, columns);
        var builder = new DataViewSchema.Builder();
        foreach (var column in columns) builder.AddColumn(column.Name, column.Type, column.Annotations);
        Schema = builder.ToSchema();
    }

    public DataViewSchema Schema { get; }
    public bool CanShuffle => false;

    public long? GetRowCount() => rows;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) =>
        new Cursor(this, columnsNeeded);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded)];

    public static Column Of<T>(string name, DataViewType type, RowValue<T> value, DataViewSchema.Annotations? annotations = null) =>
        new Column<T>(name, type, annotations ?? DataViewSchema.Annotations.Empty, value);

    /// <summary>A column of keys of these classes, from 1; 0 for none.</summary>
    public static Column Keys(string name, ClassLabels labels, Func<int, long> key)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        labels.AddTo(annotations);
        return Of(name, labels.KeyType, (int row, ref uint value) => value = (uint)key(row), annotations.ToAnnotations());
    }

    public static Column Vectors<T>(
        string name, DataViewType type, int length, Action<int, Span<T>> fill, DataViewSchema.Annotations? annotations = null) =>
        Of(name, type, (int row, ref VBuffer<T> value) =>
        {
            var editor = VBufferEditor.Create(ref value, length);
            fill(row, editor.Values);
            value = editor.Commit();
        }, annotations);

    /// <summary>A column of which there is nothing but its name and type; to ask for its values is an error.</summary>
    public static Column Without(string name, DataViewType type, DataViewSchema.Annotations annotations, string message) =>
        new NoColumn(name, type, annotations, message);

    internal abstract record Column(string Name, DataViewType Type, DataViewSchema.Annotations Annotations)
    {
        public abstract Delegate Getter(Func<int> row);
    }

    private sealed record Column<T>(string Name, DataViewType Type, DataViewSchema.Annotations Annotations, RowValue<T> Value)
        : Column(Name, Type, Annotations)
    {
        public override Delegate Getter(Func<int> row) => (ValueGetter<T>)((ref T value) => Value(row(), ref value));
    }

    private sealed record NoColumn(string Name, DataViewType Type, DataViewSchema.Annotations Annotations, string Message)
        : Column(Name, Type, Annotations)
    {
        public override Delegate Getter(Func<int> row) => throw new InvalidOperationException(Message);
    }

    private sealed class Cursor(TableDataView table, IEnumerable<DataViewSchema.Column> columns) : ActiveCursor(table.Schema, columns)
    {
        private int row = -1;
        private bool ended;

        public override long Position => row;
        public override long Batch => 0;

        public override bool MoveNext()
        {
            if (!ended && ++row < table.rows) return true;
            (row, ended) = (-1, true);
            return false;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() =>
            (ref DataViewRowId value) => value = new DataViewRowId((ulong)OnRow(row), 0);

        protected override ValueGetter<TValue> Open<TValue>(DataViewSchema.Column column) =>
            As<TValue>(table.columns[column.Index].Getter(() => OnRow(row)), column);
    }
}
