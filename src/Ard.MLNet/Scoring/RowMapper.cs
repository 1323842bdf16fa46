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
        return new MappedRow(OutputSchema, row, mapping, [.. activeColumns]);
    }
}
