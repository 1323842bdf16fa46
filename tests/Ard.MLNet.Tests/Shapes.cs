namespace Ard.MLNet.Tests;

/// <summary>Schemas as texts: what an estimator promises, and what a transformer gives.</summary>
internal static class Shapes
{
    /// <summary>The shape of a schema, as ML.NET makes it for an estimator whose input it is.</summary>
    public static SchemaShape Of(MLContext ml, IDataView data)
    {
        // A chain derives the shape of its input from the data before it fits its steps.
        var capture = new Capture();
        capture.Append(ml.Transforms.CopyColumns("Copy", data.Schema[0].Name)).Fit(data);
        return capture.Shape!;
    }

    public static IEnumerable<string> Text(SchemaShape shape) => Ordered(shape.Select(Text));

    /// <summary>The visible columns of a schema, in the words of <see cref="Text(SchemaShape)"/>.</summary>
    public static IEnumerable<string> Text(DataViewSchema schema) => Ordered(schema.Where(column => !column.IsHidden).Select(column =>
        $"{column.Name} {Kind(column.Type)} {List(column.Annotations.Schema.Select(a => $"{a.Name} {Kind(a.Type)}"))}"));

    private static string Text(SchemaShape.Column column) =>
        $"{column.Name} {Kind(column)} {List(column.Annotations.Select(a => $"{a.Name} {Kind(a)}"))}";

    private static string List(IEnumerable<string> texts) => $"[{string.Join(", ", Ordered(texts))}]";

    private static IEnumerable<string> Ordered(IEnumerable<string> texts) => texts.Order(StringComparer.Ordinal);

    private static string Kind(SchemaShape.Column column) => $"{column.Kind} {column.ItemType}{(column.IsKey ? " key" : "")}";

    private static string Kind(DataViewType type)
    {
        var (kind, item) = type is VectorDataViewType vector ? (vector.IsKnownSize ? "Vector" : "VariableVector", vector.ItemType)
            : ("Scalar", type);
        return item is KeyDataViewType key ? $"{kind} {Number(key.RawType)} key" : $"{kind} {item}";
    }

    private static DataViewType Number(Type type) => type == typeof(uint) ? NumberDataViewType.UInt32 : NumberDataViewType.Byte;

    /// <summary>An estimator that does nothing and keeps the shape that it is asked about.</summary>
    private sealed class Capture : IEstimator<ITransformer>
    {
        public SchemaShape? Shape { get; private set; }

        public ITransformer Fit(IDataView input) => new TransformerChain<ITransformer>();

        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => Shape = inputSchema;
    }
}
