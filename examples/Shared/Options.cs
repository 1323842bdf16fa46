using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Ard.Examples;

/// <summary>Options of a command line whose errors name the option, what was given and what was expected.</summary>
internal static class Options
{
    /// <summary>The seed.</summary>
    public static Option<long> Seed { get; } = Of("--seed", "Fixes everything that chance decides.", 0, WholeNumber);

    /// <summary>The device.</summary>
    public static Option<string> Device { get; } = Text("--device", "auto, cpu, cuda or cuda:N.", "auto");

    /// <summary>The threads.</summary>
    public static Option<int?> Threads { get; } =
        Count("--threads", "Threads on the CPU. Default: OMP_NUM_THREADS, else all processors, divided among the processes of mpirun.");

    /// <summary>An option that is there or not.</summary>
    public static Option<bool> Switch(string name, string description) => new(name) { Description = description };

    /// <summary>A text.</summary>
    public static Option<string?> Text(string name, string description) => Read(new Option<string?>(name), description, text => text);

    /// <summary>A file to write, which is known to have a place before anything is computed.</summary>
    public static Option<string?> ToWrite(string name, string description) => One(name, description, text =>
    {
        var path = Path.GetFullPath(text);
        if (Directory.Exists(path)) throw new FormatException("expected a file, found a folder");
        for (var folder = Path.GetDirectoryName(path); folder is not null; folder = Path.GetDirectoryName(folder))
            if (File.Exists(folder)) throw new FormatException($"expected a file in a folder, found that {folder} is a file");
        return text;
    });

    /// <summary>A text with a default.</summary>
    public static Option<string> Text(string name, string description, string standard) => Of(name, description, standard, text => text);

    /// <summary>A whole number from 1.</summary>
    public static Option<int?> Count(string name, string description) =>
        Read(new Option<int?>(name), description, text => (int?)Positive(text));

    /// <summary>A number from 0, or a fraction.</summary>
    public static Option<double?> Number(string name, string description, Func<string, double>? read = null) =>
        Read(new Option<double?>(name), description, text => (double?)(read ?? Fraction)(text));

    /// <summary>A share in percent, such as 45.</summary>
    public static Option<double?> Percent(string name, string description) => Read(new Option<double?>(name), description, text =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, null, out var percent) && percent is 0 or (>= 1 and <= 100)
            ? (double?)(percent / 100)
            : throw new FormatException("expected percent from 1 to 100, such as 45"));

    /// <summary>A value with a default.</summary>
    public static Option<T> Of<T>(string name, string description, T standard, Func<string, T> read) =>
        Read(new Option<T>(name) { DefaultValueFactory = _ => standard }, description, read);

    /// <summary>A value.</summary>
    public static Option<T?> One<T>(string name, string description, Func<string, T> read) where T : class =>
        Read(new Option<T?>(name), description, read);

    /// <summary>Values with commas between.</summary>
    public static Option<IReadOnlyList<T>?> Several<T>(string name, string description, Func<string, T> read) =>
        Read(new Option<IReadOnlyList<T>?>(name), description, text => [.. text.Split(',').Select(read)]);

    // The function says by an exception what it expected.
    private static Option<T> Read<T>(Option<T> option, string description, Func<string, T> read)
    {
        (option.Description, option.HelpName, option.Arity) = (description, "VALUE", ArgumentArity.ExactlyOne);
        option.CustomParser = (ArgumentResult result) =>
        {
            var text = result.Tokens[0].Value;
            try
            {
                return read(text);
            }
            catch (Exception exception) when (exception is FormatException or ArgumentException)
            {
                result.AddError($"{option.Name} '{text}': {exception.Message.TrimEnd('.')}.");
                return default!;
            }
        };
        return option;
    }

    private static long WholeNumber(string text) =>
        long.TryParse(text, out var number) ? number : throw new FormatException("expected a whole number");

    /// <summary>Such as 3.</summary>
    public static int Positive(string text) => From(1, text);

    /// <summary>Such as 0 or 3.</summary>
    public static int NotNegative(string text) => From(0, text);

    private static int From(int least, string text) => int.TryParse(text, NumberStyles.None, null, out var number) && number >= least
        ? number
        : throw new FormatException($"expected a whole number from {least}");

    /// <summary>0.1, 5e-4 or 8/255.</summary>
    public static double Fraction(string text)
    {
        var parts = text.Split('/')
            .Select(part => double.TryParse(part, NumberStyles.Float, null, out var number) ? number : double.NaN).ToArray();
        var value = parts switch { [var only] => only, [var over, var under] => over / under, _ => double.NaN };
        return double.IsFinite(value) && value >= 0
            ? value
            : throw new FormatException("expected a number from 0, such as 0.1, 5e-4 or 8/255");
    }
}
