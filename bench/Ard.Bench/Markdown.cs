namespace Ard.Bench;

/// <summary>What the benchmarks print: tables that docs/performance.md takes as they are.</summary>
internal static class Markdown
{
    /// <summary>The line above a table.</summary>
    public static void Title(string text) => Console.WriteLine($"\n{text}\n");

    /// <summary>The first column holds names, the others numbers.</summary>
    public static void Header(params string[] columns)
    {
        Row(columns);
        Console.WriteLine($"|---|{string.Concat(columns.Skip(1).Select(_ => "--:|"))}");
    }

    public static void Row(params string[] cells) => Console.WriteLine($"| {string.Join(" | ", cells)} |");

    /// <summary>A dash where there is none.</summary>
    public static string Number(double value, string format) =>
        double.IsNaN(value) ? "-" : value.ToString(format);
}
