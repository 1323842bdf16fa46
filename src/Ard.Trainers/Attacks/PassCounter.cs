namespace Ard.Trainers.Attacks;

/// <summary>How often each image went through the network: plain numbers while the same images are sent, without waits.</summary>
internal sealed class PassCounter(long images) : IDisposable
{
    private readonly List<(Tensor? Rows, long Forward, long Backward)> sent = [];
    private Tensor? lastRows;
    private bool attributed = true;

    /// <summary>Counts passes of points of these images, int64 [points]; null for a point, or as many points, of each image.</summary>
    public void Count(long points, Tensor? rows, int forward, int backward)
    {
        var times = rows is null && images > 0 ? points / images : 1;
        attributed &= rows is not null || times * images == points;
        if (sent.Count == 0 || !ReferenceEquals(lastRows, rows))
        {
            // The attack may dispose of its own.
            sent.Add((rows?.alias().DetachFromDisposeScope(), 0, 0));
            lastRows = rows;
        }
        var last = sent[^1];
        sent[^1] = last with { Forward = last.Forward + forward * times, Backward = last.Backward + backward * times };
    }

    /// <summary>For each image how often it went forward and backward; null where points are of no known image. Waits once.</summary>
    public (long[] Forward, long[] Backward)? Each()
    {
        if (!attributed) return null;
        using var scope = NewDisposeScope();
        var (forward, backward) = (new long[images], new long[images]);
        Tensor[] some = [.. sent.Select(each => each.Rows).OfType<Tensor>()];
        var rows = new Queue<long>(some.Length == 0 ? [] : cat(some).cpu().data<long>().ToArray());
        foreach (var each in sent)
        {
            for (long i = 0; i < (each.Rows?.shape[0] ?? images); i++)
            {
                var row = each.Rows is null ? i : rows.Dequeue();
                forward[row] += each.Forward;
                backward[row] += each.Backward;
            }
        }
        return (forward, backward);
    }

    public void Dispose() => sent.ForEach(each => each.Rows?.Dispose());
}
