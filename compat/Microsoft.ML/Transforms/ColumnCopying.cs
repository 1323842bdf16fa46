// Stands in for Microsoft.ML.Data: CopyColumns.
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: Microsoft.ML.LoadableClass(typeof(ColumnCopyingTransformer), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Column copying", ColumnCopyingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

public sealed class ColumnCopyingEstimator : TrivialEstimator<ColumnCopyingTransformer>
{
    private readonly InputOutputColumnPair[] _columns;

    internal ColumnCopyingEstimator(InputOutputColumnPair[] columns) : base(new ColumnCopyingTransformer(columns)) => _columns = columns;

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return inputSchema.With(_columns.Select(pair => inputSchema.Find("input", pair.InputColumnName).Renamed(pair.OutputColumnName)));
    }
}

public sealed class ColumnCopyingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "CopyTransform";

    internal ColumnCopyingTransformer(InputOutputColumnPair[] columns) : base(columns) { }

    private protected override MappedColumn MapColumn(DataViewSchema.Column input, string output, int index) =>
        new(new DataViewSchema.DetachedColumn(output, input.Type, input.Annotations), new[] { input.Index }, row =>
            Rows.GetGetter(row, input));

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(new VersionInfo("COPYCOLT", 0x00010001, 0x00010001, 0x00010001, GetType().Assembly.FullName, LoaderSignature));
        ctx.SaveColumns(Columns);
    }

    private static ColumnCopyingTransformer Create(IHostEnvironment env, ModelLoadContext ctx) => new(ctx.LoadColumns());
}
