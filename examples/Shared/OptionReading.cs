using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Ard.Examples;

/// <summary>Options of a command line whose errors name the option, what was given and what was expected.</summary>
internal static class OptionReading
{
    /// <summary>An option with a description, whose text is read by a function that says by an exception what it expected.</summary>
    public static Option<T> Reads<T>(this Option<T> option, string description, Func<string, T> read)
    {
        option.Description = description;
        option.HelpName = "VALUE";
        option.Arity = ArgumentArity.ExactlyOne;
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

    /// <summary>Such as -3.</summary>
    public static long WholeNumber(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new FormatException("expected a whole number");

    /// <summary>Such as 3.</summary>
    public static int Positive(string text) => From(1, text);

    /// <summary>Such as 0 or 3.</summary>
    public static int NotNegative(string text) => From(0, text);

    private static int From(int least, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least
            ? number
            : throw new FormatException($"expected a whole number from {least}");

    /// <summary>A share in percent, such as 45.</summary>
    public static double Percent(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent)
            && percent is 0 or (>= 1 and <= 100)
            ? percent / 100
            : throw new FormatException("expected percent from 1 to 100, such as 45");

    /// <summary>0.1, 5e-4 or 8/255.</summary>
    public static double Fraction(string text)
    {
        var parts = text.Split('/').Select(part =>
            double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.NaN).ToArray();
        var value = parts switch { [var only] => only, [var over, var under] => over / under, _ => double.NaN };
        return double.IsFinite(value) && value >= 0
            ? value
            : throw new FormatException("expected a number from 0, such as 0.1, 5e-4 or 8/255");
    }
}
