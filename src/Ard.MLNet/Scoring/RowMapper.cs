using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.MLNet.Scoring;

/// <summary>A <see cref="BatchMapping"/> row by row: the path of the PredictionEngine.</summary>
internal sealed class RowMapper(DataViewSchema input, BatchMapping mapping) : IRowToRowMapper
{
    public DataViewSchema InputSchema => input;

    public DataViewSchema OutputSchema { get; } = mapping.OutputSchema(input);

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
        mapping.Dependencies(input, dependingColumns);

    public DataViewRow GetRow(DataViewRow row, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(row);
        var active = activeColumns.ToArray();
        foreach (var column in active) Getters.Check(OutputSchema, column);
        return new MappedRow(OutputSchema, row, mapping, active);
    }

    private sealed class MappedRow : DataViewRow
    {
        private readonly DataViewSchema schema;
        private readonly DataViewRow row;
        private readonly BatchMapping.Batch? batch;
        private readonly bool[] active;
        private long? computed;

        public MappedRow(DataViewSchema schema, DataViewRow row, BatchMapping mapping, IEnumerable<DataViewSchema.Column> columns)
        {
            (this.schema, this.row) = (schema, row);
            active = new bool[schema.Count];
            foreach (var column in columns) active[column.Index] = true;
            if (active.AsSpan(row.Schema.Count).Contains(true)) batch = mapping.Open(row, capacity: 1);
        }

        public override DataViewSchema Schema => schema;

        public override long Position => row.Position;

        public override long Batch => row.Batch;

        public override bool IsColumnActive(DataViewSchema.Column column)
        {
            Getters.Check(schema, column);
            return active[column.Index];
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column)) throw Getters.Inactive(column);
            return column.Index < row.Schema.Count
                ? row.GetGetter<TValue>(row.Schema[column.Index])
                : Getters.As<TValue>(batch!.Getter(column.Index - row.Schema.Count, Computed), column);
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => row.GetIdGetter();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                batch?.Dispose();
                row.Dispose();
            }
            base.Dispose(disposing);
        }

        // Once a row, however many columns are asked for.
        private int Computed()
        {
            if (computed != row.Position)
            {
                computed = null;
                batch!.Read(0);
                batch.Compute(1);
                computed = row.Position;
            }
            return 0;
        }
    }
}
