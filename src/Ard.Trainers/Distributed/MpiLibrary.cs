using System.Runtime.InteropServices;

namespace Ard.Trainers.Distributed;

/// <summary>
/// The few functions of MPI that are needed, in whichever library there is. Handles are of three kinds: addresses of the library's own
/// objects in Open MPI, numbers of 32 bits in MPICH (its mpi.h), small numbers as addresses in the ABI of MPI 5 (its chapter 20). All are
/// handed over as one word, for each goes into a register of its own, of which MPICH reads the lower half.
/// </summary>
internal sealed class MpiLibrary
{
    public MpiLibrary(string path, nint library)
    {
        Path = path;
        InitThread = Function<InitThreadFunction>("MPI_Init_thread");
        Initialized = Function<FlagFunction>("MPI_Initialized");
        CommRank = Function<CommFunction>("MPI_Comm_rank");
        CommSize = Function<CommFunction>("MPI_Comm_size");
        Allreduce = Function<AllreduceFunction>("MPI_Allreduce");
        Bcast = Function<BcastFunction>("MPI_Bcast");
        Abort = Function<AbortFunction>("MPI_Abort");
        Finalize = Function<PlainFunction>("MPI_Finalize");
        // An extension, of Open MPI.
        if (NativeLibrary.TryGetExport(library, "MPIX_Query_cuda_support", out var query))
            QueryCudaSupport = Marshal.GetDelegateForFunctionPointer<PlainFunction>(query);
        if (System.IO.Path.GetFileName(path).StartsWith("libmpi_abi", StringComparison.Ordinal))
            (World, Float, Double, Byte, Add, InPlace, Serialized) = (0x101, 0x210, 0x214, 0x247, 0x21, 1, 2048);
        else if (NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out var world))
            (World, Float, Double, Byte, Add, InPlace, Serialized) =
                (world, Address("ompi_mpi_float"), Address("ompi_mpi_double"), Address("ompi_mpi_byte"), Address("ompi_mpi_op_sum"), 1, 2);
        else
            (World, Float, Double, Byte, Add, InPlace, Serialized) = (0x44000000, 0x4c00040a, 0x4c00080b, 0x4c00010d, 0x58000003, -1, 2);

        T Function<T>(string name) where T : Delegate => Marshal.GetDelegateForFunctionPointer<T>(Address(name));

        nint Address(string name) => NativeLibrary.TryGetExport(library, name, out var address)
            ? address
            : throw new InvalidOperationException($"{path} has no {name}: expected a library of MPI.");
    }

    public delegate int InitThreadFunction(nint argc, nint argv, int required, out int provided);
    public delegate int FlagFunction(out int flag);
    public delegate int CommFunction(nint comm, out int value);
    public delegate int AllreduceFunction(nint send, ref byte receive, int count, nint type, nint operation, nint comm);
    public delegate int BcastFunction(ref byte values, int count, nint type, int root, nint comm);
    public delegate int AbortFunction(nint comm, int code);
    public delegate int PlainFunction();

    public string Path { get; }
    public nint World { get; }
    public nint Float { get; }
    public nint Double { get; }
    public nint Byte { get; }
    public nint Add { get; }
    public nint InPlace { get; }

    /// <summary>The level of threads at which calls come from any thread, one at a time.</summary>
    public int Serialized { get; }

    public InitThreadFunction InitThread { get; }
    public FlagFunction Initialized { get; }
    public CommFunction CommRank { get; }
    public CommFunction CommSize { get; }
    public AllreduceFunction Allreduce { get; }
    public BcastFunction Bcast { get; }
    public AbortFunction Abort { get; }
    public PlainFunction Finalize { get; }

    /// <summary>Whether the library takes memory of GPUs, 1 or 0; null where it does not say.</summary>
    public PlainFunction? QueryCudaSupport { get; }
}
