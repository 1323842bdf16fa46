using static TorchSharp.torch;

namespace Ard.Trainers.Training;

/// <summary>
/// How many threads an operation on the CPU uses. libtorch's own guess differs between builds and machines (half of the cores is common),
/// so it is chosen, not inherited.
/// </summary>
public static class CpuThreads
{
    /// <summary>
    /// What the environment variable OMP_NUM_THREADS says, else the logical processors that this process may use.
    /// </summary>
    public static int Default =>
        int.TryParse(Environment.GetEnvironmentVariable("OMP_NUM_THREADS"), out var count) && count > 0
            ? count
            : Environment.ProcessorCount;

    /// <summary>Sets the number for the whole process.</summary>
    /// <param name="count">Threads, from 1. Null: <see cref="Default"/>.</param>
    /// <returns>The number before.</returns>
    public static int Set(int? count)
    {
        var before = get_num_threads();
        set_num_threads(count ?? Default);
        return before;
    }
}
