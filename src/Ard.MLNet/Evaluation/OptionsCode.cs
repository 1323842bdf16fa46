using System.Globalization;
using System.Reflection;
using Ard.Trainers.Training;

namespace Ard.MLNet.Evaluation;

/// <summary>Settings as C#, without those that are at their defaults.</summary>
internal static class OptionsCode
{
    /// <summary>Such as <c>new() { ScoreColumnName = "logits" }</c>.</summary>
    /// <param name="options">A record of options that can be made without arguments.</param>
    public static string Write(object options)
    {
        var usual = Activator.CreateInstance(options.GetType());
        string[] given =
        [
            .. from setting in options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
               let value = setting.GetValue(options)
               where setting.CanWrite && !Equals(value, setting.GetValue(usual))
               select $"{setting.Name} = {Value(value)}",
        ];
        return given.Length == 0 ? "new()" : $"new() {{ {string.Join(", ", given)} }}";
    }

    private static string Value(object? value) => value switch
    {
        null => "null",
        bool truth => truth ? "true" : "false",
        Enum one => $"{one.GetType().Name}.{one}",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        string or NetworkDefinition => Text($"{value}"),
        // Too much to say again.
        TrainingOptions => "/* as it was */",
        _ => Write(value),
    };

    /// <summary>A text in quotes.</summary>
    public static string Text(string text) => $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";
}
