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

    /// <summary>The middle value.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
