// Stands in for Microsoft.ML.Data: the public bases of the built-in transformers and of estimators that need no data.
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data
{
    public abstract class RowToRowTransformerBase : ITransformer
    {
        private protected RowToRowTransformerBase() { }

        bool ITransformer.IsRowToRowMapper => true;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
        {
            ArgumentNullException.ThrowIfNull(inputSchema);
            return new MapBindings(inputSchema, MakeMapper(inputSchema)).OutputSchema;
        }

        public IDataView Transform(IDataView input)
        {
            ArgumentNullException.ThrowIfNull(input);
            return new MapDataView(input, MakeMapper(input.Schema));
        }

        IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
        {
            ArgumentNullException.ThrowIfNull(inputSchema);
            return new MapBindings(inputSchema, MakeMapper(inputSchema));
        }

        void ICanSaveModel.Save(ModelSaveContext ctx) => SaveModel(ctx);

        private protected abstract RowMapper MakeMapper(DataViewSchema inputSchema);

        private protected abstract void SaveModel(ModelSaveContext ctx);
    }

    public abstract class OneToOneTransformerBase : RowToRowTransformerBase
    {
        private protected readonly InputOutputColumnPair[] Columns;

        private protected OneToOneTransformerBase(InputOutputColumnPair[] columns) => Columns = columns;

        private protected sealed override RowMapper MakeMapper(DataViewSchema inputSchema) =>
            new ColumnwiseMapper(Columns.Select((pair, i) =>
                MapColumn(inputSchema.Find("input", pair.InputColumnName), pair.OutputColumnName, i)));

        private protected abstract MappedColumn MapColumn(DataViewSchema.Column input, string output, int index);
    }

    public abstract class TrivialEstimator<TTransformer> : IEstimator<TTransformer> where TTransformer : class, ITransformer
    {
        private protected readonly TTransformer Transformer;

        private protected TrivialEstimator(TTransformer transformer) => Transformer = transformer;

        public TTransformer Fit(IDataView input)
        {
            ArgumentNullException.ThrowIfNull(input);
            // Shows errors of the schema here rather than when the rows are read.
            Transformer.GetOutputSchema(input.Schema);
            return Transformer;
        }

        public abstract SchemaShape GetOutputSchema(SchemaShape inputSchema);
    }
}

namespace Microsoft.ML
{
    public sealed class InputOutputColumnPair
    {
        public InputOutputColumnPair(string outputColumnName, string inputColumnName = null)
        {
            ArgumentException.ThrowIfNullOrEmpty(outputColumnName);
            OutputColumnName = outputColumnName;
            InputColumnName = inputColumnName ?? outputColumnName;
        }

        public string OutputColumnName { get; }

        public string InputColumnName { get; }
    }

    public sealed class TransformsCatalog : IInternalCatalog
    {
        private readonly IHostEnvironment _env;

        internal TransformsCatalog(IHostEnvironment env)
        {
            _env = env;
            Conversion = new ConversionTransforms(env);
        }

        public ConversionTransforms Conversion { get; }

        IHostEnvironment IInternalCatalog.Environment => _env;

        public sealed class ConversionTransforms : IInternalCatalog
        {
            private readonly IHostEnvironment _env;

            internal ConversionTransforms(IHostEnvironment env) => _env = env;

            IHostEnvironment IInternalCatalog.Environment => _env;
        }
    }
}
