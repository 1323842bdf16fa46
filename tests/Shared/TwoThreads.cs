using Ard.Trainers.Training;

namespace Ard.Tests;

/// <summary>
/// Two threads for tensors, until it is disposed. libtorch's own default may be one, and with one it does some things in other ways.
/// </summary>
internal sealed class TwoThreads : IDisposable
{
    private readonly int before = CpuThreads.Set(2);

    public void Dispose() => CpuThreads.Set(before);
}
