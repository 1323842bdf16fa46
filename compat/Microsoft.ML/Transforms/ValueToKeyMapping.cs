// Stands in for Microsoft.ML.Data: MapValueToKey, from values to the keys 1, 2, 3 …
using Microsoft.ML.Data;
using Microsoft.ML.Internal;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: Microsoft.ML.LoadableClass(typeof(ValueToKeyMappingTransformer), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Value to key mapping", ValueToKeyMappingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

public sealed class ValueToKeyMappingEstimator : IEstimator<ValueToKeyMappingTransformer>
{
    public enum KeyOrdinality : byte
    {
        ByOccurrence = 0,
        ByValue = 1,
    }

    private readonly InputOutputColumnPair[] _columns;
    private readonly int _maximumKeys;
    private readonly KeyOrdinality _ordinality;
    private readonly bool _asText;
    private readonly IDataView _keyData;

    internal ValueToKeyMappingEstimator(InputOutputColumnPair[] columns, int maximumKeys, KeyOrdinality ordinality, bool asText,
        IDataView keyData)
    {
        ArgumentNullException.ThrowIfNull(columns);
        if (maximumKeys <= 0) throw new ArgumentOutOfRangeException("maximumNumberOfKeys", "Must be positive");
        if (keyData != null && keyData.Schema.Count(c => !c.IsHidden) != 1)
            throw new ArgumentOutOfRangeException(nameof(keyData), "If specified, this data should contain only a single column.");
        _columns = columns;
        _maximumKeys = maximumKeys;
        _ordinality = ordinality;
        _asText = asText;
        _keyData = keyData;
    }

    public ValueToKeyMappingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var maps = new List<KeyMap>();
        foreach (var pair in _columns)
        {
            var column = input.Schema.Find("input", pair.InputColumnName);
            var item = ColumnTypes.ItemTypeOf(column.Type);
            if (item is not PrimitiveDataViewType primitive)
                throw SchemaErrors.Mismatch("input", column.Name, "vector or scalar of primitive values", column.Type.ToString());
            var keyColumn = _keyData?.Schema.First(c => !c.IsHidden);
            if (keyColumn is { } keys && !ColumnTypes.ItemTypeOf(keys.Type).Equals(item))
                throw new ArgumentOutOfRangeException("keyData",
                    $"The column '{keys.Name}' of type {keys.Type} does not hold keys for '{column.Name}' of type {column.Type}.");
            maps.Add(KeyMap.Build(_keyData ?? input, keyColumn ?? column, primitive, _maximumKeys, _ordinality));
        }
        return new ValueToKeyMappingTransformer(_columns, maps.ToArray(), _asText);
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return inputSchema.With(_columns.Select(pair =>
        {
            var input = inputSchema.Find("input", pair.InputColumnName);
            if (input.ItemType is not PrimitiveDataViewType)
                throw SchemaErrors.Mismatch("input", input.Name, "vector or scalar of primitive values", input.GetTypeString());
            var annotations = new List<SchemaShape.Column>();
            if (input.Annotations.TryFindColumn(AnnotationKinds.SlotNames, out var slotNames)) annotations.Add(slotNames);
            annotations.Add(new SchemaShape.Column(AnnotationKinds.KeyValues, SchemaShape.Column.VectorKind.Vector,
                _asText ? TextDataViewType.Instance : input.ItemType, !_asText && input.IsKey));
            return new SchemaShape.Column(pair.OutputColumnName, input.Kind, NumberDataViewType.UInt32, true, new SchemaShape(annotations));
        }));
    }
}

public sealed class ValueToKeyMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "TermTransform";

    private readonly KeyMap[] _maps;
    private readonly bool _asText;

    internal ValueToKeyMappingTransformer(InputOutputColumnPair[] columns, KeyMap[] maps, bool asText) : base(columns)
    {
        _maps = maps;
        _asText = asText;
    }

    private protected override MappedColumn MapColumn(DataViewSchema.Column input, string output, int index)
    {
        var map = _maps[index];
        var item = ColumnTypes.ItemTypeOf(input.Type);
        if (!item.Equals(map.ItemType) && !(item is KeyDataViewType && item.RawType == map.ItemType.RawType))
            throw SchemaErrors.Mismatch("input", input.Name, map.ItemType.ToString(), input.Type.ToString());
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(input.Annotations, kind => kind == AnnotationKinds.SlotNames);
        map.AddKeyValues(annotations, _asText);
        var type = ColumnTypes.WithItem(input.Type, new KeyDataViewType(typeof(uint), Math.Max(map.Count, 1)));
        return new MappedColumn(new DataViewSchema.DetachedColumn(output, type, annotations.ToAnnotations()), new[] { input.Index }, row =>
            map.CreateGetter(row, input));
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(new VersionInfo("TERMTRNF", 0x00010001, 0x00010001, 0x00010001, GetType().Assembly.FullName, LoaderSignature));
        ctx.SaveColumns(Columns);
        ctx.Writer.Write(_asText);
        foreach (var map in _maps) map.Save(ctx.Writer);
    }

    private static ValueToKeyMappingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var columns = ctx.LoadColumns();
        bool asText = ctx.Reader.ReadBoolean();
        return new ValueToKeyMappingTransformer(columns, columns.Select(_ => KeyMap.Load(ctx.Reader)).ToArray(), asText);
    }
}

/// <summary>The distinct values of a column, in the order of their keys.</summary>
internal abstract class KeyMap
{
    public PrimitiveDataViewType ItemType { get; private init; }

    public abstract int Count { get; }

    public abstract void AddKeyValues(DataViewSchema.Annotations.Builder annotations, bool asText);

