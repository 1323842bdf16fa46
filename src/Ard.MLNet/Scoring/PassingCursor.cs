using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.MLNet.Scoring;

/// <summary>
/// A cursor over the source's own columns, where none of the new ones was asked for: its getters are the source's, which alone know whether
/// an image that they find in the place that they fill is theirs to free.
/// </summary>
internal sealed class PassingCursor(DataViewSchema schema, DataViewRowCursor source, IReadOnlyList<DataViewSchema.Column> active)
    : DataViewRowCursor
{
    public override DataViewSchema Schema => schema;

    public override long Position => source.Position;

    public override long Batch => source.Batch;

    public override bool MoveNext() => source.MoveNext();

    public override bool IsColumnActive(DataViewSchema.Column column)
    {
        Getters.Check(schema, column);
        return active.Any(one => one.Index == column.Index);
    }

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => IsColumnActive(column)
        ? source.GetGetter<TValue>(source.Schema[column.Index])
        : throw Getters.Inactive(column);

    public override ValueGetter<DataViewRowId> GetIdGetter() => source.GetIdGetter();

    protected override void Dispose(bool disposing)
    {
        if (disposing) source.Dispose();
        base.Dispose(disposing);
    }
}
