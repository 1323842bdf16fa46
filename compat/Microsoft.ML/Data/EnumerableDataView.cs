// The data view over objects of a row class.
namespace Microsoft.ML.Data;

internal sealed class EnumerableDataView<TRow> : IDataView where TRow : class
{
    private readonly IEnumerable<TRow> _rows;
    private readonly TypedColumns<TRow> _columns;

    public EnumerableDataView(IEnumerable<TRow> rows, TypedColumns<TRow> columns)
    {
        _rows = rows;
        _columns = columns;
    }

    public bool CanShuffle => false;

    public DataViewSchema Schema => _columns.Schema;

    public long? GetRowCount() => _rows is ICollection<TRow> collection ? collection.Count : null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        new Cursor(this, Rows.Active(Schema, columnsNeeded));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) =>
        new[] { GetRowCursor(columnsNeeded, rand) };

    private sealed class Cursor : CursorBase
    {
        private readonly bool[] _active;
        private readonly Delegate[] _getters;
        private readonly IEnumerator<TRow> _rows;
        private readonly RowHolder<TRow> _holder = new();

        public Cursor(EnumerableDataView<TRow> view, bool[] active)
        {
            Schema = view.Schema;
            _active = active;
            _getters = active.Select((isActive, i) => isActive ? view._columns.CreateGetter(i, _holder) : null).ToArray();
            _rows = view._rows.GetEnumerator();
        }

        public override DataViewSchema Schema { get; }

        public override long Batch => 0;

        public override bool IsColumnActive(DataViewSchema.Column column) => Rows.IsActive(Schema, _active, column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            IsColumnActive(column) ? Rows.Typed<TValue>(_getters[column.Index], column) : throw Rows.Inactive();

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)Position, 0);

        protected override bool MoveNextCore()
        {
            if (!_rows.MoveNext())
            {
                _holder.Value = null;
                return false;
            }
            _holder.Value = _rows.Current ?? throw new InvalidOperationException("Encountered a row that is null in an enumerable of rows");
            return true;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) _rows.Dispose();
            base.Dispose(disposing);
        }
    }
}
