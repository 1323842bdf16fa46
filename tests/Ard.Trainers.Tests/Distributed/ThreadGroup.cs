namespace Ard.Trainers.Tests.Distributed;

/// <summary>Threads in place of processes: what they compute together has to be right whatever carries their sums.</summary>
internal sealed class ThreadGroup : ProcessGroup
{
    private readonly Meeting meeting;

    private ThreadGroup(Meeting meeting, int rank) => (this.meeting, Rank) = (meeting, rank);

    public override int Rank { get; }

    public override int Size => meeting.Size;

    /// <summary>Sums and broadcasts so far.</summary>
    public int Calls { get; private set; }

    /// <summary>Runs as many threads, each with a group of its own rank, and gives what they return.</summary>
    public static T[] Run<T>(int size, Func<ThreadGroup, T> work)
    {
        using var meeting = new Meeting(size);
        var results = new T[size];
        var failures = new Exception?[size];
        var threads = Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            try
            {
                results[rank] = work(new ThreadGroup(meeting, rank));
            }
            catch (Exception exception)
            {
                failures[rank] = exception;
            }
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) Assert.True(thread.Join(TimeSpan.FromMinutes(5)), "a thread waits for the others for ever");
        var failed = failures.OfType<Exception>().ToArray();
        return failed.Length == 0 ? results : throw new AggregateException(failed);
    }

    internal override void Sum(Span<float> values)
    {
        var (mine, sums) = (values.ToArray(), new float[values.Length]);
        Exchange(mine, each =>
        {
            for (var i = 0; i < sums.Length; i++) sums[i] += ((float[])each)[i];
        });
        sums.CopyTo(values);
    }

    internal override void Sum(Span<double> values)
    {
        var (mine, sums) = (values.ToArray(), new double[values.Length]);
        Exchange(mine, each =>
        {
            for (var i = 0; i < sums.Length; i++) sums[i] += ((double[])each)[i];
        });
        sums.CopyTo(values);
    }

    internal override void Broadcast(Span<byte> values, int root = 0)
    {
        byte[] mine = values.ToArray(), received = mine;
        var rank = 0;
        Exchange(mine, each =>
        {
            if (rank++ == root) received = (byte[])each;
        });
        received.CopyTo(values);
    }

    internal override void Abort(string message) => meeting.End(new InvalidOperationException($"rank {Rank} aborts: {message}"));

    private void Exchange(Array mine, Action<Array> use)
    {
        Calls++;
        meeting.Arrive(Rank, mine);
        foreach (var each in meeting.Values) use(each!);
        meeting.Leave();
    }

    private sealed class Meeting(int size) : IDisposable
    {
        private readonly Barrier barrier = new(size);
        private readonly CancellationTokenSource end = new();
        private Exception? reason;

        public int Size => size;

        public Array?[] Values { get; } = new Array?[size];

        public void Arrive(int rank, Array values)
        {
            Values[rank] = values;
            Wait();
            Assert.All(Values, other => Assert.Equal((values.GetType(), values.Length), (other!.GetType(), other.Length)));
        }

        public void Leave() => Wait();

        public void End(Exception exception)
        {
            reason ??= exception;
            end.Cancel();
            throw exception;
        }

        public void Dispose()
        {
            barrier.Dispose();
            end.Dispose();
        }

        private void Wait()
        {
            try
            {
                barrier.SignalAndWait(end.Token);
            }
            catch (OperationCanceledException)
            {
                throw new InvalidOperationException("ended by another", reason);
            }
        }
    }
}
