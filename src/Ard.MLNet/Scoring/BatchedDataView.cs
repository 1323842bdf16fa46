namespace Ard.MLNet.Scoring;

/// <summary>
/// A data view with the new columns of a <see cref="BatchMapping"/>. Nothing is computed before a cursor moves, and nothing for columns
/// that nobody asks for.
/// </summary>
internal sealed class BatchedDataView(IDataView input, BatchMapping mapping) : IDataView
{
    public DataViewSchema Schema { get; } = mapping.OutputSchema((input ?? throw new ArgumentNullException(nameof(input))).Schema);
    public bool CanShuffle => input.CanShuffle;

    public long? GetRowCount() => input.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        var active = Active(columnsNeeded);
        return Wrap(input.GetRowCursor(mapping.Dependencies(input.Schema, active), rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        var active = Active(columnsNeeded);
        return [.. input.GetRowCursorSet(mapping.Dependencies(input.Schema, active), n, rand).Select(cursor => Wrap(cursor, active))];
    }

    private DataViewSchema.Column[] Active(IEnumerable<DataViewSchema.Column> columns)
    {
        var active = columns.DistinctBy(column => column.Index).ToArray();
        foreach (var column in active) ActiveCursor.Check(Schema, column);
        return active;
    }

    private DataViewRowCursor Wrap(DataViewRowCursor cursor, DataViewSchema.Column[] active)
    {
        if (!active.Any(column => column.Index >= input.Schema.Count)) return new MappedRow(Schema, cursor, mapping, active);
        // No room for more rows than there are, where that is known, nor than a buffer can hold.
        var most = Math.Clamp(ImageBuffer.MostImages(mapping.Format), 1, mapping.BatchSize);
        return new BatchedCursor(Schema, input, cursor, mapping, active, (int)Math.Clamp(input.GetRowCount() ?? most, 1, most));
    }
}
