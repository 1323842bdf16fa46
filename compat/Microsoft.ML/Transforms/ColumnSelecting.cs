// Stands in for Microsoft.ML.Data: SelectColumns and DropColumns.
using Microsoft.ML.Data;
using Microsoft.ML.Internal;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: Microsoft.ML.LoadableClass(typeof(ColumnSelectingTransformer), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Column selection", ColumnSelectingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

public sealed class ColumnSelectingEstimator : TrivialEstimator<ColumnSelectingTransformer>
{
    private readonly string[] _names;
    private readonly bool _drops;

    internal ColumnSelectingEstimator(string[] names, bool drops, bool keepHidden)
        : base(new ColumnSelectingTransformer(names, drops, keepHidden))
    {
        _names = names;
        _drops = drops;
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        foreach (string name in _names) inputSchema.Find("input", name);
        return new SchemaShape(inputSchema.Where(c => _names.Contains(c.Name) != _drops));
    }
}

public sealed class ColumnSelectingTransformer : ITransformer
{
    internal const string LoaderSignature = "SelectColumnsTransform";

    private readonly string[] _names;
    private readonly bool _drops;
    private readonly bool _keepHidden;

    internal ColumnSelectingTransformer(string[] names, bool drops, bool keepHidden)
    {
        _names = names ?? throw new ArgumentNullException("columnNames");
        _drops = drops;
        _keepHidden = keepHidden;
    }

    bool ITransformer.IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Project(inputSchema).OutputSchema;

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ProjectedDataView(input, Project(input.Schema));
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => Project(inputSchema);

    private Projection Project(DataViewSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        foreach (string name in _names) schema.Find("input", name);
        var visible = schema.Where(c => _keepHidden || !c.IsHidden);
        // Columns of one name stand together, the visible one last.
        var names = _drops ? visible.Select(c => c.Name).Distinct().Except(_names) : _names;
        return new Projection(schema, names.SelectMany(name => visible.Where(c => c.Name == name)).Select(c => c.Index).ToArray());
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(new VersionInfo("SELCOLST", 0x00010001, 0x00010001, 0x00010001, GetType().Assembly.FullName, LoaderSignature));
        ctx.Writer.Write(_drops);
        ctx.Writer.Write(_keepHidden);
        ctx.Writer.Write(_names.Length);
        foreach (string name in _names) ctx.Writer.Write(name);
    }

    private static ColumnSelectingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        bool drops = ctx.Reader.ReadBoolean();
        bool keepHidden = ctx.Reader.ReadBoolean();
        var names = new string[Codec.CheckCount(ctx.Reader.ReadInt32(), 1 << 20, "columns")];
        for (int i = 0; i < names.Length; i++) names[i] = ctx.Reader.ReadString();
        return new ColumnSelectingTransformer(names, drops, keepHidden);
    }
}
