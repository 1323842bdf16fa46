using System.Reflection;

namespace Ard.MLNet.Evaluation;

/// <summary>Settings as C#, without those that are at their defaults.</summary>
internal static class OptionsCode
{
    private const int LongestLine = 130;

    /// <summary>Such as <c>new() { ScoreColumnName = "logits" }</c>, where it is long a line for each setting.</summary>
    /// <param name="options">A record of options that can be made without arguments.</param>
    /// <param name="indent">What each line begins with.</param>
    public static string Write(object options, string indent = "")
    {
        var usual = Activator.CreateInstance(options.GetType());
        string[] given =
        [
            .. from setting in options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
               let value = setting.GetValue(options)
               where setting.CanWrite && !Equals(value, setting.GetValue(usual))
               let code = Value(value, $"{indent}    ")
               where code is not null
               select $"{setting.Name} = {code}",
        ];
        var line = given.Length == 0 ? "new()" : $"new() {{ {string.Join(", ", given)} }}";
        return line.Length <= LongestLine ? line
            : $"new()\n{indent}{{\n{string.Concat(given.Select(setting => $"{indent}    {setting},\n"))}{indent}}}";
    }

    private static string? Value(object? value, string indent) => value switch
    {
        null => "null",
        bool truth => truth ? "true" : "false",
        Enum one => $"{one.GetType().Name}.{one}",
        ThreatModel threat => string.Create(CultureInfo.InvariantCulture, $"ThreatModel.{threat.Norm}({threat.Epsilon:R})"),
        string or NetworkDefinition => Text($"{value}"),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable<string> texts => $"[{string.Join(", ", texts.Select(Text))}]",
        IReadOnlyList<Attack> { Count: > 0 } attacks => $"[/* {string.Join(", ", attacks.Select(attack => attack.Name))} */]",
        EvaluationOptions or BlackBoxOptions or ImageLayout => Write(value, indent),
        // Who is told and who takes part changes no figure.
        _ => null,
    };

    private static string Text(string text) => $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";
}
