// Stands in for Microsoft.ML.Data: the public bases of trainers and of the transformers that they give.
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

namespace Microsoft.ML
{
    public sealed class TrainerInfo
    {
        internal TrainerInfo(bool normalization, bool caching)
        {
            NeedNormalization = normalization;
            WantCaching = caching;
        }

        public bool NeedNormalization { get; }

        public bool WantCaching { get; }
    }

    // Named here because the public types list them among their interfaces.
    internal interface IPredictor { }

    internal interface IPredictorProducing<out TResult> : IPredictor { }

    internal interface ITrainer
    {
        TrainerInfo Info { get; }
    }

    internal interface ITrainer<out TPredictor> : ITrainer where TPredictor : IPredictor { }
}

namespace Microsoft.ML.Model.OnnxConverter
{
    internal interface ICanSaveOnnx { }

    internal interface ISingleCanSaveOnnx : ICanSaveOnnx { }
}

namespace Microsoft.ML.Trainers
{
    public interface ITrainerEstimator<out TTransformer, out TModel> : IEstimator<TTransformer>
        where TTransformer : IPredictionTransformer<TModel> where TModel : class
    {
        TrainerInfo Info { get; }
    }

    public abstract class ModelParametersBase<TOutput> : ICanSaveModel, IPredictorProducing<TOutput>
    {
        private protected ModelParametersBase() { }

        void ICanSaveModel.Save(ModelSaveContext ctx) => SaveModel(ctx);

        private protected abstract void SaveModel(ModelSaveContext ctx);
    }

    public abstract class TrainerEstimatorBase<TTransformer, TModel> : ITrainerEstimator<TTransformer, TModel>, ITrainer<IPredictor>
        where TTransformer : ISingleFeaturePredictionTransformer<TModel> where TModel : class
    {
        public readonly SchemaShape.Column FeatureColumn;
        public readonly SchemaShape.Column LabelColumn;
        public readonly SchemaShape.Column WeightColumn;

        private protected TrainerEstimatorBase(SchemaShape.Column feature, SchemaShape.Column label)
        {
            FeatureColumn = feature;
            LabelColumn = label;
        }

        public abstract TrainerInfo Info { get; }

        public TTransformer Fit(IDataView input)
        {
            ArgumentNullException.ThrowIfNull(input);
            CheckInputs(SchemaShape.Create(input.Schema));
            return FitCore(input);
        }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            ArgumentNullException.ThrowIfNull(inputSchema);
            CheckInputs(inputSchema);
            return inputSchema.With(OutputColumns(inputSchema));
        }

        private void CheckInputs(SchemaShape inputSchema)
        {
            var feature = inputSchema.Find("feature", FeatureColumn.Name);
            bool fits = feature.Kind == FeatureColumn.Kind && feature.ItemType.Equals(FeatureColumn.ItemType)
                && feature.IsKey == FeatureColumn.IsKey;
            if (!fits) throw SchemaErrors.Mismatch("feature", feature.Name, FeatureColumn.GetTypeString(), feature.GetTypeString());
            var label = inputSchema.Find("label", LabelColumn.Name);
            fits = label.Kind == LabelColumn.Kind && label.ItemType.Equals(LabelColumn.ItemType) && label.IsKey == LabelColumn.IsKey;
            if (!fits) throw SchemaErrors.Mismatch("label", label.Name, LabelColumn.GetTypeString(), label.GetTypeString(), "labelCol");
        }

        private protected abstract TTransformer FitCore(IDataView input);

        private protected abstract SchemaShape.Column[] OutputColumns(SchemaShape inputSchema);
    }
}

namespace Microsoft.ML.Data
{
    /// <summary>A model that gives the scores of the classes.</summary>
    internal interface IValueMapper
    {
        int FeatureCount { get; }

        int ClassCount { get; }

        void Score(in VBuffer<float> features, Span<float> scores);
    }

    public abstract class PredictionTransformerBase<TModel> : IPredictionTransformer<TModel>, IDisposable where TModel : class
    {
        private protected PredictionTransformerBase(TModel model) => Model = model;

        public TModel Model { get; }

        bool ITransformer.IsRowToRowMapper => true;

        public abstract DataViewSchema GetOutputSchema(DataViewSchema inputSchema);

        public IDataView Transform(IDataView input)
        {
            ArgumentNullException.ThrowIfNull(input);
            return new MapDataView(input, MakeMapper(input.Schema));
        }

        IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => new MapBindings(inputSchema, MakeMapper(inputSchema));

        void ICanSaveModel.Save(ModelSaveContext ctx) => SaveModel(ctx);

        private protected abstract RowMapper MakeMapper(DataViewSchema inputSchema);

        private protected abstract void SaveModel(ModelSaveContext ctx);

        public void Dispose() => (Model as IDisposable)?.Dispose();
    }

    public abstract class SingleFeaturePredictionTransformerBase<TModel> : PredictionTransformerBase<TModel>,
        ISingleFeaturePredictionTransformer<TModel>, ISingleFeaturePredictionTransformer where TModel : class
    {
        private protected SingleFeaturePredictionTransformerBase(TModel model, string featureColumnName, DataViewType featureColumnType)
            : base(model)
        {
            FeatureColumnName = featureColumnName;
            FeatureColumnType = featureColumnType;
        }

        public string FeatureColumnName { get; }

        public DataViewType FeatureColumnType { get; }

        public sealed override DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
        {
            ArgumentNullException.ThrowIfNull(inputSchema);
            return new MapBindings(inputSchema, MakeMapper(inputSchema)).OutputSchema;
        }
    }
}
