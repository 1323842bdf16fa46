// Stands in for Microsoft.ML.Data: ConvertType, between numbers, booleans and text.
using Microsoft.ML.Data;
using Microsoft.ML.Internal;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: Microsoft.ML.LoadableClass(typeof(TypeConvertingTransformer), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Type conversion", TypeConvertingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

public sealed class TypeConvertingEstimator : TrivialEstimator<TypeConvertingTransformer>
{
    private readonly InputOutputColumnPair[] _columns;
    private readonly DataKind _kind;

    internal TypeConvertingEstimator(InputOutputColumnPair[] columns, DataKind kind) : base(new TypeConvertingTransformer(columns, kind))
    {
        _columns = columns;
        _kind = kind;
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return inputSchema.With(_columns.Select(pair =>
        {
            var input = inputSchema.Find("input", pair.InputColumnName);
            var target = ColumnTypes.Of(_kind);
            bool keepsKey = input.IsKey && KeyDataViewType.IsValidDataType(target.RawType);
            if (Conversions.Find(input.ItemType.RawType, target.RawType) == null || (input.IsKey && !keepsKey))
                throw new ArgumentOutOfRangeException(nameof(inputSchema), $"Don't know how to convert {input.Name} into {_kind}");
            var kept = input.Annotations.Where(a => a.Name == AnnotationKinds.SlotNames
                || (keepsKey && a.Name == AnnotationKinds.KeyValues));
            return new SchemaShape.Column(pair.OutputColumnName, input.Kind, target, keepsKey, new SchemaShape(kept));
        }));
    }
}

public sealed class TypeConvertingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "ConvertTransform";

    private readonly DataKind _kind;

    internal TypeConvertingTransformer(InputOutputColumnPair[] columns, DataKind kind)
        : base(columns ?? throw new ArgumentNullException(nameof(columns)))
    {
        ColumnTypes.Of(kind);
        _kind = kind;
    }

    private protected override MappedColumn MapColumn(DataViewSchema.Column input, string output, int index)
    {
        var source = ColumnTypes.ItemTypeOf(input.Type);
        var target = ColumnTypes.Of(_kind);
        bool fits = Conversions.Find(source.RawType, target.RawType) != null;
        if (source is KeyDataViewType key)
        {
            fits = fits && KeyDataViewType.IsValidDataType(target.RawType) && key.Count <= KeyDataViewType.MaximumCount(target.RawType);
            if (fits) target = new KeyDataViewType(target.RawType, key.Count);
        }
        if (!fits)
        {
            throw new ArgumentOutOfRangeException("inputSchema",
                $"source column '{input.Name}' with item type '{source}' is not compatible with destination type '{target}'");
        }
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(input.Annotations, kind => kind == AnnotationKinds.SlotNames
            || (target is KeyDataViewType && kind == AnnotationKinds.KeyValues));
        var column = new DataViewSchema.DetachedColumn(output, ColumnTypes.WithItem(input.Type, target), annotations.ToAnnotations());
        return new MappedColumn(column, new[] { input.Index }, row =>
            (Delegate)Generic.Invoke(typeof(TypeConvertingTransformer), null, nameof(Getter),
            new[] { source.RawType, target.RawType }, row, input));
    }

    private static Delegate Getter<TSource, TDestination>(DataViewRow row, DataViewSchema.Column input)
    {
        var convert = (ValueMapper<TSource, TDestination>)Conversions.Find(typeof(TSource), typeof(TDestination));
        if (input.Type is not VectorDataViewType)
        {
            var get = row.GetGetter<TSource>(input);
            TSource source = default;
            return (ValueGetter<TDestination>)((ref TDestination destination) =>
            {
                get(ref source);
                convert(in source, ref destination);
            });
        }
        var getVector = row.GetGetter<VBuffer<TSource>>(input);
        VBuffer<TSource> values = default;
        return (ValueGetter<VBuffer<TDestination>>)((ref VBuffer<TDestination> result) =>
        {
            getVector(ref values);
            if (!values.IsDense) values.CopyToDense(ref values);
            var editor = VBufferEditor.Create(ref result, values.Length);
            var from = values.GetValues();
            for (int i = 0; i < from.Length; i++) convert(in from[i], ref editor.Values[i]);
            result = editor.Commit();
        });
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(new VersionInfo("CONVERTF", 0x00010001, 0x00010001, 0x00010001, GetType().Assembly.FullName, LoaderSignature));
        ctx.SaveColumns(Columns);
        ctx.Writer.Write((byte)_kind);
    }

    private static TypeConvertingTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        new(ctx.LoadColumns(), (DataKind)ctx.Reader.ReadByte());
}
