using Ard.Trainers.Native;

namespace Ard.MLNet.Scoring;

/// <summary>
/// A cursor that reads a batch of rows ahead, keeps what was asked for of them, computes the new columns for all at once and then gives the
/// rows out.
/// </summary>
internal sealed class BatchedCursor : ActiveCursor
{
    private readonly DataViewRowCursor source;
    private readonly Func<Func<bool>, bool> named;
    private readonly BatchMapping.Batch batch;
    private readonly List<ColumnBuffer> buffers = [];
    private readonly Delegate?[] getters;
    private readonly ValueGetter<DataViewRowId> getId;
    private readonly DataViewRowId[] ids;
    private readonly long[] batches;
    private long position = -1;
    private int slot = -1;
    private int filled;
    private bool ended;

    /// <summary>
    /// With the columns, those of the source first, of which some are asked for; where the source comes from, to name an image that cannot
    /// be read; and the number of rows to read ahead.
    /// </summary>
    public BatchedCursor(
        DataViewSchema schema, IDataView data, DataViewRowCursor source, BatchMapping mapping,
        IReadOnlyList<DataViewSchema.Column> active, int capacity)
        : base(schema, active)
    {
        (this.source, getId) = (source, source.GetIdGetter());
        batch = mapping.Open(source, capacity);
        named = read => ImageReader.CanReadAgain(data) ? ImageReader.Named(data, mapping.Features, mapping.Format, read) : read();
        (ids, batches, getters) = (new DataViewRowId[capacity], new long[capacity], new Delegate?[schema.Count]);
        foreach (var column in active)
        {
            if (column.Index >= source.Schema.Count)
            {
                getters[column.Index] = batch.Getter(column.Index - source.Schema.Count, Slot);
                continue;
            }
            var buffer = ColumnBuffer.Create(source, source.Schema[column.Index], capacity);
            buffers.Add(buffer);
            getters[column.Index] = buffer.Getter(Slot);
        }
    }

    public override long Position => position;
    public override long Batch => slot < 0 ? source.Batch : batches[slot];

    public override bool MoveNext()
    {
        var found = ++slot < filled || Fill();
        position = found ? position + 1 : -1;
        return found;
    }

    protected override ValueGetter<TValue> Open<TValue>(DataViewSchema.Column column) => As<TValue>(getters[column.Index]!, column);
    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = ids[Slot()];

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            (position, slot, filled, ended) = (-1, -1, 0, true);
            batch.Dispose();
            source.Dispose();
            FreedMemory.Return();
        }
        base.Dispose(disposing);
    }

    private bool Fill()
    {
        var more = !ended;
        // Until the batch is computed: after an exception there is no row, rather than one with the scores of another.
        (slot, filled, ended) = (-1, 0, true);
        var count = 0;
        while (count < ids.Length && (more = more && named(source.MoveNext)))
        {
            getId(ref ids[count]);
            batches[count] = source.Batch;
            named(() =>
            {
                foreach (var buffer in buffers) buffer.Read(count);
                batch.Fetch();
                return true;
            });
            batch.Read(count);
            count++;
        }
        if (count == 0) return false;
        batch.Compute(count);
        (slot, filled, ended) = (0, count, !more);
        return true;
    }

    private int Slot() => OnRow(slot);
}
