using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

namespace Ard.MLNet.Schema;

/// <summary>Label columns of text, numbers or truth values, which ML.NET's MapValueToKey makes keys.</summary>
internal static class LabelKeys
{
    public const string Expected = "a key, text, a number or a truth value";

    /// <summary>What makes a label column a key of its own values, in their rising order; null where it is a key.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing, or a vector, or of another type.</exception>
    public static ITransformer? Learn(IHostEnvironment env, IDataView data, string column)
    {
        var label = SchemaErrors.Find(data.Schema, "label", column);
        if (label.Type is KeyDataViewType) return null;
        if (!ClassLabels.CanName(label.Type)) throw SchemaErrors.Mismatch("label", column, Expected, label.Type);
        return env.Transforms.Conversion.MapValueToKey(column, keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(data);
    }

    /// <summary>The same data with a label column that is a key of these classes, where it has their values.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing, or its values are of another type than these.</exception>
    public static IDataView Map(IHostEnvironment env, IDataView data, string column, ClassLabels classes)
    {
        var label = SchemaErrors.Find(data.Schema, "label", column);
        if (label.Type is KeyDataViewType) return data;
        var known = new TableDataView(classes.Count, Values(column, label.Type, classes));
        return env.Transforms.Conversion.MapValueToKey(column, keyData: known).Fit(data).Transform(data);
    }

    /// <summary>The values of the classes, as a label column that is no key has them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Its values are of another type than these.</exception>
    public static TableDataView.Column Values(string column, DataViewType type, ClassLabels classes) =>
        classes.ValueColumn("Value") is { } values && values.Type.Equals(type)
            ? values
            : throw SchemaErrors.Mismatch("label", column, $"a key, or {classes.KindName ?? "numbers"} as {classes} has", type);
}
