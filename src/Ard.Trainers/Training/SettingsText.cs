using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using Ard.Trainers.Objectives;

namespace Ard.Trainers.Training;

/// <summary>Settings in full, one a line, such as <c>Options.Optimizer.Momentum: 0.9</c>.</summary>
internal static class SettingsText
{
    /// <summary>The lines of a value: its own one, or those of its settings if it is a record of them.</summary>
    /// <param name="path">What the value is called.</param>
    /// <param name="value">Anything.</param>
    public static IEnumerable<string> Lines(string path, object? value)
    {
        if (value is Objective objective)
        {
            yield return $"{path}: {objective.Name}";
        }
        else if (!IsRecordOfSettings(value))
        {
            yield return $"{path}: {Text(value)}";
            yield break;
        }
        else if (value!.GetType().BaseType != typeof(object))
        {
            // One kind of several, such as of optimizers.
            yield return $"{path}: {value.GetType().Name}";
        }
        foreach (var property in value!.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            // What every objective has, its name first, is no setting.
            if (property.GetMethod!.GetBaseDefinition().DeclaringType == typeof(Objective)) continue;
            foreach (var line in Lines($"{path}.{property.Name}", property.GetValue(value))) yield return line;
        }
    }

    // A record that has no text of its own but the one that the compiler gives it.
    private static bool IsRecordOfSettings(object? value) => value?.GetType() is { IsVisible: true } type
        && type.Assembly == typeof(SettingsText).Assembly
        && type.GetMethod(nameof(ToString), Type.EmptyTypes)!.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false);

    private static string Text(object? value) => value switch
    {
        null => "not set",
        string text => text,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable items => string.Join(", ", items.Cast<object?>().Select(Text).DefaultIfEmpty("none")),
        _ => value.ToString()!,
    };
}
