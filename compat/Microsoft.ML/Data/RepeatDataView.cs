// Rows of a view each taken a number of times that depends on the row: 0 or 1 for filters and splits, more for bootstrap samples.
namespace Microsoft.ML.Data;

internal sealed class RepeatDataView : IDataView
{
    private readonly IDataView _source;
    private readonly int[] _inputs;
    private readonly Func<DataViewRow, Func<int>> _createTimes;

    /// <param name="source">The view whose rows are taken.</param>
    /// <param name="inputs">The indices of the columns that the number depends on.</param>
    /// <param name="createTimes">Makes, over a row, the function that says how often it is taken.</param>
    public RepeatDataView(IDataView source, IEnumerable<int> inputs, Func<DataViewRow, Func<int>> createTimes)
    {
        _source = source;
        _inputs = inputs.ToArray();
        _createTimes = createTimes;
    }

    public bool CanShuffle => false;

    public DataViewSchema Schema => _source.Schema;

    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        var active = Rows.Active(Schema, columnsNeeded);
        return new Cursor(_source.GetRowCursor(Needed(active)), active, _createTimes);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        var active = Rows.Active(Schema, columnsNeeded);
        return _source.GetRowCursorSet(Needed(active), n)
            .Select(source => (DataViewRowCursor)new Cursor(source, active, _createTimes)).ToArray();
    }

    private DataViewSchema.Column[] Needed(bool[] active)
    {
        var needed = (bool[])active.Clone();
        foreach (int input in _inputs) needed[input] = true;
        return Rows.Select(Schema, needed).ToArray();
    }

    private sealed class Cursor : LinkedCursor
    {
        private readonly bool[] _active;
        private readonly Func<int> _times;
        private int _left;
        private int _repetition;

        public Cursor(DataViewRowCursor source, bool[] active, Func<DataViewRow, Func<int>> createTimes) : base(source)
        {
            _active = active;
            _times = createTimes(source);
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => Rows.IsActive(Schema, _active, column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            IsColumnActive(column) ? Source.GetGetter<TValue>(column) : throw Rows.Inactive();

        // Two copies of a row are two rows.
        public override ValueGetter<DataViewRowId> GetIdGetter()
        {
            var get = Source.GetIdGetter();
            return (ref DataViewRowId id) =>
            {
                get(ref id);
                if (_repetition > 0) id = id.Combine(new DataViewRowId((ulong)_repetition, 0));
            };
        }

        protected override bool MoveNextCore()
        {
            if (_left > 0)
            {
                _left--;
                _repetition++;
                return true;
            }
            while (Source.MoveNext())
            {
                int times = _times();
                if (times == 0) continue;
                _left = times - 1;
                _repetition = 0;
                return true;
            }
            return false;
        }
    }
}
