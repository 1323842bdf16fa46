// Stands in for Microsoft.ML.Transforms: CustomMapping, new columns by a delegate of the user's, and FilterByCustomPredicate.
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: Microsoft.ML.LoadableClass(typeof(Microsoft.ML.ITransformer), typeof(CustomMappingLoader), null,
    typeof(Microsoft.ML.SignatureLoadModel),
    "Custom mapping", CustomMappingLoader.LoaderSignature)]

namespace Microsoft.ML.Transforms
{
    internal interface ICustomMappingFactory
    {
        ITransformer CreateTransformer(IHostEnvironment env, string contractName);
    }

    /// <summary>Gives the mapping back when a saved model is loaded.</summary>
    public abstract class CustomMappingFactory<TSrc, TDst> : ICustomMappingFactory where TSrc : class, new() where TDst : class, new()
    {
        protected CustomMappingFactory() { }

        public abstract Action<TSrc, TDst> GetMapping();

        ITransformer ICustomMappingFactory.CreateTransformer(IHostEnvironment env, string contractName) =>
            new CustomMappingTransformer<TSrc, TDst>(GetMapping(), contractName, null, null);
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class CustomMappingFactoryAttributeAttribute : ExtensionBaseAttribute
    {
        public CustomMappingFactoryAttributeAttribute(string contractName) : base(contractName) { }
    }

    internal static class CustomMappingLoader
    {
        public const string LoaderSignature = "CustomTransformer";

        private static ITransformer Create(IHostEnvironment env, ModelLoadContext ctx)
        {
            string contractName = ctx.Reader.ReadString();
            var factory = (ICustomMappingFactory)env.ComponentCatalog.CreateExtension(env, typeof(CustomMappingFactoryAttributeAttribute),
                contractName);
            return factory.CreateTransformer(env, contractName);
        }
    }

    public sealed class CustomMappingEstimator<TSrc, TDst> : TrivialEstimator<CustomMappingTransformer<TSrc, TDst>>
        where TSrc : class, new() where TDst : class, new()
    {
        internal CustomMappingEstimator(CustomMappingTransformer<TSrc, TDst> transformer) : base(transformer) { }

        public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            ArgumentNullException.ThrowIfNull(inputSchema);
            foreach (var wanted in Transformer.Inputs.Columns)
            {
                var found = inputSchema.Find("input", wanted.Name);
                var expected = SchemaShape.Column.Of(wanted.Name, wanted.Type);
                bool fits = found.ItemType.Equals(expected.ItemType)
                    && (found.Kind == SchemaShape.Column.VectorKind.Scalar) == (expected.Kind == SchemaShape.Column.VectorKind.Scalar);
                if (!fits) throw SchemaErrors.Mismatch("input", wanted.Name, expected.GetTypeString(), found.GetTypeString());
            }
            return inputSchema.With(Transformer.Outputs.Columns.Select(c =>
                SchemaShape.Column.Of(c.Name, c.Type, SchemaShape.Create(c.Annotations.Schema))));
        }
    }

    public sealed class CustomMappingTransformer<TSrc, TDst> : ITransformer where TSrc : class, new() where TDst : class, new()
    {
        private readonly Action<TSrc, TDst> _map;
        private readonly string _contractName;

        internal CustomMappingTransformer(Action<TSrc, TDst> map, string contractName, SchemaDefinition inputs, SchemaDefinition outputs)
        {
            _map = map ?? throw new ArgumentNullException("mapAction");
            _contractName = contractName;
            Inputs = new TypedColumns<TSrc>(inputs, SchemaDefinition.Direction.Write);
            Outputs = new TypedColumns<TDst>(outputs, SchemaDefinition.Direction.Read);
        }

        internal TypedColumns<TSrc> Inputs { get; }

        internal TypedColumns<TDst> Outputs { get; }

        bool ITransformer.IsRowToRowMapper => true;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
        {
            ArgumentNullException.ThrowIfNull(inputSchema);
            return new MapBindings(inputSchema, new Mapper(this, inputSchema)).OutputSchema;
        }

        public IDataView Transform(IDataView input)
        {
            ArgumentNullException.ThrowIfNull(input);
            return new MapDataView(input, new Mapper(this, input.Schema));
        }

        IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
        {
            ArgumentNullException.ThrowIfNull(inputSchema);
            return new MapBindings(inputSchema, new Mapper(this, inputSchema));
        }

        void ICanSaveModel.Save(ModelSaveContext ctx)
        {
            if (string.IsNullOrEmpty(_contractName))
                throw new InvalidOperationException("Empty contract name for a transform: the transform cannot be saved");
            ctx.SetVersionInfo(new VersionInfo("CUSTOMXF", 0x00010001, 0x00010001, 0x00010001, GetType().Assembly.FullName,
                CustomMappingLoader.LoaderSignature));
            ctx.Writer.Write(_contractName);
        }

        private sealed class Mapper : RowMapper
        {
            private readonly CustomMappingTransformer<TSrc, TDst> _transformer;
            private readonly (int Member, DataViewSchema.Column Column)[] _inputs;

            public Mapper(CustomMappingTransformer<TSrc, TDst> transformer, DataViewSchema inputSchema)
            {
                _transformer = transformer;
                _inputs = transformer.Inputs.Bind(inputSchema, ignoreMissing: false);
                OutputColumns = transformer.Outputs.Columns.ToArray();
            }

            public override DataViewSchema.DetachedColumn[] OutputColumns { get; }

            public override IEnumerable<int> Dependencies(int outputColumn) => _inputs.Select(i => i.Column.Index);

            // One call of the delegate a row, whatever number of its columns is read.
            public override Delegate[] CreateGetters(DataViewRow input, Func<int, bool> active)
            {
                var getters = new Delegate[OutputColumns.Length];
                if (!Enumerable.Range(0, getters.Length).Any(active)) return getters;
                var source = new TSrc();
                var result = new RowHolder<TDst> { Value = new TDst() };
                var fill = _transformer.Inputs.CreateFill(input, _inputs);
                long mapped = -1;
                void Map()
                {
                    if (mapped == input.Position) return;
                    fill(source);
                    _transformer._map(source, result.Value);
                    mapped = input.Position;
                }
                for (int i = 0; i < getters.Length; i++)
                {
                    if (!active(i)) continue;
                    var read = _transformer.Outputs.CreateGetter(i, result);
                    getters[i] = (Delegate)Internal.Generic.Invoke(typeof(Mapper), nameof(After), OutputColumns[i].Type.RawType,
                        (Action)Map, read);
                }
                return getters;
            }

            private static ValueGetter<T> After<T>(Action map, Delegate read)
            {
                var get = (ValueGetter<T>)read;
                return (ref T value) =>
                {
                    map();
                    get(ref value);
                };
            }
        }
    }
}

namespace Microsoft.ML
{
    public static class CustomMappingCatalog
    {
        public static CustomMappingEstimator<TSrc, TDst> CustomMapping<TSrc, TDst>(this TransformsCatalog catalog,
            Action<TSrc, TDst> mapAction, string contractName,
            SchemaDefinition inputSchemaDefinition = null, SchemaDefinition outputSchemaDefinition = null)
            where TSrc : class, new() where TDst : class, new()
        {
            ArgumentNullException.ThrowIfNull(catalog);
            return new CustomMappingEstimator<TSrc, TDst>(
                new CustomMappingTransformer<TSrc, TDst>(mapAction, contractName, inputSchemaDefinition, outputSchemaDefinition));
        }

        public static IDataView FilterByCustomPredicate<TSrc>(this DataOperationsCatalog catalog, IDataView input,
            Func<TSrc, bool> filterPredicate)
            where TSrc : class, new()
        {
            ArgumentNullException.ThrowIfNull(catalog);
            ArgumentNullException.ThrowIfNull(input);
            ArgumentNullException.ThrowIfNull(filterPredicate);
            var columns = new TypedColumns<TSrc>(null, SchemaDefinition.Direction.Write);
            var bound = columns.Bind(input.Schema, ignoreMissing: false);
            return new RepeatDataView(input, bound.Select(b => b.Column.Index), row =>
            {
                var source = new TSrc();
                var fill = columns.CreateFill(row, bound);
                return () =>
                {
                    fill(source);
                    // The predicate says which rows to leave out.
                    return filterPredicate(source) ? 0 : 1;
                };
            });
        }
    }
}
