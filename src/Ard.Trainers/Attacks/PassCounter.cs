namespace Ard.Trainers.Attacks;

/// <summary>
/// How often each image of an attack went through the network: plain numbers for as long as the same images are sent, so that nothing waits
/// for the device before the attack is over.
/// </summary>
/// <param name="images">How many images the attack has.</param>
internal sealed class PassCounter(long images) : IDisposable
{
    private readonly List<Sent> sent = [];
    private Tensor? lastRows;
    private bool attributed = true;

    /// <summary>
    /// Counts how often each of some points went forward and backward; their images' rows are int64 [points], null for a point, or as many
    /// points, of each image.
    /// </summary>
    public void Count(long points, Tensor? rows, int forward, int backward)
    {
        var times = rows is null && images > 0 ? points / images : 1;
        attributed &= rows is not null || times * images == points;
        if (sent.Count == 0 || !ReferenceEquals(lastRows, rows))
        {
            // The attack may dispose of its own.
            sent.Add(new Sent(rows?.alias().DetachFromDisposeScope()));
            lastRows = rows;
        }
        sent[^1].Forward += forward * times;
        sent[^1].Backward += backward * times;
    }

    /// <summary>
    /// For each image how often it went forward, and how often backward; null where a call did not say whose points it sent. Waits once for
    /// the device.
    /// </summary>
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

    private sealed class Sent(Tensor? rows)
    {
        public Tensor? Rows => rows;

        public long Forward { get; set; }

        public long Backward { get; set; }
    }
}
