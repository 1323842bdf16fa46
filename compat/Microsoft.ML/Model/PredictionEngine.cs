// Stands in for Microsoft.ML.Data: predictions for one object at a time.
using Microsoft.ML.Data;

namespace Microsoft.ML;

public sealed class PredictionEngineOptions
{
    public bool IgnoreMissingColumns;
    public SchemaDefinition InputSchemaDefinition;
    public SchemaDefinition OutputSchemaDefinition;
    public bool OwnsTransformer;

    public PredictionEngineOptions()
    {
        IgnoreMissingColumns = true;
        OwnsTransformer = true;
    }
}

public abstract class PredictionEngineBase<TSrc, TDst> : IDisposable where TSrc : class where TDst : class, new()
{
    private protected PredictionEngineBase() { }

    public DataViewSchema OutputSchema { get; private protected init; }

    public TDst Predict(TSrc example)
    {
        var result = new TDst();
        Predict(example, ref result);
        return result;
    }

    public abstract void Predict(TSrc example, ref TDst prediction);

    public void Dispose() => DisposeCore();

    private protected abstract void DisposeCore();
}

public sealed class PredictionEngine<TSrc, TDst> : PredictionEngineBase<TSrc, TDst> where TSrc : class where TDst : class, new()
{
    private readonly ITransformer _transformer;
    private readonly bool _ownsTransformer;
    private readonly InputRow _input;
    private readonly DataViewRow _output;
    private readonly Action<TDst> _fill;
    private bool _disposed;

    internal PredictionEngine(ITransformer transformer, PredictionEngineOptions options)
    {
        if (!transformer.IsRowToRowMapper) throw new ArgumentOutOfRangeException(nameof(transformer), "Must be a row to row mapper");
        _transformer = transformer;
        _ownsTransformer = options.OwnsTransformer;
        _input = new InputRow(new TypedColumns<TSrc>(options.InputSchemaDefinition, SchemaDefinition.Direction.Read));
        var mapper = transformer.GetRowToRowMapper(_input.Schema);
        OutputSchema = mapper.OutputSchema;
        var columns = new TypedColumns<TDst>(options.OutputSchemaDefinition, SchemaDefinition.Direction.Write);
        var bound = columns.Bind(OutputSchema, options.IgnoreMissingColumns);
        _output = mapper.GetRow(_input, bound.Select(b => b.Column).ToArray());
        _fill = columns.CreateFill(_output, bound);
    }

    public override void Predict(TSrc example, ref TDst prediction)
    {
        ArgumentNullException.ThrowIfNull(example);
        ObjectDisposedException.ThrowIf(_disposed, this);
        prediction ??= new TDst();
        _input.Next(example);
        _fill(prediction);
    }

    private protected override void DisposeCore()
    {
        if (_disposed) return;
        _disposed = true;
        _output.Dispose();
        if (_ownsTransformer) (_transformer as IDisposable)?.Dispose();
    }

    /// <summary>The example as a row; its position grows, so that what is cached for a row is not taken for the next.</summary>
    private sealed class InputRow : DataViewRow
    {
        private readonly RowHolder<TSrc> _holder = new();
        private readonly Delegate[] _getters;
        private long _position = -1;

        public InputRow(TypedColumns<TSrc> columns)
        {
            Schema = columns.Schema;
            _getters = Schema.Select(c => columns.CreateGetter(c.Index, _holder)).ToArray();
        }

        public override long Position => _position;

        public override long Batch => 0;

        public override DataViewSchema Schema { get; }

        public void Next(TSrc example)
        {
            _holder.Value = example;
            _position++;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => Schema.Owns(column) ? true : throw Rows.Foreign();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            IsColumnActive(column) ? Rows.Typed<TValue>(_getters[column.Index], column) : null;

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);
    }
}
