// Rows in random order: drawn from a pool that is refilled from the source, itself read in random order where it can be.
namespace Microsoft.ML.Data;

internal sealed class ShuffleDataView : IDataView
{
    private readonly IDataView _source;
    private readonly int _seed;
    private readonly int _poolRows;
    private readonly bool _shuffleSource;

    public ShuffleDataView(IDataView source, int seed, int poolRows, bool shuffleSource)
    {
        _source = source;
        _seed = seed;
        _poolRows = poolRows;
        _shuffleSource = shuffleSource;
    }

    public bool CanShuffle => true;

    public DataViewSchema Schema => _source.Schema;

    public long? GetRowCount() => _source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        var active = Rows.Active(Schema, columnsNeeded);
        rand ??= new Random(_seed);
        var sourceRand = _shuffleSource && _source.CanShuffle ? new Random(rand.Next()) : null;
        return new Cursor(_source.GetRowCursor(Rows.Select(Schema, active), sourceRand), active, _poolRows, rand);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) =>
        new[] { GetRowCursor(columnsNeeded, rand) };

    private sealed class Cursor : LinkedCursor
    {
        private readonly bool[] _active;
        private readonly ColumnBuffer[] _buffers;
        private readonly ColumnBuffer _ids;
        private readonly Delegate[] _getters;
        private readonly ValueGetter<DataViewRowId> _getId;
        private readonly Random _rand;
        private readonly int[] _pool;
        private int _poolCount;
        private int _slot;
        private int _slotToFill = -1;

        public Cursor(DataViewRowCursor source, bool[] active, int poolRows, Random rand) : base(source)
        {
            _active = active;
            _rand = rand;
            _pool = new int[poolRows];
            Func<int> slot = () => _slot;
            _ids = ColumnBuffer.CreateIds(source);
            _getId = (ValueGetter<DataViewRowId>)_ids.GetGetter(slot);
            _getters = new Delegate[active.Length];
            var buffers = new List<ColumnBuffer>();
            foreach (var column in Rows.Select(source.Schema, active))
            {
                buffers.Add(ColumnBuffer.Create(source, column));
                _getters[column.Index] = buffers[^1].GetGetter(slot);
            }
            _buffers = buffers.ToArray();
        }

        public override long Batch => 0;

        public override bool IsColumnActive(DataViewSchema.Column column) => Rows.IsActive(Schema, _active, column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            IsColumnActive(column) ? Rows.Typed<TValue>(_getters[column.Index], column) : throw Rows.Inactive();

        public override ValueGetter<DataViewRowId> GetIdGetter() => _getId;

        // The row given out stays in its slot until the next move; then the slot takes the source's next row.
        protected override bool MoveNextCore()
        {
            if (_slotToFill < 0)
                while (_poolCount < _pool.Length && Fill(_poolCount)) { }
            else
                Fill(_slotToFill);
            if (_poolCount == 0) return false;
            int drawn = _rand.Next(_poolCount);
            _slot = _slotToFill = _pool[drawn];
            _pool[drawn] = _pool[--_poolCount];
            return true;
        }

        private bool Fill(int slot)
        {
            if (!Source.MoveNext()) return false;
            _ids.Store(slot);
            foreach (var buffer in _buffers) buffer.Store(slot);
            _pool[_poolCount++] = slot;
            return true;
        }
    }
}
