namespace Ard.MLNet.Scoring;

/// <summary>
/// The rows of a source with the new columns of a mapping, one at a time: for the PredictionEngine, and for cursors of which none of the
/// new columns was asked for. Getters of the other columns are the source's, which alone know whether an image that they find in the
/// place that they fill is theirs to free.
/// </summary>
internal sealed class MappedRow(
    DataViewSchema schema, DataViewRow source, BatchMapping mapping, IReadOnlyCollection<DataViewSchema.Column> active)
    : ActiveCursor(schema, active)
{
    private readonly BatchMapping.Batch? batch =
        active.Any(column => column.Index >= source.Schema.Count) ? mapping.Open(source, capacity: 1) : null;
    private long? computed;

    public override long Position => source.Position;
    public override long Batch => source.Batch;

    // A row of the PredictionEngine is moved by its owner.
    public override bool MoveNext() => ((DataViewRowCursor)source).MoveNext();

    public override ValueGetter<DataViewRowId> GetIdGetter() => source.GetIdGetter();

    protected override ValueGetter<TValue> Open<TValue>(DataViewSchema.Column column) => column.Index < source.Schema.Count
        ? source.GetGetter<TValue>(source.Schema[column.Index])
        : As<TValue>(batch!.Getter(column.Index - source.Schema.Count, Computed), column);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            batch?.Dispose();
            source.Dispose();
        }
        base.Dispose(disposing);
    }

    // Once a row, however many columns are asked for.
    private int Computed()
    {
        if (computed != source.Position)
        {
            computed = null;
            batch!.Fetch();
            batch.Read(0);
            batch.Compute(1);
            computed = source.Position;
        }
        return 0;
    }
}
