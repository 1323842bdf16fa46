using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using VectorKind = Microsoft.ML.SchemaShape.Column.VectorKind;

namespace Ard.MLNet.Schema;

/// <summary>
/// The schemas that estimators promise. Only ML.NET's own trainers can make them, and these know features of floats and labels that are
/// keys: for them other columns become such, and afterwards are what they were.
/// </summary>
internal static class PromisedShapes
{
    /// <summary>What a trainer of classifiers promises, with feature and label columns of any kind.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another kind.</exception>
    public static SchemaShape OfTrainer(IHostEnvironment env, SchemaShape input, string features, string label) => WithFloats(
        env, input, features, shape => WithKeys(
            env, shape, label, env.MulticlassClassification.Trainers.NaiveBayes(label, features).GetOutputSchema));

    /// <summary>What an estimator promises with a feature column of any kind, by what it promises where that has floats.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The column is of another kind.</exception>
    public static SchemaShape WithFloats(IHostEnvironment env, SchemaShape input, string name, Func<SchemaShape, SchemaShape> promise)
    {
        var column = input.FirstOrDefault(column => column.Name == name);
        // What is missing the trainers of ML.NET say in words that users know.
        if (column.Name is null || (column.Kind == VectorKind.Vector && column.ItemType == NumberDataViewType.Single))
            return promise(input);
        // Here a pipeline fails first that lacks something; ML.NET's own message would not say what.
        var hint = column.Kind == VectorKind.VariableVector ? SchemaErrors.SizeHint : "";
        IEstimator<ITransformer> toFloats = (column.Kind, column.ItemType) switch
        {
            (VectorKind.Scalar, ImageDataViewType) => env.Transforms.ExtractPixels(name),
            (VectorKind.Vector, var item) when item == NumberDataViewType.Byte => env.Transforms.Conversion.ConvertType(name),
            _ => throw SchemaErrors.Mismatch("feature", name, ImageColumn.Kinds, Found(column) + hint),
        };
        return Replaced(promise(toFloats.GetOutputSchema(input)), column);
    }

    private static SchemaShape WithKeys(IHostEnvironment env, SchemaShape input, string name, Func<SchemaShape, SchemaShape> promise)
    {
        var label = input.FirstOrDefault(each => each.Name == name);
        if (label.Name is null || label.IsKey) return promise(input);
        if (label.Kind != VectorKind.Scalar || !ClassLabels.CanName(label.ItemType))
            throw SchemaErrors.Mismatch("label", name, LabelKeys.Expected, Found(label));
        return Replaced(promise(env.Transforms.Conversion.MapValueToKey(name).GetOutputSchema(input)), label);
    }

    private static SchemaShape Replaced(SchemaShape shape, SchemaShape.Column column) =>
        new(shape.Select(each => each.Name == column.Name ? column : each));

    private static string Found(SchemaShape.Column column) =>
        column.Kind == VectorKind.Scalar ? $"{column.ItemType}" : $"Vector<{column.ItemType}>";
}
