// Stands in for Microsoft.ML.Data: Concatenate, scalars and vectors of one item type into one vector.
using Microsoft.ML.Data;
using Microsoft.ML.Internal;
using Microsoft.ML.Runtime;

[assembly: Microsoft.ML.LoadableClass(typeof(ColumnConcatenatingTransformer), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Concatenation", ColumnConcatenatingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms
{
    public sealed class ColumnConcatenatingEstimator : IEstimator<ColumnConcatenatingTransformer>
    {
        private readonly string _output;
        private readonly string[] _inputs;

        internal ColumnConcatenatingEstimator(string output, string[] inputs)
        {
            ArgumentException.ThrowIfNullOrEmpty(output, "outputColumnName");
            ArgumentNullException.ThrowIfNull(inputs, "inputColumnNames");
            if (inputs.Length == 0) throw new ArgumentOutOfRangeException("inputColumnNames", "Input columns not specified");
            if (inputs.Any(string.IsNullOrEmpty)) throw new ArgumentException("Contained null or empty column names", "inputColumnNames");
            _output = output;
            _inputs = inputs;
        }

        public ColumnConcatenatingTransformer Fit(IDataView input)
        {
            ArgumentNullException.ThrowIfNull(input);
            return new ColumnConcatenatingTransformer(_output, _inputs);
        }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            ArgumentNullException.ThrowIfNull(inputSchema);
            var inputs = _inputs.Select(name => inputSchema.Find("input", name)).ToArray();
            foreach (var input in inputs)
            {
                if (input.ItemType.Equals(inputs[0].ItemType) && input.IsKey == inputs[0].IsKey) continue;
                throw new InvalidOperationException(
                    $"Concatenated columns should have the same type. Column '{input.Name}' has type of {input.ItemType}, "
                    + $"but expected column type is {inputs[0].ItemType}.");
            }
            var kind = inputs.Any(i => i.Kind == SchemaShape.Column.VectorKind.VariableVector)
                ? SchemaShape.Column.VectorKind.VariableVector
                : SchemaShape.Column.VectorKind.Vector;
            var annotations = new List<SchemaShape.Column>();
            if (inputs.All(i => i.HasAnnotation(AnnotationKinds.IsNormalized)))
                annotations.Add(new SchemaShape.Column(AnnotationKinds.IsNormalized, SchemaShape.Column.VectorKind.Scalar,
                    BooleanDataViewType.Instance, false));
            if (inputs.Any(i => i.Kind == SchemaShape.Column.VectorKind.Scalar || i.HasAnnotation(AnnotationKinds.SlotNames)))
                annotations.Add(new SchemaShape.Column(AnnotationKinds.SlotNames, SchemaShape.Column.VectorKind.Vector,
                    TextDataViewType.Instance, false));
            return inputSchema.With(new SchemaShape.Column(_output, kind, inputs[0].ItemType, inputs[0].IsKey,
                new SchemaShape(annotations)));
        }
    }
}

namespace Microsoft.ML.Data
{
    public sealed class ColumnConcatenatingTransformer : RowToRowTransformerBase
    {
        internal const string LoaderSignature = "ConcatTransform";

        private readonly string _output;
        private readonly string[] _inputs;

        internal ColumnConcatenatingTransformer(string output, string[] inputs)
        {
            _output = output;
            _inputs = inputs;
        }

        private protected override RowMapper MakeMapper(DataViewSchema inputSchema)
        {
            var inputs = _inputs.Select(name => inputSchema.Find("input", name)).ToArray();
            var item = ColumnTypes.ItemTypeOf(inputs[0].Type) as PrimitiveDataViewType
                ?? throw SchemaErrors.Mismatch("input", inputs[0].Name, "vector or scalar of primitive values", inputs[0].Type.ToString());
            foreach (var input in inputs)
            {
                if (!ColumnTypes.ItemTypeOf(input.Type).Equals(item))
                    throw SchemaErrors.Mismatch("input", input.Name, item.ToString(), input.Type.ToString());
            }
            // One vector alone keeps its dimensions.
            var only = inputs.Length == 1 ? inputs[0].Type as VectorDataViewType : null;
            var type = only ?? new VectorDataViewType(item, inputs.Any(i => SizeOf(i) == 0) ? 0 : inputs.Sum(SizeOf));
            var annotations = new DataViewSchema.Annotations.Builder();
            AddSlotNames(annotations, inputs, type, only != null);
            if (inputs.All(i => i.IsNormalized())) annotations.AddPrimitiveValue(AnnotationKinds.IsNormalized,
                BooleanDataViewType.Instance, true);
            var column = new DataViewSchema.DetachedColumn(_output, type, annotations.ToAnnotations());
            return new ColumnwiseMapper(new[]
            {
                new MappedColumn(column, inputs.Select(i => i.Index).Distinct().ToArray(),
                    row => (Delegate)Generic.Invoke(typeof(ColumnConcatenatingTransformer), nameof(Getter), item.RawType, row, inputs)),
            });
        }

        private static int SizeOf(DataViewSchema.Column column) => column.Type is VectorDataViewType vector ? vector.Size : 1;

        // A scalar's slot is named as its column, a vector's slots as its own names behind the column's name, where it has any.
        private static void AddSlotNames(DataViewSchema.Annotations.Builder annotations, DataViewSchema.Column[] inputs,
            VectorDataViewType type, bool isIdentity)
        {
            if (!type.IsKnownSize || !inputs.Any(i => i.Type is not VectorDataViewType || i.HasSlotNames())) return;
            var names = new List<ReadOnlyMemory<char>>();
            VBuffer<ReadOnlyMemory<char>> slots = default;
            foreach (var input in inputs)
            {
                if (input.Type is not VectorDataViewType)
                {
                    names.Add(input.Name.AsMemory());
                    continue;
                }
                if (!input.HasSlotNames())
                {
                    names.AddRange(new ReadOnlyMemory<char>[SizeOf(input)]);
                    continue;
                }
                input.GetSlotNames(ref slots);
                names.AddRange(slots.DenseValues().Select(slot => isIdentity || slot.IsEmpty ? slot : $"{input.Name}.{slot}".AsMemory()));
            }
            annotations.AddVector(AnnotationKinds.SlotNames, TextDataViewType.Instance, names.ToArray());
        }

        private static Delegate Getter<T>(DataViewRow row, DataViewSchema.Column[] inputs)
        {
            if (inputs.Length == 1 && inputs[0].Type is VectorDataViewType) return row.GetGetter<VBuffer<T>>(inputs[0]);
            var scalars = inputs.Select(i => i.Type is VectorDataViewType ? null : row.GetGetter<T>(i)).ToArray();
            var vectors = inputs.Select(i => i.Type is VectorDataViewType ? row.GetGetter<VBuffer<T>>(i) : null).ToArray();
            var buffers = new VBuffer<T>[inputs.Length];
            return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> result) =>
            {
                int length = 0;
                for (int i = 0; i < buffers.Length; i++)
                {
                    vectors[i]?.Invoke(ref buffers[i]);
                    length += vectors[i] == null ? 1 : buffers[i].Length;
                }
                var editor = VBufferEditor.Create(ref result, length);
                int at = 0;
                for (int i = 0; i < buffers.Length; i++)
                {
                    if (vectors[i] == null)
                    {
                        scalars[i](ref editor.Values[at++]);
                        continue;
                    }
                    buffers[i].CopyTo(editor.Values, at);
                    at += buffers[i].Length;
                }
                result = editor.Commit();
            });
        }

        private protected override void SaveModel(ModelSaveContext ctx)
        {
            ctx.SetVersionInfo(new VersionInfo("CONCAT F", 0x00010001, 0x00010001, 0x00010001, GetType().Assembly.FullName,
                LoaderSignature));
            ctx.Writer.Write(_output);
            ctx.Writer.Write(_inputs.Length);
            foreach (string input in _inputs) ctx.Writer.Write(input);
        }

        private static ColumnConcatenatingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
        {
            string output = ctx.Reader.ReadString();
            var inputs = new string[Codec.CheckCount(ctx.Reader.ReadInt32(), 1 << 20, "columns")];
            for (int i = 0; i < inputs.Length; i++) inputs[i] = ctx.Reader.ReadString();
            return new ColumnConcatenatingTransformer(output, inputs);
        }
    }
}
