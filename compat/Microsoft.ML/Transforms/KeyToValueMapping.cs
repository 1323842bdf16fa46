// Stands in for Microsoft.ML.Data: MapKeyToValue, from keys to the values that the column's KeyValues annotation gives them.
using Microsoft.ML.Data;
using Microsoft.ML.Internal;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: Microsoft.ML.LoadableClass(typeof(KeyToValueMappingTransformer), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Key to value mapping", KeyToValueMappingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

public sealed class KeyToValueMappingEstimator : TrivialEstimator<KeyToValueMappingTransformer>
{
    private readonly InputOutputColumnPair[] _columns;

    internal KeyToValueMappingEstimator(InputOutputColumnPair[] columns)
        : base(new KeyToValueMappingTransformer(columns)) => _columns = columns;

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return inputSchema.With(_columns.Select(pair =>
        {
            var input = inputSchema.Find("input", pair.InputColumnName);
            if (!input.IsKey) throw SchemaErrors.Mismatch("input", input.Name, "KeyType", input.GetTypeString());
            if (!input.Annotations.TryFindColumn(AnnotationKinds.KeyValues, out var values))
                throw new ArgumentOutOfRangeException(nameof(inputSchema),
                    $"Input column '{input.Name}' doesn't contain key values metadata");
            var kept = input.Annotations.TryFindColumn(AnnotationKinds.SlotNames, out var slotNames)
                ? new SchemaShape(new[] { slotNames })
                : SchemaShape.Empty;
            return new SchemaShape.Column(pair.OutputColumnName, input.Kind, values.ItemType, values.IsKey, kept);
        }));
    }
}

public sealed class KeyToValueMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "KeyToValueTransform";

    internal KeyToValueMappingTransformer(InputOutputColumnPair[] columns)
        : base(columns ?? throw new ArgumentNullException(nameof(columns))) { }

    private protected override MappedColumn MapColumn(DataViewSchema.Column input, string output, int index)
    {
        if (input.Annotations.Schema.GetColumnOrNull(AnnotationKinds.KeyValues) is not { Type: VectorDataViewType valuesType })
            throw new InvalidOperationException("Metadata KeyValues does not exist");
        if (ColumnTypes.ItemTypeOf(input.Type) is not KeyDataViewType key)
            throw SchemaErrors.Mismatch("input", input.Name, "KeyType", input.Type.ToString());
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(input.Annotations, kind => kind == AnnotationKinds.SlotNames);
        var column = new DataViewSchema.DetachedColumn(output, ColumnTypes.WithItem(input.Type, valuesType.ItemType),
            annotations.ToAnnotations());
        var createGetter = (Func<DataViewRow, Delegate>)Generic.Invoke(typeof(KeyToValueMappingTransformer), null, nameof(GetterFactory),
            new[] { key.RawType, valuesType.ItemType.RawType }, input);
        return new MappedColumn(column, new[] { input.Index }, createGetter);
    }

    private static Func<DataViewRow, Delegate> GetterFactory<TKey, TValue>(DataViewSchema.Column input) where TKey : unmanaged
    {
        VBuffer<TValue> buffer = default;
        input.Annotations.GetValue(AnnotationKinds.KeyValues, ref buffer);
        var values = new TValue[buffer.Length];
        buffer.CopyTo(values);
        var missing = Conversions.Missing<TValue>();
        var toIndex = (ValueMapper<TKey, ulong>)Conversions.Find(typeof(TKey), typeof(ulong));
        TValue ValueOf(in TKey key)
        {
            ulong index = 0;
            toIndex(in key, ref index);
            return index > 0 && index <= (ulong)values.Length ? values[index - 1] : missing;
        }

        return row =>
        {
            if (input.Type is not VectorDataViewType)
            {
                var get = row.GetGetter<TKey>(input);
                TKey key = default;
                return (ValueGetter<TValue>)((ref TValue value) =>
                {
                    get(ref key);
                    value = ValueOf(in key);
                });
            }
            var getVector = row.GetGetter<VBuffer<TKey>>(input);
            VBuffer<TKey> keys = default;
            return (ValueGetter<VBuffer<TValue>>)((ref VBuffer<TValue> result) =>
            {
                getVector(ref keys);
                if (!keys.IsDense) keys.CopyToDense(ref keys);
                var editor = VBufferEditor.Create(ref result, keys.Length);
                for (int i = 0; i < keys.Length; i++) editor.Values[i] = ValueOf(in keys.GetValues()[i]);
                result = editor.Commit();
            });
        };
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(new VersionInfo("KEY2VALT", 0x00010001, 0x00010001, 0x00010001, GetType().Assembly.FullName, LoaderSignature));
        ctx.SaveColumns(Columns);
    }

    private static KeyToValueMappingTransformer Create(IHostEnvironment env, ModelLoadContext ctx) => new(ctx.LoadColumns());
}
