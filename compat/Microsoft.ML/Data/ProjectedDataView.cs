// Some columns of a view in a chosen order: SelectColumns and DropColumns.
namespace Microsoft.ML.Data;

internal sealed class Projection : IRowToRowMapper
{
    private readonly int[] _sources;

    public Projection(DataViewSchema input, int[] sources)
    {
        InputSchema = input;
        _sources = sources;
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(sources.Select(i => input[i]));
        OutputSchema = builder.ToSchema();
    }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    public DataViewSchema.Column Source(DataViewSchema.Column column) =>
        OutputSchema.Owns(column) ? InputSchema[_sources[column.Index]] : throw Rows.Foreign();

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
        dependingColumns.Select(Source).ToArray();

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new Row(this, input, Rows.Active(OutputSchema, activeColumns));
    }

    private sealed class Row : DataViewRow
    {
        private readonly Projection _projection;
        private readonly DataViewRow _input;
        private readonly bool[] _active;

        public Row(Projection projection, DataViewRow input, bool[] active)
        {
            _projection = projection;
            _input = input;
            _active = active;
        }

        public override long Position => _input.Position;

        public override long Batch => _input.Batch;

        public override DataViewSchema Schema => _projection.OutputSchema;

        public override ValueGetter<DataViewRowId> GetIdGetter() => _input.GetIdGetter();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            IsColumnActive(column) ? _input.GetGetter<TValue>(_projection.Source(column)) : throw Rows.Inactive();

        public override bool IsColumnActive(DataViewSchema.Column column) => Rows.IsActive(Schema, _active, column);

        protected override void Dispose(bool disposing)
        {
            if (disposing) _input.Dispose();
            base.Dispose(disposing);
        }
    }
}

internal sealed class ProjectedDataView : IDataView
{
    private readonly IDataView _source;
    private readonly Projection _projection;

    public ProjectedDataView(IDataView source, Projection projection)
    {
        _source = source;
        _projection = projection;
    }

    public bool CanShuffle => _source.CanShuffle;

    public DataViewSchema Schema => _projection.OutputSchema;

    public long? GetRowCount() => _source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        var active = Rows.Active(Schema, columnsNeeded);
        return new Cursor(_projection, _source.GetRowCursor(_projection.GetDependencies(Rows.Select(Schema, active)), rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        var active = Rows.Active(Schema, columnsNeeded);
        return _source.GetRowCursorSet(_projection.GetDependencies(Rows.Select(Schema, active)), n, rand)
            .Select(cursor => (DataViewRowCursor)new Cursor(_projection, cursor, active)).ToArray();
    }

    private sealed class Cursor : LinkedCursor
    {
        private readonly Projection _projection;
        private readonly bool[] _active;

        public Cursor(Projection projection, DataViewRowCursor source, bool[] active) : base(source)
        {
            _projection = projection;
            _active = active;
        }

        public override DataViewSchema Schema => _projection.OutputSchema;

        public override bool IsColumnActive(DataViewSchema.Column column) => Rows.IsActive(Schema, _active, column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            IsColumnActive(column) ? Source.GetGetter<TValue>(_projection.Source(column)) : throw Rows.Inactive();
    }
}
