using System.Diagnostics;
using System.Reflection;
using Xunit.Sdk;

namespace Ard.Trainers.Tests.Distributed;

/// <summary>The MPIs of this machine, and the program Ard.Trainers.Tests.Rank, which lies beside the tests.</summary>
internal static class Mpi
{
    public const string Mpich = "mpich", OpenMpi = "openmpi";

    private static readonly Dictionary<string, string?> launchers = new()
    {
        [Mpich] = Launcher(Mpich, "HYDRA"),
        [OpenMpi] = Launcher(OpenMpi, "Open MPI"),
    };

    /// <summary>Why tests with this MPI are skipped; null where it is installed.</summary>
    public static string? Missing(string mpi) => launchers[mpi] is null ? $"needs {mpi} (Debian: apt-get install mpich openmpi-bin)" : null;

    /// <summary>Starts so many ranks of the program.</summary>
    public static Process Start(string mpi, int ranks, string[] arguments, params (string Name, string Value)[] environment) =>
        StartCommand(mpi, ranks, ["dotnet", Program, .. arguments], environment);

    /// <summary>Starts so many ranks of any program.</summary>
    public static Process StartCommand(string mpi, int ranks, string[] command, params (string Name, string Value)[] environment)
    {
        string[] options = mpi == OpenMpi ? ["--oversubscribe", "--bind-to", "none"] : [];
        return Start(launchers[mpi]!, [.. options, "-n", $"{ranks}", .. command], environment);
    }

    /// <summary>Starts the program without a launcher.</summary>
    public static Process Alone(string[] arguments, params (string Name, string Value)[] environment) =>
        Start("dotnet", [Program, .. arguments], environment);

    /// <summary>What the processes have written, and the launcher's exit code.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> Outcome(Process process, int seconds = 120)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(timeout.Token);
            var errors = process.StandardError.ReadToEndAsync(timeout.Token);
            await process.WaitForExitAsync(timeout.Token);
            return (process.ExitCode, await output, await errors);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            process.Dispose();
        }
    }

    public static async Task<(int ExitCode, string Output, string Errors)> Run(
        string mpi, int ranks, string[] arguments, params (string Name, string Value)[] environment) =>
        await Outcome(Start(mpi, ranks, arguments, environment));

    private static string Program => Path.Combine(AppContext.BaseDirectory, "Ard.Trainers.Tests.Rank.dll");

    private static Process Start(string file, string[] arguments, (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        // Tests run as root in containers, where Open MPI would refuse, or lack a way to copy between processes.
        foreach (var name in new[] { "OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM" }) start.Environment[name] = "1";
        start.Environment["OMPI_MCA_btl_vader_single_copy_mechanism"] = "none";
        start.Environment["OMP_NUM_THREADS"] = "1";
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    // Where both are installed mpirun.NAME is the one, elsewhere mpirun is the only one.
    private static string? Launcher(string mpi, string version)
    {
        foreach (var name in new[] { $"mpirun.{mpi}", "mpirun" })
        {
            try
            {
                using var process = Process.Start(new ProcessStartInfo(name, ["--version"]) { RedirectStandardOutput = true })!;
                if (process.StandardOutput.ReadToEnd().Contains(version, StringComparison.Ordinal)) return name;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // Not installed.
            }
        }
        return null;
    }
}

/// <summary>A case for one MPI, skipped by name where it is not installed. The first argument is its name.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal class MpiDataAttribute : DataAttribute
{
    private readonly object[] values;

    public MpiDataAttribute(string mpi, params object[] more)
    {
        values = [mpi, .. more];
        Skip = Mpi.Missing(mpi);
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [values];
}