    public abstract Delegate CreateGetter(DataViewRow row, DataViewSchema.Column input);

    public void Save(BinaryWriter writer)
    {
        Codec.WriteType(writer, ItemType);
        SaveValues(writer);
    }

    protected abstract void SaveValues(BinaryWriter writer);

    public static KeyMap Load(BinaryReader reader)
    {
        var type = (PrimitiveDataViewType)Codec.ReadType(reader);
        return (KeyMap)Generic.Invoke(typeof(KeyMap), nameof(LoadValues), type.RawType, reader, type);
    }

    private static KeyMap LoadValues<T>(BinaryReader reader, PrimitiveDataViewType type) =>
        new Typed<T>(Codec.ReadValues<T>(reader)) { ItemType = type };

    public static KeyMap Build(IDataView data, DataViewSchema.Column column, PrimitiveDataViewType type, int maximum,
        ValueToKeyMappingEstimator.KeyOrdinality ordinality) =>
        (KeyMap)Generic.Invoke(typeof(KeyMap), nameof(BuildTyped), type.RawType, data, column, type, maximum, ordinality);

    private static KeyMap BuildTyped<T>(IDataView data, DataViewSchema.Column column, PrimitiveDataViewType type, int maximum,
        ValueToKeyMappingEstimator.KeyOrdinality ordinality)
    {
        var seen = new HashSet<T>(Equality<T>());
        var values = new List<T>();
        var isMissing = Conversions.IsMissing<T>(type);
        void Take(T value)
        {
            if (values.Count < maximum && !isMissing(value) && seen.Add(value)) values.Add(value);
        }

        using var cursor = data.GetRowCursor(new[] { column });
        if (column.Type is VectorDataViewType)
        {
            var get = cursor.GetGetter<VBuffer<T>>(column);
            VBuffer<T> buffer = default;
            while (cursor.MoveNext())
            {
                get(ref buffer);
                if (!buffer.IsDense) buffer.CopyToDense(ref buffer);
                foreach (var value in buffer.GetValues()) Take(value);
            }
        }
        else
        {
            var get = cursor.GetGetter<T>(column);
            T value = default;
            while (cursor.MoveNext())
            {
                get(ref value);
                Take(value);
            }
        }
        if (ordinality == ValueToKeyMappingEstimator.KeyOrdinality.ByValue) values.Sort(Order<T>());
        return new Typed<T>(values.ToArray()) { ItemType = type };
    }

    private static IEqualityComparer<T> Equality<T>() =>
        typeof(T) == typeof(ReadOnlyMemory<char>) ? (IEqualityComparer<T>)(object)TextComparer.Instance : EqualityComparer<T>.Default;

    private static IComparer<T> Order<T>() =>
        typeof(T) == typeof(ReadOnlyMemory<char>) ? (IComparer<T>)(object)TextComparer.Instance : Comparer<T>.Default;

    private sealed class TextComparer : IEqualityComparer<ReadOnlyMemory<char>>, IComparer<ReadOnlyMemory<char>>
    {
        public static readonly TextComparer Instance = new();

        public bool Equals(ReadOnlyMemory<char> x, ReadOnlyMemory<char> y) => x.Span.SequenceEqual(y.Span);

        public int GetHashCode(ReadOnlyMemory<char> text) => string.GetHashCode(text.Span);

        public int Compare(ReadOnlyMemory<char> x, ReadOnlyMemory<char> y) => x.Span.CompareTo(y.Span, StringComparison.Ordinal);
    }

    private sealed class Typed<T> : KeyMap
    {
        private readonly T[] _values;
        private readonly Dictionary<T, uint> _keys = new(Equality<T>());

        public Typed(T[] values)
        {
            _values = values;
            for (int i = 0; i < values.Length; i++)
                if (!_keys.TryAdd(values[i], (uint)i + 1)) throw new FormatException($"The value '{values[i]}' has two keys.");
        }

        public override int Count => _values.Length;

        public override void AddKeyValues(DataViewSchema.Annotations.Builder annotations, bool asText)
        {
            if (_values.Length == 0) return;
            if (asText && Conversions.Find(typeof(T), typeof(ReadOnlyMemory<char>)) is ValueMapper<T, ReadOnlyMemory<char>> toText)
            {
                var texts = new ReadOnlyMemory<char>[_values.Length];
                for (int i = 0; i < texts.Length; i++) toText(in _values[i], ref texts[i]);
                annotations.AddVector(AnnotationKinds.KeyValues, TextDataViewType.Instance, texts);
            }
            else
            {
                annotations.AddVector(AnnotationKinds.KeyValues, ItemType, _values);
            }
        }

        public override Delegate CreateGetter(DataViewRow row, DataViewSchema.Column input)
        {
            if (input.Type is not VectorDataViewType)
            {
                var get = row.GetGetter<T>(input);
                T value = default;
                return (ValueGetter<uint>)((ref uint key) =>
                {
                    get(ref value);
                    key = _keys.GetValueOrDefault(value);
                });
            }
            var getVector = row.GetGetter<VBuffer<T>>(input);
            VBuffer<T> values = default;
            return (ValueGetter<VBuffer<uint>>)((ref VBuffer<uint> keys) =>
            {
                getVector(ref values);
                if (!values.IsDense) values.CopyToDense(ref values);
                var editor = VBufferEditor.Create(ref keys, values.Length);
                for (int i = 0; i < values.Length; i++) editor.Values[i] = _keys.GetValueOrDefault(values.GetValues()[i]);
                keys = editor.Commit();
            });
        }

        protected override void SaveValues(BinaryWriter writer) => Codec.WriteValues<T>(writer, _values);
    }
}
