using Ard.MLNet.Data;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Ard.MLNet.Schema;

/// <summary>
/// Feature columns of bytes or images in the schemas that estimators promise. What makes these schemas, trainers of ML.NET, knows floats
/// only: for it such a column becomes one of floats, and afterwards is what it was.
/// </summary>
internal static class FeatureShapes
{
    /// <summary>What an estimator promises of a schema with a feature column of any kind.</summary>
    /// <param name="mlContext">The context.</param>
    /// <param name="input">The schema before the estimator.</param>
    /// <param name="name">The feature column.</param>
    /// <param name="promise">What it promises where the column has floats.</param>
    /// <exception cref="ArgumentOutOfRangeException">The column is of another kind.</exception>
    public static SchemaShape OutputShape(MLContext mlContext, SchemaShape input, string name, Func<SchemaShape, SchemaShape> promise)
    {
        var column = input.FirstOrDefault(column => column.Name == name);
        // What is missing the trainers of ML.NET say in words that users know.
        if (column.Name is null || (column.Kind == SchemaShape.Column.VectorKind.Vector && column.ItemType == NumberDataViewType.Single))
            return promise(input);
        var found = column.Kind == SchemaShape.Column.VectorKind.Scalar ? $"{column.ItemType}" : $"Vector<{column.ItemType}>";
        // Here a pipeline fails first that lacks something; ML.NET's own message would not say what.
        var hint = column.Kind == SchemaShape.Column.VectorKind.VariableVector ? SchemaErrors.SizeHint : "";
        IEstimator<ITransformer> toFloats = (column.Kind, column.ItemType) switch
        {
            (SchemaShape.Column.VectorKind.Scalar, ImageDataViewType) => mlContext.Transforms.ExtractPixels(name),
            (SchemaShape.Column.VectorKind.Vector, var item) when item == NumberDataViewType.Byte =>
                mlContext.Transforms.Conversion.ConvertType(name),
            _ => throw SchemaErrors.Mismatch("feature", name, ImageColumn.Kinds, found + hint),
        };
        return new SchemaShape(promise(toFloats.GetOutputSchema(input)).Select(each => each.Name == name ? column : each));
    }
}
