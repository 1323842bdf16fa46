using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Compat.Tests;

/// <summary>bench/gpu.sh from end to end, on the CPU and with tiny sizes: what is packed runs in a folder without the repository.</summary>
public sealed class GpuScriptTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-gpu-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    [Trait("Category", "Long")]
    public void The_dry_run_builds_tests_measures_and_trains_and_goes_on_where_the_time_was_up()
    {
        var archive = Path.Combine(folder, "ard-gpu.tar.gz");
        Run(Path.Combine(Repository(), "bench", "gpu.sh"), "pack", archive);
        Assert.InRange(new FileInfo(archive).Length, 1 << 20, 64 << 20);

        var (carried, results) = (Directory.CreateDirectory(Path.Combine(folder, "carried")).FullName, Path.Combine(folder, "results"));
        Run("tar", "-xzf", archive, "-C", carried);
        var script = Path.Combine(carried, "gpu.sh");
        Run(script, "builtin", results, "native");
        Assert.Contains(" passed, 0 failed, 0 skipped", Run(script, "builtin", results, "tests"));
        Assert.Contains("ard-mobilenetv2", Run(script, "builtin", results, "steps"));

        Environment.SetEnvironmentVariable("MINUTES", "0");
        Assert.Contains("Time is up", Run(script, "builtin", results, "train"));
        Assert.False(File.Exists(Path.Combine(results, "teacher", "done")));
        Environment.SetEnvironmentVariable("MINUTES", null);
        Run(script, "builtin", results, "train");
        Assert.True(File.Exists(Path.Combine(results, "tinycnn-2-bn", "student-rslad.safetensors")));
        // All is done: nothing is trained again.
        Assert.DoesNotContain("student", Run(script, "builtin", results, "train"));
    }

    private static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DRY"] = "1";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {process.ExitCode}\n{output}\n{errors.Result}");
        return output;
    }

    private static string Repository([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", ".."));
}
