using Ard.Trainers.Networks;

namespace Ard.Trainers.Training;

/// <summary>
/// What a training changes of the process, put back on disposal, which is to be on the same thread: the global random state, and the
/// threads that an operation on the CPU uses. libtorch's own guess of those differs between builds and machines (half of the cores is
/// common), so the number is chosen, not inherited.
/// </summary>
/// <remarks>
/// The number belongs to the thread that calls libtorch (that of OpenMP, and of MKL by <c>mkl_set_num_threads_local</c>). To set it is to
/// set also what threads begin with that have not called libtorch yet, which would get the number of whichever training was the last to
/// begin or end: another thread puts that back at once.
/// </remarks>
internal sealed class ProcessState : IDisposable
{
    private static readonly Lock Gate = new();
    private readonly int threadsBefore;
    private readonly GlobalRandomState random = new();

    /// <summary>
    /// Sets the number of threads of this thread. Null: what OMP_NUM_THREADS says, else the logical processors that this process may use,
    /// divided among the processes that share them.
    /// </summary>
    public ProcessState(int? threads, int sharing = 1)
    {
        threadsBefore = get_num_threads();
        SetHere(threads ?? UsualThreads(sharing));
    }

    private static int UsualThreads(int sharing) =>
        int.TryParse(Environment.GetEnvironmentVariable("OMP_NUM_THREADS"), out var count) && count > 0
            ? count
            : Math.Max(1, Environment.ProcessorCount / sharing);

    public void Dispose()
    {
        SetHere(threadsBefore);
        random.Dispose();
    }

    private static void SetHere(int threads)
    {
        lock (Gate)
        {
            var others = 0;
            OnAnotherThread(() => others = get_num_threads());
            set_num_threads(threads);
            OnAnotherThread(() => set_num_threads(others));
        }
    }

    private static void OnAnotherThread(Action action)
    {
        var thread = new Thread(() => action());
        thread.Start();
        thread.Join();
    }
}
