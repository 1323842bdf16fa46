using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Ard.Trainers.Tests.Distributed;

public class MpiGroupTests
{
    [Theory]
    [MpiData(Mpi.Mpich, 2)]
    [MpiData(Mpi.Mpich, 3)]
    [MpiData(Mpi.OpenMpi, 2)]
    [MpiData(Mpi.OpenMpi, 3)]
    public async Task Sums_and_broadcasts_reach_all_ranks_and_a_caught_NullReferenceException_ends_none(string mpi, int ranks)
    {
        var (code, output, errors) = await Mpi.Run(mpi, ranks, ["group"]);
        Assert.True(code == 0, output + errors);
        var sum = ranks * (ranks + 1) / 2;
        for (var rank = 0; rank < ranks; rank++)
        {
            Assert.Contains(
                string.Create(CultureInfo.InvariantCulture, $"rank {rank} of {ranks}: {sum} {0.5 * ranks}, {sum:F6}, 1 2 3, caught 2, ")
                + $"local {rank} of {ranks}", output);
        }
    }

    [Theory]
    [MpiData(Mpi.Mpich, "libmpich.so.12")]
    [MpiData(Mpi.OpenMpi, "libmpi.so.40")]
    public async Task Who_has_begun_with_MPI_ends_it(string mpi, string library)
    {
        var (code, output, errors) = await Mpi.Run(mpi, 2, ["foreign", library]);
        Assert.True(code == 0, output + errors);
        foreach (var rank in new[] { 0, 1 })
        {
            Assert.Contains($"rank {rank} of 2: 3", output);
            Assert.Contains($"rank {rank}: still there", output);
        }
    }

    [Theory]
    [MpiData(Mpi.Mpich)]
    [MpiData(Mpi.OpenMpi)]
    public async Task A_tensor_is_summed_where_it_lies(string mpi)
    {
        var (code, output, errors) = await Mpi.Run(mpi, 2, ["in-place"], ("ARD_MPI_CUDA", "1"));
        Assert.True(code == 0, output + errors);
        foreach (var rank in new[] { 0, 1 }) Assert.Contains($"rank {rank}: {rank} 3 5 {rank + 3}; 3 5", output);
    }

    // What the setting is for: with UCX's own the same program dies. Open MPI loads UCX only where there is a network for it.
    [Theory]
    [MpiData(Mpi.Mpich)]
    public async Task With_UCXs_own_handler_it_would(string mpi)
    {
        var (code, output, errors) = await Mpi.Run(mpi, 2, ["group"], ("UCX_ERROR_SIGNALS", "SEGV"));
        Assert.NotEqual(0, code);
        Assert.DoesNotContain("caught", output);
        Assert.Contains("signal 11", output + errors);
    }

    [Theory]
    [MpiData(Mpi.Mpich, "exception", "InvalidDataException: the data of this rank are bad")]
    [MpiData(Mpi.Mpich, "abort", "the disk is full")]
    [MpiData(Mpi.OpenMpi, "exception", "InvalidDataException: the data of this rank are bad")]
    [MpiData(Mpi.OpenMpi, "abort", "the disk is full")]
    public async Task A_rank_that_fails_ends_all_with_its_message(string mpi, string how, string message)
    {
        var (code, output, errors) = await Mpi.Run(mpi, 2, [how, "1"]);
        Assert.Equal(1, code);
        Assert.Contains($"Rank 1 of 2 on {Environment.MachineName}: ", errors);
        Assert.Contains(message, errors);
        Assert.DoesNotContain("goes on", output);
    }

    [Theory]
    [MpiData(Mpi.Mpich)]
    [MpiData(Mpi.OpenMpi)]
    public async Task A_rank_that_exits_with_an_error_ends_all_with_its_code(string mpi)
    {
        var (code, output, _) = await Mpi.Run(mpi, 2, ["exit", "1"]);
        // MPICH's launcher has been seen once to give the code of the rank that it had killed.
        Assert.Contains(code, mpi == Mpi.Mpich ? [7, 9] : new[] { 7 });
        Assert.DoesNotContain("goes on", output);
    }

    [Theory]
    [MpiData(Mpi.Mpich)]
    [MpiData(Mpi.OpenMpi)]
    public async Task A_rank_that_is_killed_ends_all(string mpi)
    {
        var process = Mpi.Start(mpi, 2, ["wait"]);
        (await OfRank(1, process)).Kill();
        var watch = Stopwatch.StartNew();
        var (code, _, errors) = await Mpi.Outcome(process);
        Assert.NotEqual(0, code);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{watch.Elapsed}, {errors}");
    }

    [Theory]
    [MpiData(Mpi.Mpich)]
    [MpiData(Mpi.OpenMpi)]
    public async Task A_rank_that_falls_silent_is_given_up(string mpi)
    {
        var process = Mpi.Start(mpi, 2, ["wait"], ("ARD_MPI_TIMEOUT", "2"));
        var silent = await OfRank(1, process);
        kill(silent.Id, 19); // SIGSTOP
        var (code, _, errors) = await Mpi.Outcome(process);
        Assert.NotEqual(0, code);
        Assert.Contains("Rank 0 of 2", errors);
        Assert.Contains("have not answered for 2 s (ARD_MPI_TIMEOUT)", errors);
        Assert.True(silent.WaitForExit(TimeSpan.FromSeconds(20)));
    }

