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

/// <summary>
/// How many queries an attack needs for each image until a model that can only be asked first gets an allowed point wrong; beyond what is
/// allowed it has not won. An image may be asked for as often as the budget says, if there is one. Waits for the answers.
/// </summary>
internal sealed class QueryLog(Tensor images, Tensor labels, ThreatModel threat, long? budget = null)
{
    // Of calls that do not say whose points they send.
    private long unfollowed;
    private readonly long[] asked = new long[images.shape[0]];
    private readonly long?[] toSuccess = new long?[images.shape[0]];
    private readonly double[] closest = [.. Enumerable.Repeat(double.PositiveInfinity, (int)images.shape[0])];
    private bool followed = true;

    /// <summary>Of each image the closest allowed point that is misclassified, else itself; followed where there is a budget.</summary>
    public Tensor Found { get; } = budget is null ? images : images.clone();

    /// <summary>Whether the budget allows queries of so many points, whose rows are int64 [n], null for all.</summary>
    /// <exception cref="QueriesUsedUpException">It does not.</exception>
    public void Spend(long count, Tensor? rows)
    {
        if (budget is null) return;
        var each = Math.Max(1, count / asked.Length);
        var most = rows is null
            ? asked.Max() + each
            : rows.cpu().data<long>().ToArray().CountBy(row => row).Select(row => asked[row.Key] + row.Value).DefaultIfEmpty().Max();
        if (most + unfollowed > budget) throw new QueriesUsedUpException();
        if (rows is null && count != asked.Length) unfollowed += each;
    }

    /// <summary>Adds a query of points [n,...] with its answers [n,classes]; rows null for one of each image.</summary>
    public void Add(Tensor points, Tensor logits, Tensor? rows)
    {
        using var scope = NewDisposeScope();
        if (rows is null && points.shape[0] != asked.Length)
        {
            followed = false;
            if (budget is not null) Match(points, AttackTarget.Predictions(logits));
            return;
        }
        var (clean, truth) = rows is null ? (images, labels) : (images.index_select(0, rows), labels.index_select(0, rows));
        var distances = Distances(points, clean, AttackTarget.Predictions(logits).ne(truth));
        var whose = rows?.cpu().data<long>().ToArray() ?? [.. PointNoise.Rows(asked.Length)];
        for (var i = 0; i < distances.Length; i++)
        {
            var row = whose[i];
            asked[row]++;
            if (distances[i] >= closest[row]) continue;
            if (double.IsInfinity(closest[row])) toSuccess[row] = followed ? asked[row] : null;
            closest[row] = distances[i];
            if (budget is not null) Found[row].copy_(points[i]);
        }
    }

    // How far the misclassified points are from their images; infinity for others, and for those that are not allowed.
    private double[] Distances(Tensor points, Tensor clean, Tensor misclassified)
    {
        var sizes = threat.Size(points, clean);
        var won = misclassified.logical_and(threat.Allows(points, clean, sizes));
        return sizes.to(ScalarType.Float64).MaskedFill(won.logical_not(), double.PositiveInfinity).cpu().data<double>().ToArray();
    }

    // Whose points these are was not said: each is of the images that it is allowed for.
    private void Match(Tensor points, Tensor predictions)
    {
        for (var i = 0; i < closest.Length; i++)
        {
            using var scope = NewDisposeScope();
            var distances = Distances(points, images.narrow(0, i, 1).expand_as(points), predictions.ne(labels[i]));
            var nearest = distances.Min();
            if (nearest >= closest[i]) continue;
            closest[i] = nearest;
            Found[i].copy_(points[Array.IndexOf(distances, nearest)]);
        }
    }

    /// <summary>After how many queries of an image it was broken; null where it was not, or where not all queries were followed.</summary>
    public long? ToSuccess(int row) => toSuccess[row];
}

internal sealed class QueriesUsedUpException : Exception;
