namespace Ard.Trainers.Distributed;

/// <summary>
/// Processes that do one work together, each with a rank. <see cref="Sum(Span{float})"/> and <see cref="Broadcast"/> are collective: every
/// process of the group calls them, in the same order, and they return once all have. <see cref="Current"/> is the group that a launcher
/// (mpirun, srun) has started this process in; a transport of one's own derives from this class.
/// </summary>
public abstract class ProcessGroup
{
    /// <summary>The group of this process alone. Its sums and broadcasts do nothing.</summary>
    public static ProcessGroup Alone { get; } = new SingleProcess();

    /// <summary>
    /// The group that the launcher has started this process in, joined when first asked for, over MPI: Open MPI, MPICH and its kin, or a
    /// library of the MPI 5 ABI. Without a launcher, or under one of a single process, <see cref="Alone"/>, and no MPI is loaded.
    /// The variable ARD_MPI names another library, and ARD_MPI_TIMEOUT the seconds (default 1,800) that a sum or a broadcast may wait for
    /// the other processes before this one gives up.
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
    public virtual int LocalRank => 0;

    /// <summary>How many processes of the group, this one included, share this one's processors.</summary>
    public virtual int Neighbours => 1;

    /// <summary>Each number becomes the sum of those that the processes have in its place. All get the same sums.</summary>
    /// <param name="values">As many in each process.</param>
    public abstract void Sum(Span<float> values);

    /// <inheritdoc cref="Sum(Span{float})"/>
    public abstract void Sum(Span<double> values);

    /// <summary>All processes get the values of one.</summary>
    /// <param name="values">As many in each process.</param>
    /// <param name="root">The rank of that one.</param>
    public abstract void Broadcast(Span<byte> values, int root = 0);

    /// <summary>
    /// Ends all processes of the group at once, this one too, with a message on standard error: for a process that fails while the others
    /// wait for it. In a group of one it does nothing.
    /// </summary>
    /// <param name="message">What has failed.</param>
    public abstract void Abort(string message);

    private sealed class SingleProcess : ProcessGroup
    {
        public override int Rank => 0;

        public override int Size => 1;

        public override void Sum(Span<float> values)
        {
        }

        public override void Sum(Span<double> values)
        {
        }

        public override void Broadcast(Span<byte> values, int root = 0)
        {
        }

        public override void Abort(string message)
        {
        }
    }
}
