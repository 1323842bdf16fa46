namespace Ard.Tests;

/// <summary>
/// What any web server or pipeline does beside a training, until it is disposed: two threads that serialise JSON, and one that collects the
/// garbage now and then. A number that nothing holds during its native call is freed in the middle of it.
/// </summary>
internal sealed class BusyNeighbours : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Thread[] threads;

    public BusyNeighbours()
    {
        threads = [new(Serialise), new(Serialise), new(Collect)];
        foreach (var thread in threads) thread.Start();
    }

    public void Dispose()
    {
        stop.Cancel();
        foreach (var thread in threads) thread.Join();
        stop.Dispose();
    }

    private void Serialise()
    {
        var rows = Enumerable.Range(0, 200).Select(n => new { Id = n, Name = $"row {n}", Values = new[] { n, n / 3.0, n * n } }).ToArray();
        while (!stop.IsCancellationRequested)
        {
            JsonSerializer.Deserialize<JsonElement[]>(JsonSerializer.Serialize(rows));
            Thread.Sleep(1);
        }
    }

    private void Collect()
    {
        while (!stop.Token.WaitHandle.WaitOne(20)) GC.Collect();
    }
}
