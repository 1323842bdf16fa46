namespace Ard.Trainers.Distributed;

/// <summary>
/// Processes that do one work together, each with a rank. <see cref="Current"/> is the group that a launcher (mpirun, srun) has started
/// this process in. Trainings and evaluations compute their sums over it by themselves.
/// </summary>
public abstract class ProcessGroup
{
    private protected ProcessGroup() { }

    /// <summary>The group of this process alone. Its sums and broadcasts do nothing.</summary>
    public static ProcessGroup Alone { get; } = new SingleProcess();

    /// <summary>
    /// The group that the launcher has started this process in, joined when first asked for, over MPI: Open MPI, MPICH and its kin, or a
    /// library of the MPI 5 ABI. Without a launcher, or under one of a single process, <see cref="Alone"/>, and no MPI is loaded.
    /// The variable ARD_MPI names another library, and ARD_MPI_TIMEOUT the seconds (default 1,800) that a sum or a broadcast may wait for
    /// the other processes before this one gives up; for work that each does by itself, such as its share of an evaluation, they wait as
    /// long as it takes. With ARD_MPI_CUDA=1 gradients on a GPU are handed to MPI as they lie there, which an
    /// MPI built for CUDA takes; else they go through the host's memory.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// The launcher has started several processes that cannot be joined: there is no MPI library, or one of another MPI.
    /// </exception>
    public static ProcessGroup Current => current.Value;

    private static readonly Lazy<ProcessGroup> current =
        new(() => Launcher.Find(Environment.GetEnvironmentVariable) is { } launcher ? launcher.Join() : Alone);

    /// <summary>The number of this process, from 0. The process of rank 0 writes files and progress.</summary>
    public abstract int Rank { get; }

    /// <summary>How many processes there are.</summary>
    public abstract int Size { get; }

    /// <summary>The number of this process among those on its machine, from 0: a process takes the GPU of this number.</summary>
    internal virtual int LocalRank => 0;

    /// <summary>How many processes of the group are on this one's machine, this one included: they share its processors.</summary>
    public virtual int LocalSize => 1;

    // What follows is collective: every process of the group calls it, in the same order, and it returns once all have.

    /// <summary>Each number becomes the sum of those that the processes have in its place. All get the same sums.</summary>
    internal abstract void Sum(Span<float> values);

    internal abstract void Sum(Span<double> values);

    /// <summary>Whether <see cref="SumInPlace"/> is there: MPI takes memory of GPUs.</summary>
    internal virtual bool TakesDeviceMemory => false;

    /// <summary>The same for a contiguous tensor, float32 or float64, where it lies.</summary>
    internal virtual void SumInPlace(Tensor values) => throw new NotSupportedException();

    /// <summary>All processes get the values of one, the root; as many in each process.</summary>
    internal abstract void Broadcast(Span<byte> values, int root = 0);

    /// <summary>Waits until all have come here, however long that takes.</summary>
    internal virtual void Await() { }

    /// <summary>
    /// Ends all processes of the group at once, this one too, with a message on standard error: for a process that fails while the others
    /// wait for it. In a group of one it does nothing.
    /// </summary>
    internal abstract void Abort(string message);

    private sealed class SingleProcess : ProcessGroup
    {
        public override int Rank => 0;
        public override int Size => 1;

        internal override void Sum(Span<float> values) { }
        internal override void Sum(Span<double> values) { }
        internal override void Broadcast(Span<byte> values, int root = 0) { }
        internal override void Abort(string message) { }
    }
}