    [Theory]
    [MpiData(Mpi.Mpich)]
    [MpiData(Mpi.OpenMpi)]
    public async Task A_rank_that_works_by_itself_is_waited_for(string mpi)
    {
        var (code, output, errors) = await Mpi.Run(mpi, 2, ["alone"], ("ARD_MPI_TIMEOUT", "2"));
        Assert.True(code == 0, errors);
        Assert.Contains("rank 0 goes on", output);
        Assert.Contains("rank 1 goes on", output);
    }

    [Theory]
    [MpiData(Mpi.Mpich)]
    [MpiData(Mpi.OpenMpi)]
    public async Task Who_asks_for_a_device_without_a_GPU_joins_nobody(string mpi)
    {
        var (code, output, errors) = await Mpi.Run(mpi, 2, ["device"], ("ARD_MPI", "libnothing.so"), ("CUDA_VISIBLE_DEVICES", ""));
        Assert.True(code == 0, errors);
        Assert.Contains("CPU", output);
    }

    [Theory]
    [MpiData(Mpi.Mpich, "libmpi.so.40", "is of a group of 1: that is not the launcher's MPI", Mpi.OpenMpi)]
    [MpiData(Mpi.OpenMpi, "libmpich.so.12", "is of a group of 1: that is not the launcher's MPI", Mpi.Mpich)]
    [MpiData(Mpi.Mpich, "libnothing.so", "no MPI library was found by which to join them: looked for libnothing.so", Mpi.Mpich)]
    [MpiData(Mpi.OpenMpi, "libc.so.6", "libc.so.6 has no MPI_Init_thread", Mpi.OpenMpi)]
    public async Task A_launcher_that_cannot_be_joined_is_an_error(string mpi, string library, string message, string needed)
    {
        // Where the other one is not installed it cannot be taken by mistake.
        if (Mpi.Missing(needed) is not null) message = "no MPI library was found";
        var (code, output, errors) = await Mpi.Run(mpi, 2, ["group"], ("ARD_MPI", library));
        Assert.NotEqual(0, code);
        Assert.Contains(message, errors);
        Assert.DoesNotContain("caught", output);
    }

    // A library of the ABI is not in Debian yet: this one passes its calls on to MPICH, with the ABI's handles in place of MPICH's.
    [Theory]
    [MpiData(Mpi.Mpich)]
    public async Task The_handles_of_the_ABI_are_those_of_the_standard(string mpi)
    {
        var folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            var (source, library) = (Path.Combine(folder, "abi.c"), Path.Combine(folder, "libmpi_abi.so.0"));
            File.WriteAllText(source, AbiOverMpich);
            using (var compiler = Process.Start("cc", ["-shared", "-fPIC", "-o", library, source, "-ldl"]))
            {
                compiler.WaitForExit();
                Assert.Equal(0, compiler.ExitCode);
            }
            var (code, output, errors) = await Mpi.Run(mpi, 2, ["group"], ("ARD_MPI", library));
            Assert.True(code == 0, output + errors);
            Assert.Contains("rank 1 of 2: 3 1, 3.000000, 1 2 3, caught 2", output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Without_a_launcher_no_MPI_is_loaded()
    {
        var (code, output, errors) = await Mpi.Outcome(Mpi.Alone(["libraries"]));
        Assert.True(code == 0, output + errors);
        Assert.Contains("rank 0 of 1", output);
        Assert.Contains("libc.so.6", output);
        Assert.DoesNotContain("mpi", output);
        Assert.DoesNotContain("libucs", output);
    }

    private static async Task<Process> OfRank(int rank, Process launcher)
    {
        for (var found = 0; ;)
        {
            var line = await launcher.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("it has ended");
            if (line.Contains("is process", StringComparison.Ordinal)) found++;
            if (line.Contains($"rank {rank} is process", StringComparison.Ordinal))
                return Process.GetProcessById(int.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture));
        }
    }

    private const string AbiOverMpich = """
        #include <dlfcn.h>
        #include <stdint.h>
        typedef int any();
        static any *of(const char *name)
        {
            static void *mpich;
            if (!mpich) mpich = dlopen("libmpich.so.12", RTLD_NOW);
            return (any *)dlsym(mpich, name);
        }
        static int comm(intptr_t c) { return c == 0x101 ? 0x44000000 : 0; }
        static int type(intptr_t t) { return t == 0x210 ? 0x4c00040a : t == 0x214 ? 0x4c00080b : t == 0x247 ? 0x4c00010d : 0; }
        int MPI_Initialized(int *flag) { return of("MPI_Initialized")(flag); }
        int MPI_Init_thread(int *argc, char ***argv, int required, int *provided)
        {
            int code = of("MPI_Init_thread")(argc, argv, required / 1024, provided);
            *provided *= 1024;
            return code;
        }
        int MPI_Comm_rank(intptr_t c, int *rank) { return of("MPI_Comm_rank")(comm(c), rank); }
        int MPI_Comm_size(intptr_t c, int *size) { return of("MPI_Comm_size")(comm(c), size); }
        int MPI_Allreduce(void *send, void *receive, int count, intptr_t t, intptr_t op, intptr_t c)
        {
            if (send != (void *)1 || op != 0x21) return 1;
            return of("MPI_Allreduce")((void *)-1, receive, count, type(t), 0x58000003, comm(c));
        }
        int MPI_Bcast(void *values, int count, intptr_t t, int root, intptr_t c)
        {
            return of("MPI_Bcast")(values, count, type(t), root, comm(c));
        }
        int MPI_Abort(intptr_t c, int code) { return of("MPI_Abort")(comm(c), code); }
        int MPI_Finalize(void) { return of("MPI_Finalize")(); }
        """;

    [DllImport("libc.so.6")]
    private static extern int kill(int process, int signal);
}
