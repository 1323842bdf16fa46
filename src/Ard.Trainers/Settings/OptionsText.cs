using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Ard.Trainers.Settings;

/// <summary>What is called by its name and has settings as properties, such as a training method.</summary>
internal interface INamed
{
    string Name { get; }

    /// <summary>What tells it from others of the same name and settings; as a rule the name.</summary>
    string Description { get; }
}

/// <summary>Settings in full, one by one, such as <c>Optimizer.Momentum</c> and <c>0.9</c>.</summary>
internal static class OptionsText
{
    private const string NotSet = "not set";

    /// <summary>The settings as lines of text, <c>Optimizer.Momentum: 0.9</c>.</summary>
    public static IEnumerable<string> Lines(string path, object? value) => All(path, value).Select(line => $"{line.Path}: {line.Value}");

    /// <summary>
    /// What differs between settings here and there, by name. A file from before there was a setting has none: it was not set.
    /// </summary>
    public static IEnumerable<string> Differences(
        IReadOnlyDictionary<string, string> some, IReadOnlyDictionary<string, string> others, string here, string there) =>
        from name in others.Keys.Union(some.Keys)
        let values = (One: some.GetValueOrDefault(name), Other: others.GetValueOrDefault(name))
        where (values.One ?? NotSet) != (values.Other ?? NotSet)
        select $"{name}: {values.One ?? "nothing"} {here}, {values.Other ?? "nothing"} {there}";

    /// <summary>The settings of an options record in one line, <c>Steps 20, Restarts 1</c>, without those that are functions.</summary>
    public static string Line(object options) =>
        string.Join(", ", Settings(options).Where(setting => !setting.PropertyType.IsAssignableTo(typeof(Delegate)))
            .SelectMany(setting => All("", options, setting)).Select(line => $"{line.Path} {line.Value}"));

    /// <summary>The settings of an options record by their names in it.</summary>
    public static IEnumerable<(string Path, string Value)> All(object options) =>
        Settings(options).SelectMany(setting => All("", options, setting));

    /// <summary>A value, or all settings in it where it is a record of them, by their paths.</summary>
    public static IEnumerable<(string Path, string Value)> All(string path, object? value)
    {
        var named = value as INamed;
        if (named is null && !IsRecordOfSettings(value)) return [(path, Text(value))];
        var settings = Settings(value!).SelectMany(setting => All($"{path}.", value!, setting));
        return named is null ? settings : settings.Prepend((path, named.Description));
    }

    // Of one kind of several, such as of optimizers, the kind comes first.
    private static IEnumerable<(string Path, string Value)> All(string prefix, object options, PropertyInfo setting)
    {
        var (path, value) = (prefix + setting.Name, setting.GetValue(options));
        return setting.PropertyType.IsAbstract && value is not INamed && IsRecordOfSettings(value)
            ? All(path, value).Prepend((path, value!.GetType().Name)) : All(path, value);
    }

    // What everything of that kind has, such as its name, is no setting, nor is what changes later.
    private static IEnumerable<PropertyInfo> Settings(object value) => value.GetType()
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => value is not INamed || property.GetMethod!.GetBaseDefinition().DeclaringType!.BaseType != typeof(object))
        .Where(property => property.SetMethod?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ?? true);

    // A record that has no text of its own but the one that the compiler gives it.
    private static bool IsRecordOfSettings(object? value) => value?.GetType() is { } type
        && type.Assembly == typeof(OptionsText).Assembly
        && type.GetMethod(nameof(ToString), Type.EmptyTypes)!.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false);

    private static string Text(object? value) => value switch
    {
        null => NotSet,
        string text => text,
        INamed named => named.Name,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable items => string.Join(", ", items.Cast<object?>().Select(Text).DefaultIfEmpty("none")),
        _ => value.ToString()!,
    };
}
