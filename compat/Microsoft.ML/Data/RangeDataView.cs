// Some rows of a view in a row: SkipRows and TakeRows.
namespace Microsoft.ML.Data;

internal sealed class RangeDataView : IDataView
{
    private readonly IDataView _source;
    private readonly long _skip;
    private readonly long _take;

    public RangeDataView(IDataView source, long skip, long take)
    {
        _source = source;
        _skip = skip;
        _take = take;
    }

    public bool CanShuffle => false;

    public DataViewSchema Schema => _source.Schema;

    public long? GetRowCount() => _source.GetRowCount() is { } count ? Math.Min(Math.Max(count - _skip, 0), _take) : null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        new Cursor(_source.GetRowCursor(columnsNeeded), _skip, _take);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) =>
        new[] { GetRowCursor(columnsNeeded, rand) };

    private sealed class Cursor : LinkedCursor
    {
        private long _skip;
        private long _take;

        public Cursor(DataViewRowCursor source, long skip, long take) : base(source)
        {
            _skip = skip;
            _take = take;
        }

        protected override bool MoveNextCore()
        {
            for (; _skip > 0; _skip--)
                if (!Source.MoveNext()) return false;
            return _take-- > 0 && Source.MoveNext();
        }
    }
}
