using Ard.Trainers.Networks;

namespace Ard.Trainers.Training;

/// <summary>
/// What a training changes of the process, put back on disposal: the global random state, and the threads that an operation on the CPU
/// uses. libtorch's own guess of those differs between builds and machines (half of the cores is common), so the number is chosen, not
/// inherited.
/// </summary>
internal sealed class ProcessState : IDisposable
{
    private static readonly Lock Gate = new();
    private static int users;
    private static int threadsBefore;
    private readonly Tensor random;

    /// <summary>Sets the number of threads. If several trainings run at once, the last to end restores what the first has found.</summary>
    /// <param name="threads">
    /// From 1. Null: what OMP_NUM_THREADS says, else the logical processors that this process may use, divided among those that share them.
    /// </param>
    /// <param name="sharing">How many processes of this training share these processors.</param>
    public ProcessState(int? threads, int sharing = 1)
    {
        lock (Initialisation.Gate) random = Generator.Default.get_state().DetachFromDisposeScope();
        lock (Gate)
        {
            if (users++ == 0) threadsBefore = get_num_threads();
            set_num_threads(threads ?? UsualThreads(sharing));
        }
    }

    private static int UsualThreads(int sharing) =>
        int.TryParse(Environment.GetEnvironmentVariable("OMP_NUM_THREADS"), out var count) && count > 0
            ? count
            : Math.Max(1, Environment.ProcessorCount / sharing);

    public void Dispose()
    {
        lock (Gate)
        {
            if (--users == 0) set_num_threads(threadsBefore);
        }
        lock (Initialisation.Gate) Generator.Default.set_state(random);
        random.Dispose();
    }
}
