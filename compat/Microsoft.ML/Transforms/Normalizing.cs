// Stands in for Microsoft.ML.Data and Microsoft.ML.Transforms: NormalizeMinMax, which maps what was seen at Fit into [-1, 1] or [0, 1].
using System.Numerics;
using Microsoft.ML.Data;
using Microsoft.ML.Internal;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: Microsoft.ML.LoadableClass(typeof(NormalizingTransformer), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Normalization", NormalizingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms
{
    public sealed class NormalizingEstimator : IEstimator<NormalizingTransformer>
    {
        private readonly InputOutputColumnPair[] _columns;
        private readonly long _maximumRows;
        private readonly bool _fixZero;

        internal NormalizingEstimator(InputOutputColumnPair[] columns, long maximumRows, bool fixZero)
        {
            ArgumentNullException.ThrowIfNull(columns);
            if (maximumRows <= 1) throw new ArgumentOutOfRangeException("maximumExampleCount", "Must be greater than 1");
            _columns = columns;
            _maximumRows = maximumRows;
            _fixZero = fixZero;
        }

        public NormalizingTransformer Fit(IDataView input)
        {
            ArgumentNullException.ThrowIfNull(input);
            var affines = _columns.Select(pair =>
            {
                var column = input.Schema.Find("input", pair.InputColumnName, "data");
                var item = ColumnTypes.ItemTypeOf(column.Type).RawType;
                if ((item != typeof(float) && item != typeof(double)) || column.Type is VectorDataViewType { IsKnownSize: false })
                {
                    throw new ArgumentOutOfRangeException("srcType",
                        "Wrong column type for input column. Expected: Single, Double, Vector of Single or Vector of Double. "
                        + $"Got: {column.Type}.");
                }
                return (AffineMap)Generic.Invoke(typeof(AffineMap), nameof(AffineMap.FitMinMax), item, input, column, _maximumRows,
                    _fixZero);
            }).ToArray();
            return new NormalizingTransformer(_columns, affines);
        }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            ArgumentNullException.ThrowIfNull(inputSchema);
            return inputSchema.With(_columns.Select(pair =>
            {
                var input = inputSchema.Find("input", pair.InputColumnName);
                if (input.Kind == SchemaShape.Column.VectorKind.VariableVector)
                    throw SchemaErrors.Mismatch("input", input.Name, "known-size vector or scalar", input.GetTypeString());
                if (input.IsKey || (!input.ItemType.Equals(NumberDataViewType.Single) && !input.ItemType.Equals(NumberDataViewType.Double)))
                    throw SchemaErrors.Mismatch("input", input.Name, "vector or scalar of Single or Double", input.GetTypeString());
                var annotations = new List<SchemaShape.Column>
                {
                    new(AnnotationKinds.IsNormalized, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, false),
                };
                if (input.Annotations.TryFindColumn(AnnotationKinds.SlotNames, out var slotNames)) annotations.Add(slotNames);
                return input.Renamed(pair.OutputColumnName, new SchemaShape(annotations));
            }));
        }
    }

    public sealed class NormalizingTransformer : OneToOneTransformerBase
    {
        internal const string LoaderSignature = "Normalizer";

        private readonly AffineMap[] _affines;

        internal NormalizingTransformer(InputOutputColumnPair[] columns, AffineMap[] affines) : base(columns) => _affines = affines;

        private protected override MappedColumn MapColumn(DataViewSchema.Column input, string output, int index)
        {
            var map = _affines[index];
            int size = input.Type is VectorDataViewType vector ? vector.Size : 1;
            if (ColumnTypes.ItemTypeOf(input.Type).RawType != map.RawType || size != map.Size)
            {
                string expected = map.Size == 1 ? map.RawType.Name : $"Vector<{map.RawType.Name}, {map.Size}>";
                throw SchemaErrors.Mismatch("input", input.Name, expected, input.Type.ToString());
            }
            var annotations = new DataViewSchema.Annotations.Builder();
            annotations.AddPrimitiveValue(AnnotationKinds.IsNormalized, BooleanDataViewType.Instance, true);
            annotations.Add(input.Annotations, kind => kind == AnnotationKinds.SlotNames);
            return new MappedColumn(new DataViewSchema.DetachedColumn(output, input.Type, annotations.ToAnnotations()),
                new[] { input.Index },
                row => map.CreateGetter(row, input));
        }

        private protected override void SaveModel(ModelSaveContext ctx)
        {
            ctx.SetVersionInfo(new VersionInfo("NORMALZR", 0x00010001, 0x00010001, 0x00010001, GetType().Assembly.FullName,
                LoaderSignature));
            ctx.SaveColumns(Columns);
            foreach (var affine in _affines) affine.Save(ctx.Writer);
        }

        private static NormalizingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
        {
            var columns = ctx.LoadColumns();
            return new NormalizingTransformer(columns, columns.Select(_ => AffineMap.Load(ctx.Reader)).ToArray());
        }
    }

    /// <summary>y = (x - offset) * scale, slot by slot.</summary>
    internal abstract class AffineMap
    {
        public abstract Type RawType { get; }

        public abstract int Size { get; }

        public abstract Delegate CreateGetter(DataViewRow row, DataViewSchema.Column input);

        public abstract void Save(BinaryWriter writer);

        public static AffineMap Load(BinaryReader reader) => reader.ReadBoolean() ? new Typed<double>(reader) : new Typed<float>(reader);

        public static AffineMap FitMinMax<T>(IDataView data, DataViewSchema.Column column, long maximumRows, bool fixZero)
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            bool isVector = column.Type is VectorDataViewType;
            int size = column.Type is VectorDataViewType vector ? vector.Size : 1;
            var min = new T[size];
            var max = new T[size];
            Array.Fill(min, T.PositiveInfinity);
            Array.Fill(max, T.NegativeInfinity);
            using (var cursor = data.GetRowCursor(new[] { column }))
            {
                var getVector = isVector ? cursor.GetGetter<VBuffer<T>>(column) : null;
                var getScalar = isVector ? null : cursor.GetGetter<T>(column);
                VBuffer<T> buffer = default;
                var values = new T[size];
                for (long row = 0; row < maximumRows && cursor.MoveNext(); row++)
                {
                    if (isVector)
                    {
                        getVector(ref buffer);
                        buffer.CopyTo(values);
                    }
                    else
                    {
                        getScalar(ref values[0]);
                    }
                    for (int i = 0; i < size; i++)
                    {
                        // A missing value says nothing about the range.
                        if (values[i] < min[i]) min[i] = values[i];
                        if (values[i] > max[i]) max[i] = values[i];
                    }
                }
            }
            var scale = new T[size];
            var offset = new T[size];
            for (int i = 0; i < size; i++)
            {
                // A slot of one value only has no range, and becomes 0.
                if (!(max[i] > min[i])) continue;
                offset[i] = fixZero ? T.Zero : min[i];
                scale[i] = T.One / (fixZero ? T.Max(T.Abs(min[i]), T.Abs(max[i])) : max[i] - min[i]);
            }
            return new Typed<T>(scale, offset);
        }

        private sealed class Typed<T> : AffineMap where T : unmanaged, IFloatingPointIeee754<T>
        {
            private readonly T[] _scale;
            private readonly T[] _offset;

            public Typed(T[] scale, T[] offset)
            {
                _scale = scale;
                _offset = offset;
            }

            public Typed(BinaryReader reader) : this(Codec.ReadValues<T>(reader), Codec.ReadValues<T>(reader))
            {
                if (_scale.Length != _offset.Length)
                    throw new FormatException("A normalization of scales and offsets of different length.");
            }

            public override Type RawType => typeof(T);

            public override int Size => _scale.Length;

            public override Delegate CreateGetter(DataViewRow row, DataViewSchema.Column input)
            {
                if (input.Type is not VectorDataViewType)
                {
                    var get = row.GetGetter<T>(input);
                    T scale = _scale[0], offset = _offset[0];
                    return (ValueGetter<T>)((ref T value) =>
                    {
                        get(ref value);
                        value = (value - offset) * scale;
                    });
                }
                var getVector = row.GetGetter<VBuffer<T>>(input);
                VBuffer<T> buffer = default;
                return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> result) =>
                {
                    getVector(ref buffer);
                    if (buffer.Length != _scale.Length)
                        throw new InvalidOperationException($"Normalizer expected {_scale.Length} slots, got {buffer.Length}");
                    var editor = VBufferEditor.Create(ref result, buffer.Length);
                    buffer.CopyTo(editor.Values);
                    for (int i = 0; i < editor.Values.Length; i++) editor.Values[i] = (editor.Values[i] - _offset[i]) * _scale[i];
                    result = editor.Commit();
                });
            }

            public override void Save(BinaryWriter writer)
            {
                writer.Write(typeof(T) == typeof(double));
                Codec.WriteValues<T>(writer, _scale);
                Codec.WriteValues<T>(writer, _offset);
            }
        }
    }
}

namespace Microsoft.ML
{
    public static class NormalizationCatalog
    {
        public static NormalizingEstimator NormalizeMinMax(this TransformsCatalog catalog, string outputColumnName,
            string inputColumnName = null,
            long maximumExampleCount = 1000000000, bool fixZero = true) =>
            catalog.NormalizeMinMax(new[] { new InputOutputColumnPair(outputColumnName, inputColumnName) }, maximumExampleCount, fixZero);

        public static NormalizingEstimator NormalizeMinMax(this TransformsCatalog catalog, InputOutputColumnPair[] columns,
            long maximumExampleCount = 1000000000, bool fixZero = true)
        {
            ArgumentNullException.ThrowIfNull(catalog);
            return new NormalizingEstimator(columns, maximumExampleCount, fixZero);
        }
    }
}
