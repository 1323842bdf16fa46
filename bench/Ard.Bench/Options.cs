using System.CommandLine;
using System.CommandLine.Parsing;

namespace Ard.Bench;

/// <summary>What the benchmarks' command lines share.</summary>
internal static class Options
{
    /// <summary>Threads of one operation. OMP_NUM_THREADS, else all processors.</summary>
    public static readonly Option<int> Threads = Count(
        "--threads", int.TryParse(Environment.GetEnvironmentVariable("OMP_NUM_THREADS"), out var set) ? set : Environment.ProcessorCount);

    /// <summary>A whole number from 1.</summary>
    public static Option<int> Count(string name, int standard)
    {
        var option = new Option<int>(name) { DefaultValueFactory = _ => standard, Description = $"Default {standard}." };
        option.Validators.Add((OptionResult result) =>
        {
            if (result.GetValueOrDefault<int>() < 1) result.AddError($"{name}: expected a whole number from 1.");
        });
        return option;
    }
}
