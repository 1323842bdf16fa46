using Ard.MLNet.Data;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Ard.MLNet.Schema;

/// <summary>Label columns of text, numbers or truth values, which ML.NET's MapValueToKey makes keys.</summary>
internal static class LabelKeys
{
    private const string Expected = "a key, text, a number or a truth value";

    /// <summary>Checks that a column which is no key can be made one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It cannot.</exception>
    public static void Check(SchemaShape.Column label)
    {
        if (label.Kind == SchemaShape.Column.VectorKind.Scalar && ClassLabels.CanName(label.ItemType)) return;
        var found = label.Kind == SchemaShape.Column.VectorKind.Scalar ? $"{label.ItemType}" : $"Vector<{label.ItemType}>";
        throw SchemaErrors.Mismatch("label", label.Name, Expected, found);
    }

    /// <summary>What makes a label column a key of its own values, in their rising order; null where it is a key.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing, or a vector, or of another type.</exception>
    public static ITransformer? Learn(MLContext mlContext, IDataView data, string column)
    {
        var label = SchemaErrors.Find(data.Schema, "label", column);
        if (label.Type is KeyDataViewType) return null;
        if (!ClassLabels.CanName(label.Type)) throw SchemaErrors.Mismatch("label", column, Expected, label.Type);
        return mlContext.Transforms.Conversion
            .MapValueToKey(column, keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(data);
    }

    /// <summary>The same data with a label column that is a key of these classes, where it has their values.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing, or its values are of another type than these.</exception>
    public static IDataView Map(MLContext mlContext, IDataView data, string column, ClassLabels classes)
    {
        var label = SchemaErrors.Find(data.Schema, "label", column);
        if (label.Type is KeyDataViewType) return data;
        var values = classes.ValueColumn("Value");
        if (values?.Type.Equals(label.Type) != true)
            throw SchemaErrors.Mismatch("label", column, $"a key, or {classes.KindName ?? "numbers"} as {classes} has", label.Type);
        var known = new TableDataView(classes.Count, values);
        return mlContext.Transforms.Conversion.MapValueToKey(column, keyData: known).Fit(data).Transform(data);
    }
}
