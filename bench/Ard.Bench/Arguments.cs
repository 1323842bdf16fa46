using System.Globalization;

namespace Ard.Bench;

/// <summary>What the benchmarks share.</summary>
internal static class Arguments
{
    /// <summary>The whole number after option <paramref name="i"/>.</summary>
    public static int Number(string[] args, ref int i) =>
        i + 1 < args.Length && int.TryParse(args[++i], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new ArgumentException($"{args[i]}: expected a whole number from 1.");

    /// <summary>The numbers behind options that are all numbers.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="bench">The benchmark's name, for messages.</param>
    /// <param name="defaults">Every option with its number where it is not given.</param>
    public static IReadOnlyDictionary<string, int> Numbers(string[] args, string bench, params (string Option, int Default)[] defaults)
    {
        var numbers = defaults.ToDictionary(one => one.Option, one => one.Default);
        for (var i = 0; i < args.Length; i++)
        {
            var option = args[i];
            if (!numbers.ContainsKey(option))
                throw new ArgumentException($"'{option}' is not an option of {bench}: expected {string.Join(", ", numbers.Keys)}.");
            numbers[option] = Number(args, ref i);
        }
        return numbers;
    }

    /// <summary>The middle value.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
