// Rows kept in memory column by column: each column is read from the source when it is first asked for, and then never again.
namespace Microsoft.ML.Data;

internal sealed class CacheDataView : IDataView
{
    // Rows are dealt to parallel cursors in blocks; the block's number is the batch.
    private const int BlockRows = 64;

    private readonly IDataView _source;
    private readonly object _lock = new();
    private readonly ColumnBuffer[] _columns;
    private ColumnBuffer _ids;
    private int _rowCount;

    public CacheDataView(IDataView source, string[] columnsToPrefetch)
    {
        _source = source;
        _columns = new ColumnBuffer[source.Schema.Count];
        var prefetch = (columnsToPrefetch ?? Array.Empty<string>())
            .Select(name => source.Schema.GetColumnOrNull(name)
                ?? throw new ArgumentOutOfRangeException(nameof(columnsToPrefetch), $"Column '{name}' not found"))
            .ToArray();
        if (prefetch.Length > 0) Fill(prefetch);
    }

    public bool CanShuffle => true;

    public DataViewSchema Schema => _source.Schema;

    public long? GetRowCount()
    {
        lock (_lock) return _ids == null ? _source.GetRowCount() : _rowCount;
    }

    private void Fill(IEnumerable<DataViewSchema.Column> columns)
    {
        lock (_lock)
        {
            var missing = columns.Where(c => _columns[c.Index] == null).ToArray();
            if (missing.Length == 0 && _ids != null) return;
            using var cursor = _source.GetRowCursor(missing);
            var ids = ColumnBuffer.CreateIds(cursor);
            var buffers = missing.Select(c => ColumnBuffer.Create(cursor, c)).ToArray();
            int row = 0;
            for (; cursor.MoveNext(); row++)
            {
                ids.Store(row);
                foreach (var buffer in buffers) buffer.Store(row);
            }
            if (_ids != null && row != _rowCount)
                throw new InvalidOperationException($"The source gave {row} rows after it gave {_rowCount}.");
            _ids = ids;
            _rowCount = row;
            for (int i = 0; i < missing.Length; i++) _columns[missing[i].Index] = buffers[i];
        }
    }

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        var active = Rows.Active(Schema, columnsNeeded);
        Fill(Rows.Select(Schema, active));
        int[] order = null;
        if (rand != null)
        {
            order = Enumerable.Range(0, _rowCount).ToArray();
            rand.Shuffle(order);
        }
        return new Cursor(this, active, order, 0, 1);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        if (rand != null || n <= 1) return new[] { GetRowCursor(columnsNeeded, rand) };
        var active = Rows.Active(Schema, columnsNeeded);
        Fill(Rows.Select(Schema, active));
        return Enumerable.Range(0, n).Select(i => (DataViewRowCursor)new Cursor(this, active, null, i, n)).ToArray();
    }

    private sealed class Cursor : CursorBase
    {
        private readonly CacheDataView _view;
        private readonly bool[] _active;
        private readonly Delegate[] _getters;
        private readonly int[] _order;
        private readonly int _stride;
        private readonly bool _inBlocks;
        private int _next;
        private int _row = -1;

        public Cursor(CacheDataView view, bool[] active, int[] order, int first, int cursors)
        {
            _view = view;
            _active = active;
            _order = order;
            _inBlocks = cursors > 1;
            _stride = (cursors - 1) * BlockRows;
            _next = first * BlockRows;
            Func<int> slot = () => _row;
            _getters = active.Select((isActive, i) => isActive ? view._columns[i].GetGetter(slot) : null).ToArray();
        }

        public override DataViewSchema Schema => _view.Schema;

        public override long Batch => _inBlocks && _row >= 0 ? _row / BlockRows : 0;

        public override bool IsColumnActive(DataViewSchema.Column column) => Rows.IsActive(Schema, _active, column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            IsColumnActive(column) ? Rows.Typed<TValue>(_getters[column.Index], column) : throw Rows.Inactive();

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ValueGetter<DataViewRowId>)_view._ids.GetGetter(() => _row);

        protected override bool MoveNextCore()
        {
            if (_next >= _view._rowCount) return false;
            _row = _order == null ? _next : _order[_next];
            _next++;
            if (_next % BlockRows == 0) _next += _stride;
            return true;
        }
    }
}
