using System.Diagnostics;

namespace Ard.Trainers.Tests.Distributed;

/// <summary>Trainings by processes that MPI launchers start.</summary>
public sealed class MpiTrainingTests : IDisposable
{
    private static readonly string[] methods =
        ["ard", "at", "at ema", "at clip", "trades", "rslad", "adaad+igdm", "free", "at+awp", "at float32"];

    private readonly string folder = Directory.CreateTempSubdirectory("ard-mpi-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [MpiData(Mpi.Mpich)]
    [MpiData(Mpi.OpenMpi)]
    public async Task Two_ranks_train_what_one_process_trains_and_twice_the_same_bits(string mpi)
    {
        var alone = Directory.CreateDirectory(Path.Combine(folder, "1"));
        var together = Directory.CreateDirectory(Path.Combine(folder, "2"));
        var one = await Mpi.Outcome(Mpi.Alone(["train", alone.FullName, .. methods]));
        Assert.True(one.ExitCode == 0, one.Output + one.Errors);
        var two = await Mpi.Run(mpi, 2, ["train", together.FullName, .. methods]);
        Assert.True(two.ExitCode == 0, two.Output + two.Errors);
        // Handed to MPI where the gradients lie, as on a GPU.
        var again = await Mpi.Run(mpi, 2, ["train", together.FullName, .. methods], ("ARD_MPI_CUDA", "1"));
        foreach (var method in methods)
        {
            Assert.Equal(Digest(two.Output, 0, method), Digest(two.Output, 1, method));
            Assert.Equal(Digest(two.Output, 0, method), Digest(again.Output, 0, method));
            using var scope = NewDisposeScope();
            var (expected, found) = (Read(alone, method), Read(together, method));
            var difference = expected.Max(pair => (pair.Value - found[pair.Key]).abs().max().to(ScalarType.Float64).item<double>());
            // In float32 the signs that an attack follows turn what is rounding in the sums into more.
            Assert.True(difference < (method.EndsWith("float32", StringComparison.Ordinal) ? 1e-3 : 1e-9), $"{method}: {difference:G3}");
        }
    }

    [Theory]
    [MpiData(Mpi.Mpich)]
    [MpiData(Mpi.OpenMpi)]
    public async Task A_killed_rank_ends_all_and_three_ranks_then_one_go_on(string mpi)
    {
        var whole = Directory.CreateDirectory(Path.Combine(folder, "whole"));
        var alone = await Mpi.Outcome(Mpi.Alone(["run", whole.FullName, "6"]));
        Assert.True(alone.ExitCode == 0, alone.Output + alone.Errors);

        var parts = Directory.CreateDirectory(Path.Combine(folder, "parts"));
        var first = await KilledAt("epoch 2 step 3", Mpi.Start(mpi, 2, ["run", parts.FullName, "6"]), rank: 1);
        Assert.DoesNotContain("epoch 6 step 7", first);
        var second = await KilledAt("epoch 4 step 3", Mpi.Start(mpi, 3, ["run", parts.FullName, "6"]), rank: 2);
        Assert.DoesNotContain("epoch 1 step", second);
        var last = await Mpi.Outcome(Mpi.Alone(["run", parts.FullName, "6"]));
        Assert.True(last.ExitCode == 0, last.Output + last.Errors);
        Assert.DoesNotContain("epoch 2 step", last.Output);

        using var scope = NewDisposeScope();
        var (expected, found) = (Read(whole, "end"), Read(parts, "end"));
        Assert.All(expected, pair => Assert.True((pair.Value - found[pair.Key]).abs().max().item<double>() < 1e-9, pair.Key));
    }

    [Theory]
    [Trait("Category", "Long")]
    [HostsData(Mpi.Mpich)]
    [HostsData(Mpi.OpenMpi)]
    public async Task Over_TCP_between_two_hosts_too(string mpi)
    {
        var whole = Directory.CreateDirectory(Path.Combine(folder, "whole"));
        var alone = await Mpi.Outcome(Mpi.Alone(["run", whole.FullName, "6"]));
        Assert.True(alone.ExitCode == 0, alone.Output + alone.Errors);

        var parts = Directory.CreateDirectory(Path.Combine(folder, "parts"));
        await KilledAt("epoch 2 step 3", OnTwoHosts(2), rank: 1);
        await KilledAt("epoch 4 step 3", OnTwoHosts(3), rank: 2);
        var last = await Mpi.Outcome(Mpi.Alone(["run", parts.FullName, "6"]));
        Assert.True(last.ExitCode == 0, last.Output + last.Errors);
        Assert.DoesNotContain("epoch 2 step", last.Output);

        using var scope = NewDisposeScope();
        var (expected, found) = (Read(whole, "end"), Read(parts, "end"));
        Assert.All(expected, pair => Assert.True((pair.Value - found[pair.Key]).abs().max().item<double>() < 1e-9, pair.Key));

        Process OnTwoHosts(int ranks)
        {
            var start = new ProcessStartInfo("bash",
                [
                    Shared.InRepository("tests/two-hosts.sh"), mpi, "dotnet",
                    Path.Combine(AppContext.BaseDirectory, "Ard.Trainers.Tests.Rank.dll"), "run", parts.FullName, "6",
                ])
            { RedirectStandardOutput = true, RedirectStandardError = true };
            (start.Environment["RANKS"], start.Environment["OMP_NUM_THREADS"]) = ($"{ranks}", "1");
            return Process.Start(start)!;
        }
    }

    private sealed class HostsDataAttribute : MpiDataAttribute
    {
        public HostsDataAttribute(string mpi) : base(mpi) => Skip ??= Environment.IsPrivilegedProcess && File.Exists("/usr/sbin/ip")
            ? null
            : "needs root and iproute2, for network namespaces";
    }

    // What the processes have written by then.
    private static async Task<string> KilledAt(string when, Process launcher, int rank)
    {
        Process? victim = null;
        var seen = new List<string>();
        while (await launcher.StandardOutput.ReadLineAsync() is { } line)
        {
            seen.Add(line);
            if (line.Contains($"rank {rank} is process", StringComparison.Ordinal))
                victim = Process.GetProcessById(int.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture));
            if (line.Contains(when, StringComparison.Ordinal)) victim!.Kill();
        }
        var (code, _, errors) = await Mpi.Outcome(launcher);
        Assert.True(code != 0, string.Join('\n', seen) + errors);
        return string.Join('\n', seen);
    }

    private static Dictionary<string, Tensor> Read(DirectoryInfo folder, string name) =>
        Safetensors.Read(Path.Combine(folder.FullName, $"{name}.safetensors"));

    private static string Digest(string output, int rank, string method) =>
        output.Split('\n').Single(line => line.Contains($"rank {rank}: {method} ", StringComparison.Ordinal)
            && line.TrimEnd().Split(' ').Length == method.Split(' ').Length + 3).TrimEnd().Split(' ')[^1];
}
