// Transforms that add columns computed from the same row: the view, its cursor and the one-row form share this file's getters.

namespace Microsoft.ML.Data;

/// <summary>New columns computed from a row of one input schema.</summary>
internal abstract class RowMapper
{
    public abstract DataViewSchema.DetachedColumn[] OutputColumns { get; }

    /// <summary>The indices of the input columns that a new column is computed from.</summary>
    public abstract IEnumerable<int> Dependencies(int outputColumn);

    /// <summary>The getters of the active new columns over the row, null for the others.</summary>
    public abstract Delegate[] CreateGetters(DataViewRow input, Func<int, bool> active);
}

/// <summary>New columns each computed on its own.</summary>
internal sealed class ColumnwiseMapper : RowMapper
{
    private readonly MappedColumn[] _columns;

    public ColumnwiseMapper(IEnumerable<MappedColumn> columns)
    {
        _columns = columns.ToArray();
        OutputColumns = _columns.Select(c => c.Column).ToArray();
    }

    public override DataViewSchema.DetachedColumn[] OutputColumns { get; }

    public override IEnumerable<int> Dependencies(int outputColumn) => _columns[outputColumn].Inputs;

    public override Delegate[] CreateGetters(DataViewRow input, Func<int, bool> active) =>
        _columns.Select((column, i) => active(i) ? column.CreateGetter(input) : null).ToArray();
}

internal sealed record MappedColumn(DataViewSchema.DetachedColumn Column, int[] Inputs, Func<DataViewRow, Delegate> CreateGetter);

/// <summary>The input schema followed by the mapper's columns, and which column is which.</summary>
internal sealed class MapBindings : IRowToRowMapper
{
    public readonly RowMapper Mapper;

    public MapBindings(DataViewSchema input, RowMapper mapper)
    {
        InputSchema = input;
        Mapper = mapper;
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        builder.AddColumns(mapper.OutputColumns);
        OutputSchema = builder.ToSchema();
    }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
        Rows.Select(InputSchema, ActiveInputs(Rows.Active(OutputSchema, dependingColumns))).ToArray();

    public bool[] ActiveInputs(bool[] activeOutputs)
    {
        var inputs = new bool[InputSchema.Count];
        for (int i = 0; i < activeOutputs.Length; i++)
        {
            if (!activeOutputs[i]) continue;
            if (i < InputSchema.Count) inputs[i] = true;
            else
                foreach (int dependency in Mapper.Dependencies(i - InputSchema.Count)) inputs[dependency] = true;
        }
        return inputs;
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new MappedRow(input, new MapGetters(this, input, Rows.Active(OutputSchema, activeColumns)));
    }

    private sealed class MappedRow : DataViewRow
    {
        private readonly DataViewRow _input;
        private readonly MapGetters _getters;

        public MappedRow(DataViewRow input, MapGetters getters)
        {
            _input = input;
            _getters = getters;
        }

        public override long Position => _input.Position;

        public override long Batch => _input.Batch;

        public override DataViewSchema Schema => _getters.Schema;

        public override ValueGetter<DataViewRowId> GetIdGetter() => _input.GetIdGetter();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _getters.Get<TValue>(column);

        public override bool IsColumnActive(DataViewSchema.Column column) => _getters.IsActive(column);

        protected override void Dispose(bool disposing)
        {
            if (disposing) _input.Dispose();
            base.Dispose(disposing);
        }
    }
}

/// <summary>The getters of one mapped row or cursor.</summary>
internal sealed class MapGetters
{
    private readonly MapBindings _bindings;
    private readonly DataViewRow _input;
    private readonly bool[] _active;
    private readonly Delegate[] _added;

    public MapGetters(MapBindings bindings, DataViewRow input, bool[] active)
    {
        _bindings = bindings;
        _input = input;
        _active = active;
        int offset = bindings.InputSchema.Count;
        _added = bindings.Mapper.CreateGetters(input, i => active[offset + i]);
    }

    public DataViewSchema Schema => _bindings.OutputSchema;

    public bool IsActive(DataViewSchema.Column column) => Rows.IsActive(Schema, _active, column);

    public ValueGetter<TValue> Get<TValue>(DataViewSchema.Column column)
    {
        if (!IsActive(column)) throw Rows.Inactive();
        int offset = _bindings.InputSchema.Count;
        return column.Index < offset
            ? _input.GetGetter<TValue>(_bindings.InputSchema[column.Index])
            : Rows.Typed<TValue>(_added[column.Index - offset], column);
    }
}

/// <summary>The view of mapped rows.</summary>
internal sealed class MapDataView : IDataView
{
    private readonly IDataView _source;
    private readonly MapBindings _bindings;

    public MapDataView(IDataView source, RowMapper mapper)
    {
        _source = source;
        _bindings = new MapBindings(source.Schema, mapper);
    }

    public bool CanShuffle => _source.CanShuffle;

    public DataViewSchema Schema => _bindings.OutputSchema;

    public long? GetRowCount() => _source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        var active = Rows.Active(Schema, columnsNeeded);
        return new Cursor(_bindings, _source.GetRowCursor(Rows.Select(_source.Schema, _bindings.ActiveInputs(active)), rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        var active = Rows.Active(Schema, columnsNeeded);
        return _source.GetRowCursorSet(Rows.Select(_source.Schema, _bindings.ActiveInputs(active)), n, rand)
            .Select(cursor => (DataViewRowCursor)new Cursor(_bindings, cursor, active)).ToArray();
    }

    private sealed class Cursor : LinkedCursor
    {
        private readonly MapGetters _getters;

        public Cursor(MapBindings bindings, DataViewRowCursor source, bool[] active) : base(source) =>
            _getters = new MapGetters(bindings, source, active);

        public override DataViewSchema Schema => _getters.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => _getters.IsActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _getters.Get<TValue>(column);
    }
}

/// <summary>Mappers applied one after another to a row.</summary>
internal sealed class CompositeRowMapper : IRowToRowMapper
{
    private readonly IRowToRowMapper[] _mappers;

    public CompositeRowMapper(DataViewSchema inputSchema, IRowToRowMapper[] mappers)
    {
        InputSchema = inputSchema;
        _mappers = mappers;
    }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema => _mappers.Length == 0 ? InputSchema : _mappers[^1].OutputSchema;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        for (int i = _mappers.Length - 1; i >= 0; i--) dependingColumns = _mappers[i].GetDependencies(dependingColumns);
        return dependingColumns;
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        var active = new IEnumerable<DataViewSchema.Column>[_mappers.Length];
        for (int i = _mappers.Length - 1; i >= 0; i--)
        {
            active[i] = activeColumns;
            activeColumns = _mappers[i].GetDependencies(activeColumns);
        }
        for (int i = 0; i < _mappers.Length; i++) input = _mappers[i].GetRow(input, active[i]);
        return input;
    }
}
