using System.Reflection;

namespace Ard.Trainers.Settings;

/// <summary>
/// The one way to check a record of options: what a setting may be is an attribute of it (<see cref="RangeAttribute"/>,
/// <see cref="MinLengthAttribute"/>), what depends on several is <see cref="IValidatableObject"/>, and options inside options are checked
/// with it. Enums have to be defined, and nothing may be null that is not nullable.
/// </summary>
internal static class OptionsValidator
{
    /// <summary>The options themselves, if nothing is wrong with them.</summary>
    /// <exception cref="ArgumentException">A setting is wrong, at whatever level; the message names every one that is.</exception>
    public static T Validated<T>(this T options) where T : class
    {
        var type = options.GetType();
        string[] faults = [.. Faults(options)];
        return faults.Length == 0 ? options : throw new ArgumentException(
            $"{(type.DeclaringType is { } outer ? $"{outer.Name}." : "")}{type.Name}: {string.Join("; ", faults)}.");
    }

    /// <summary>What is wrong with the options, one sentence each; empty when nothing is.</summary>
    public static IEnumerable<string> Faults(object options, string path = "")
    {
        var complete = true;
        foreach (var property in options.GetType().GetProperties().Where(property => property.CanWrite))
        {
            var (name, value) = (path + property.Name, property.GetValue(options));
            if (value is null)
            {
                if (new NullabilityInfoContext().Create(property).ReadState != NullabilityState.NotNull) continue;
                complete = false;
                yield return $"{name} is missing";
            }
            else if (property.GetCustomAttribute<RangeAttribute>() is { } range && !Contains(range, value))
                yield return $"{name} is {Text(value)}, expected {Expected(range)}";
            else if (value is "" && property.IsDefined(typeof(MinLengthAttribute)))
                yield return $"{name} is empty";
            else if (value is Enum && !Enum.IsDefined(value.GetType(), value))
                yield return $"{name} is {value}, expected {string.Join(" or ", Enum.GetNames(value.GetType()))}";
            else if (IsRecord(value))
            {
                foreach (var fault in Faults(value, $"{name}.")) yield return fault;
            }
        }
        if (!complete || options is not IValidatableObject related) yield break;
        foreach (var fault in related.Validate(new ValidationContext(options)))
            yield return path == "" ? fault.ErrorMessage! : $"{path[..^1]}: {fault.ErrorMessage}";
    }

    /// <summary>What a name stands for; null, and what is wrong, where it stands for nothing that can be made.</summary>
    public static T? Try<T>(Func<T> make, out string? fault) where T : class
    {
        try
        {
            fault = null;
            return make();
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            fault = exception.Message.TrimEnd('.');
            return null;
        }
    }

    private static bool IsRecord(object value) => value.GetType().GetMethod("<Clone>$") is not null;

    // A NaN is in no range.
    private static bool Contains(RangeAttribute range, object value)
    {
        var (number, low, high) = (Number(value), Number(range.Minimum), Number(range.Maximum));
        return (range.MinimumIsExclusive ? number > low : number >= low) && (range.MaximumIsExclusive ? number < high : number <= high);
    }

    private static string Expected(RangeAttribute range)
    {
        var (low, whole) = (Number(range.Minimum), range.OperandType == typeof(int));
        if (range.Maximum is int.MaxValue or double.MaxValue)
            return whole ? $"{Text(low)} or more"
                : low == 0 ? range.MinimumIsExclusive ? "a positive finite number" : "a finite number that is not negative"
                : $"a finite number from {Text(low)}";
        return !range.MinimumIsExclusive && !range.MaximumIsExclusive
            ? $"{(whole ? "" : "a number from ")}{Text(range.Minimum)} to {Text(range.Maximum)}"
            : $"a number {(range.MinimumIsExclusive ? "above" : "from")} {Text(range.Minimum)} "
                + $"and {(range.MaximumIsExclusive ? "below" : "at most")} {Text(range.Maximum)}";
    }

    private static double Number(object value) => Convert.ToDouble(value, CultureInfo.InvariantCulture);
    private static string Text(object value) => Convert.ToString(value, CultureInfo.InvariantCulture)!;
}
