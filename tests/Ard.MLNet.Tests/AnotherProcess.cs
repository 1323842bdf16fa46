using System.Diagnostics;

namespace Ard.MLNet.Tests;

/// <summary>Tests that run while no others do.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}

/// <summary>The program Ard.MLNet.Tests.Scorer, which lies beside the tests.</summary>
internal static class AnotherProcess
{
    public static Process Start(params string[] arguments) => Process.Start(Prepare(arguments))!;

    public static ProcessStartInfo Prepare(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Ard.MLNet.Tests.Scorer.dll"));
        // The number of threads decides how sums are rounded.
        start.Environment["OMP_NUM_THREADS"] = torch.get_num_threads().ToString(CultureInfo.InvariantCulture);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return start;
    }

    /// <summary>The lines that it writes.</summary>
    public static async Task<string[]> Lines(params string[] arguments)
    {
        using var process = Start(arguments);
        var errors = process.StandardError.ReadToEndAsync();
        var lines = (await process.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return lines;
    }
}
