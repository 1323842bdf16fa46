namespace Ard.Trainers.Training;

/// <summary>
/// What a training changes of the process, put back on disposal on the same thread: the global random state, and the threads of an
/// operation on the CPU, of which libtorch's own guess differs between builds and machines.
/// </summary>
/// <remarks>
/// The number is that of the thread which calls libtorch. Setting it sets also what threads begin with that have not called libtorch yet,
/// which would get that of whichever training was the last: another thread puts it back at once.
/// </remarks>
internal sealed class ProcessState : IDisposable
{
    private static readonly Lock Gate = new();
    private readonly int threadsBefore;
    private readonly GlobalRandomState random = new();

    /// <summary>Sets this thread's number of threads. Null: OMP_NUM_THREADS, else the processors divided among the processes.</summary>
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
