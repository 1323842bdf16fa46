namespace Ard.Bench;

/// <summary>What the benchmarks share: their command lines, and images that say nothing.</summary>
internal static class Options
{
    /// <summary>Threads of one operation. OMP_NUM_THREADS, else all processors.</summary>
    public static readonly Option<int> Threads = Count(
        "--threads", int.TryParse(Environment.GetEnvironmentVariable("OMP_NUM_THREADS"), out var set) ? set : Environment.ProcessorCount);

    /// <summary>A whole number from 1.</summary>
    public static Option<int> Count(string name, int standard)
    {
        var option = new Option<int>(name) { DefaultValueFactory = _ => standard, Description = $"Default {standard}." };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1) result.AddError($"{name}: expected a whole number from 1.");
        });
        return option;
    }

    /// <summary>A benchmark with its arguments and options.</summary>
    public static Command Command(string name, string description, Action<ParseResult> run, params IReadOnlyList<Symbol> symbols)
    {
        var command = new Command(name, description);
        foreach (var argument in symbols.OfType<Argument>()) command.Arguments.Add(argument);
        foreach (var option in symbols.OfType<Option>()) command.Options.Add(option);
        command.SetAction(run);
        return command;
    }

    /// <summary>Bytes [count,3,32,32] of ten classes.</summary>
    public static ImageDataset Noise(int count, Generator generator) => new(
        randint(0, 256, [count, 3, 32, 32], dtype: ScalarType.Byte, generator: generator),
        arange(count, dtype: ScalarType.Int64).remainder(10), [.. Enumerable.Range(0, 10).Select(label => $"{label}")]);
}
