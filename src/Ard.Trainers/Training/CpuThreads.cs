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

    private static readonly Lock Gate = new();
    private static int users;
    private static int before;

    /// <summary>Sets the number until it is given back: of several users at once the last puts back what the first has found.</summary>
    /// <param name="count">Threads, from 1. Null: <see cref="Default"/>.</param>
    internal static IDisposable Borrow(int? count)
    {
        lock (Gate)
        {
            var found = Set(count);
            if (users++ == 0) before = found;
        }
        return new Borrowed();
    }

    private sealed class Borrowed : IDisposable
    {
        public void Dispose()
        {
            lock (Gate)
            {
                if (--users == 0) set_num_threads(before);
            }
        }
    }
}
