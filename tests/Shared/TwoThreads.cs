namespace Ard.Tests;

/// <summary>
/// Two threads for tensors, until it is disposed. libtorch's own default may be one, and with one it does some things in other ways.
/// </summary>
internal sealed class TwoThreads : IDisposable
{
    private readonly int before = get_num_threads();

    public TwoThreads() => set_num_threads(2);

    public void Dispose() => set_num_threads(before);
}
