using System.Runtime.InteropServices;

namespace Ard.Trainers.Distributed;

/// <summary>What has started this process as one of several, by its environment, and its likely MPI libraries.</summary>
internal sealed record Launcher(string Name, int Size, IReadOnlyList<string> Libraries)
{
    private const string OpenMpi = "libmpi.so.40", Abi = "libmpi_abi.so.0";

    // MPICH is libmpich.so.12 on Debian and libmpi.so.12 elsewhere, and so are those that keep to its binary interface: Intel MPI,
    // MVAPICH, Cray MPICH.
    private static readonly string[] mpich = ["libmpich.so.12", "libmpi.so.12"];

    /// <summary>The launcher by an environment; null where there is none, or one that has started a single process.</summary>
    public static Launcher? Find(Func<string, string?> variable)
    {
        // Within Slurm mpirun starts its helpers by srun, so that its processes see srun's variables too: mpirun's own come first.
        (string Variable, string Name, string[] Libraries)[] known =
        [
            ("OMPI_COMM_WORLD_SIZE", "Open MPI's mpirun", [OpenMpi, Abi]),
            ("PMI_SIZE", "the mpirun of MPICH or its kin", [.. mpich, Abi]),
            ("SLURM_STEP_NUM_TASKS", "srun", [Abi, OpenMpi, .. mpich]),
        ];
        foreach (var (name, launcher, libraries) in known)
        {
            if (!int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var size)) continue;
            if (size <= 1) return null;
            return new(launcher, size, variable("ARD_MPI") is { Length: > 0 } named ? [named] : libraries);
        }
        return null;
    }

    /// <summary>Joins the other processes.</summary>
    /// <exception cref="InvalidOperationException">There is no MPI library, or it is not the launcher's.</exception>
    public ProcessGroup Join()
    {
        var (path, library) = Load();
        var group = new MpiGroup(new MpiLibrary(path, library));
        if (group.Size == Size) return group;
        // Every process would train alone, and write over the others' files.
        throw new InvalidOperationException(
            $"{Name} has started {Size} processes, and by {path} this one is of a group of {group.Size}: that is not the launcher's MPI"
            + $"{(Name == "srun" ? ", or srun needs another --mpi (srun --mpi=list shows what there is)" : "")}. Expected the library of "
            + "the same MPI: the environment variable ARD_MPI names its file.");
    }

    private (string Path, nint Library) Load()
    {
        // Open MPI and MPICH both load UCX, which takes SIGSEGV for itself: .NET makes its NullReferenceException of that signal, and the
        // first one, caught or not, would end the process.
        NativeSettings.SetUnlessSet("UCX_ERROR_SIGNALS", "");
        foreach (var name in Libraries)
        {
            if (NativeLibrary.TryLoad(name, out var library)) return (name, library);
        }
        throw new InvalidOperationException(
            $"{Name} has started {Size} processes, and no MPI library was found by which to join them: looked for "
            + $"{string.Join(", ", Libraries)}. Install the launcher's, or name its file by the environment variable ARD_MPI.");
    }
}
