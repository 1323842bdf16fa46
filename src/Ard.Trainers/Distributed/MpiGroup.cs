using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Ard.Trainers.Distributed;

/// <summary>
/// All processes that an MPI launcher has started. MPI is left when the process ends, as it asks for. A process that ends by an exception,
/// or by an exit code other than 0, leaves it out, whereupon the launcher ends the others.
/// </summary>
internal sealed class MpiGroup : ProcessGroup
{
    private readonly MpiLibrary mpi;
    private readonly Lock calls = new();
    private readonly TimeSpan patience;
    private readonly Timer watch;
    // Somebody else has begun with MPI, and will end it.
    private readonly bool isForeign;
    private long callBegan;
    private volatile bool waitsLong;
    private bool left;

    public MpiGroup(MpiLibrary mpi)
    {
        this.mpi = mpi;
        Check(mpi.Initialized(out var initialized), "MPI_Initialized");
        isForeign = initialized != 0;
        if (!isForeign)
        {
            Check(mpi.InitThread(0, 0, mpi.Serialized, out var provided), "MPI_Init_thread");
            if (provided < mpi.Serialized)
                throw new InvalidOperationException($"{mpi.Path} cannot be called from more than one thread: expected one that can.");
        }
        Check(mpi.CommRank(mpi.World, out var rank), "MPI_Comm_rank");
        Check(mpi.CommSize(mpi.World, out var size), "MPI_Comm_size");
        (Rank, Size) = (rank, size);
        patience = Patience(Environment.GetEnvironmentVariable("ARD_MPI_TIMEOUT"));
        var period = TimeSpan.FromSeconds(Math.Clamp(patience.TotalSeconds / 10, 0.1, 10));
        watch = new Timer(_ => AbortOnTimeout(), null, period, period);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Leave();
        AppDomain.CurrentDomain.UnhandledException += (_, happened) =>
        {
            if (happened.ExceptionObject is Exception exception) Abort(exception.ToString());
        };
        if (size > 1) (LocalRank, LocalSize) = FindLocal();
    }

    public override int Rank { get; }
    public override int Size { get; }
    internal override int LocalRank { get; }
    public override int LocalSize { get; } = 1;

    internal override void Sum(Span<float> values) => Sum(ref First(values), values.Length, mpi.Float);
    internal override void Sum(Span<double> values) => Sum(ref First(values), values.Length, mpi.Double);

    internal override bool TakesDeviceMemory { get; } = Environment.GetEnvironmentVariable("ARD_MPI_CUDA") == "1";

    internal override void SumInPlace(Tensor values)
    {
        if (values.device.type == DeviceType.CUDA)
        {
            if (mpi.QueryCudaSupport?.Invoke() == 0)
                throw new InvalidOperationException($"ARD_MPI_CUDA is 1, and {mpi.Path} is not built for CUDA: expected one that is.");
            // What computes the values is only queued.
            cuda.synchronize(values.device);
        }
        var address = StorageAddress(values.Handle) + (nint)(values.storage_offset() * values.ElementSize);
        ref var first = ref Unsafe.AddByteOffset(ref Unsafe.NullRef<byte>(), address);
        Sum(ref first, checked((int)values.numel()), values.dtype == ScalarType.Float32 ? mpi.Float : mpi.Double);
        GC.KeepAlive(values);
    }

    // TorchSharp itself has it as a protected member.
    [DllImport("LibTorchSharp", EntryPoint = "THSStorage_data_ptr")]
    private static extern nint StorageAddress(nint tensor);

    internal override void Await()
    {
        waitsLong = true;
        Sum([0.0]);
        waitsLong = false;
    }

    internal override void Broadcast(Span<byte> values, int root = 0)
    {
        if (values.IsEmpty) return;
        using var call = new Call(this);
        Check(mpi.Bcast(ref MemoryMarshal.GetReference(values), values.Length, mpi.Byte, root, mpi.World), "MPI_Bcast");
    }

    internal override void Abort(string message)
    {
        if (Size == 1) return;
        PrintError(message);
        // A launcher that is told to abort does not always read what is still in the pipe.
        Thread.Sleep(300);
        left = true;
        mpi.Abort(mpi.World, 1);
        // Where MPI comes back from it, or another thread is in a call.
        Environment.Exit(1);
    }

    private static ref byte First<T>(Span<T> values) where T : struct => ref MemoryMarshal.GetReference(MemoryMarshal.AsBytes(values));

    private void Sum(ref byte first, int count, nint type)
    {
        if (count == 0) return;
        using var call = new Call(this);
        Check(mpi.Allreduce(mpi.InPlace, ref first, count, type, mpi.Add, mpi.World), "MPI_Allreduce");
    }

    // One call at a time, watched.
    private readonly ref struct Call
    {
        private readonly MpiGroup group;

        public Call(MpiGroup group)
        {
            this.group = group;
            group.calls.Enter();
            Volatile.Write(ref group.callBegan, Stopwatch.GetTimestamp());
        }

        public void Dispose()
        {
            Volatile.Write(ref group.callBegan, 0);
            group.calls.Exit();
        }
    }

    // A cut connection shows by nothing but silence: MPI itself would wait for ever.
    private void AbortOnTimeout()
    {
        if (Volatile.Read(ref callBegan) is var began && (began == 0 || waitsLong || Stopwatch.GetElapsedTime(began) < patience)) return;
        PrintError($"the other processes have not answered for {patience.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s "
            + "(ARD_MPI_TIMEOUT): this one gives up.");
        // Another thread is within MPI, which nobody may call now.
        left = true;
        Environment.Exit(1);
    }

    private void PrintError(string message)
    {
        Console.Error.WriteLine($"Rank {Rank} of {Size} on {Environment.MachineName}: {message}");
        Console.Error.Flush();
    }

    private void Leave()
    {
        watch.Dispose();
        // After an error the launcher ends the others: MPI_Abort would end this process before what else it has to do at its exit.
        if (left || isForeign || Environment.ExitCode != 0 || Volatile.Read(ref callBegan) != 0) return;
        left = true;
        mpi.Finalize();
    }

    // Who is on this machine, and who of them may use the same processors: a launcher may have given each process its own.
    private (int LocalRank, int LocalSize) FindLocal()
    {
        var keys = new double[2 * Size];
        keys[Rank] = Key(Environment.MachineName);
        keys[Size + Rank] = Key(Environment.MachineName + AllowedProcessors());
        Sum(keys);
        return (keys.AsSpan(0, Rank).Count(keys[Rank]), keys.AsSpan(Size).Count(keys[Size + Rank]));

        // Within the whole numbers of a double.
        static double Key(string text) => BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes(text))) >> 16;
    }

    private static string AllowedProcessors() => File.Exists("/proc/self/status")
        ? File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith("Cpus_allowed:", StringComparison.Ordinal)) ?? ""
        : "";

    private static TimeSpan Patience(string? seconds)
    {
        if (string.IsNullOrEmpty(seconds)) return TimeSpan.FromMinutes(30);
        return double.TryParse(seconds, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value is > 0 and < 1e9
            ? TimeSpan.FromSeconds(value)
            : throw new InvalidOperationException($"ARD_MPI_TIMEOUT is '{seconds}', expected seconds, more than 0.");
    }

    private static void Check(int code, string function)
    {
        if (code != 0) throw new InvalidOperationException($"{function} has failed with the code {code}.");
    }
}
