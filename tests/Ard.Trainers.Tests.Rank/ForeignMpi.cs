using System.Runtime.InteropServices;
using Ard.Trainers.Distributed;

namespace Ard.Trainers.Tests.Rank;

/// <summary>A program that begins with MPI before this library does, and ends it.</summary>
internal static class ForeignMpi
{
    private delegate int InitThread(nint count, nint arguments, int required, out int provided);

    private delegate int Finalized(out int flag);

    private delegate int End();

    public static int Run(string library)
    {
        var mpi = NativeLibrary.Load(library);
        Function<InitThread>("MPI_Init_thread")(0, 0, 2, out _);
        var group = ProcessGroup.Current;
        var sum = new[] { group.Rank + 1f };
        group.Sum(sum);
        Console.WriteLine($"rank {group.Rank} of {group.Size}: {sum[0]}");
        // After the group's own.
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            Function<Finalized>("MPI_Finalized")(out var ended);
            Console.WriteLine($"rank {group.Rank}: {(ended == 0 ? "still there" : "ended by another")}");
            if (ended == 0) Function<End>("MPI_Finalize")();
        };
        return 0;

        T Function<T>(string name) where T : Delegate =>
            Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(mpi, name));
    }
}
