// Stands in for Microsoft.ML.Data: a trained multiclass model applied to rows; adds PredictedLabel and Score.
using Microsoft.ML.Data;
using Microsoft.ML.Internal;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

[assembly: Microsoft.ML.LoadableClass(typeof(Microsoft.ML.ITransformer), typeof(MulticlassPredictionLoader), null,
    typeof(Microsoft.ML.SignatureLoadModel),
    "Multiclass prediction", MulticlassPredictionLoader.LoaderSignature)]

namespace Microsoft.ML.Data;

public sealed class MulticlassPredictionTransformer<TModel> : SingleFeaturePredictionTransformerBase<TModel> where TModel : class
{
    private readonly DataViewType _keyValuesType;
    private readonly Delegate _getKeyValues;

    /// <param name="model">The trained model, an <see cref="IValueMapper"/>.</param>
    /// <param name="featureColumnName">Where the features are.</param>
    /// <param name="featureType">The features' type in training.</param>
    /// <param name="labelAnnotations">The annotations of the label column in training; only its key values are kept.</param>
    internal MulticlassPredictionTransformer(TModel model, string featureColumnName, DataViewType featureType,
        DataViewSchema.Annotations labelAnnotations)
        : base(model, featureColumnName, featureType)
    {
        if (labelAnnotations.Schema.GetColumnOrNull(AnnotationKinds.KeyValues) is not { } keyValues) return;
        _keyValuesType = keyValues.Type;
        _getKeyValues = labelAnnotations.GetterOf(keyValues);
    }

    private IValueMapper Classifier => (IValueMapper)Model;

    private protected override RowMapper MakeMapper(DataViewSchema inputSchema)
    {
        var features = inputSchema.GetColumnOrNull(FeatureColumnName)
            ?? throw new ArgumentOutOfRangeException("schema", $"{FeatureColumnName} column 'Feature' not found");
        if (features.Type is not VectorDataViewType vector || vector.ItemType != NumberDataViewType.Single
            || vector.Size != Classifier.FeatureCount)
            throw new InvalidOperationException($"Incompatible features column type: '{features.Type}' vs '{FeatureColumnType}'");
        uint set = NextScoreColumnSetId(inputSchema);
        var predictedType = new KeyDataViewType(typeof(uint), Classifier.ClassCount);
        var scoreType = new VectorDataViewType(NumberDataViewType.Single, Classifier.ClassCount);
        return new Mapper(Classifier, features,
            new DataViewSchema.DetachedColumn(AnnotationKinds.PredictedLabel, predictedType,
                Annotate(AnnotationKinds.PredictedLabel, set, AnnotationKinds.KeyValues)),
            new DataViewSchema.DetachedColumn(AnnotationKinds.Score, scoreType,
                Annotate(AnnotationKinds.Score, set, AnnotationKinds.TrainingLabelValues, AnnotationKinds.SlotNames)));
    }

    // Every scorer's columns get a number of their own, one above the largest present.
    private static uint NextScoreColumnSetId(DataViewSchema schema)
    {
        uint largest = 0;
        foreach (var column in schema)
        {
            if (column.Annotations.Schema.GetColumnOrNull(AnnotationKinds.ScoreColumnSetId)?.Type
                is not KeyDataViewType { RawType: var raw } || raw != typeof(uint)) continue;
            uint id = 0;
            column.Annotations.GetValue(AnnotationKinds.ScoreColumnSetId, ref id);
            largest = Math.Max(largest, id);
        }
        return largest + 1;
    }

    private DataViewSchema.Annotations Annotate(string valueKind, uint set, params string[] keyValueKinds)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        builder.AddPrimitiveValue(AnnotationKinds.ScoreColumnKind, TextDataViewType.Instance,
            AnnotationKinds.MulticlassClassification.AsMemory());
        builder.AddPrimitiveValue(AnnotationKinds.ScoreValueKind, TextDataViewType.Instance, valueKind.AsMemory());
        builder.AddPrimitiveValue(AnnotationKinds.ScoreColumnSetId, new KeyDataViewType(typeof(uint), int.MaxValue), set);
        if (_getKeyValues == null) return builder.ToAnnotations();
        foreach (string kind in keyValueKinds)
        {
            // Names of slots are always text.
            if (kind != AnnotationKinds.SlotNames
                || ColumnTypes.ItemTypeOf(_keyValuesType) is TextDataViewType) builder.Add(kind, _keyValuesType, _getKeyValues);
        }
        return builder.ToAnnotations();
    }

    private sealed class Mapper : RowMapper
    {
        private readonly IValueMapper _model;
        private readonly DataViewSchema.Column _features;

        public Mapper(IValueMapper model, DataViewSchema.Column features, params DataViewSchema.DetachedColumn[] outputs)
        {
            _model = model;
            _features = features;
            OutputColumns = outputs;
        }

        public override DataViewSchema.DetachedColumn[] OutputColumns { get; }

        public override IEnumerable<int> Dependencies(int outputColumn) => new[] { _features.Index };

        public override Delegate[] CreateGetters(DataViewRow input, Func<int, bool> active)
        {
            if (!active(0) && !active(1)) return new Delegate[2];
            var get = input.GetGetter<VBuffer<float>>(_features);
            VBuffer<float> features = default;
            var scores = new float[_model.ClassCount];
            long scored = -1;
            void Score()
            {
                if (scored == input.Position) return;
                get(ref features);
                _model.Score(in features, scores);
                scored = input.Position;
            }

            ValueGetter<uint> predictedLabel = (ref uint value) =>
            {
                Score();
                int best = 0;
                for (int c = 1; c < scores.Length; c++)
                    if (scores[c] > scores[best] || float.IsNaN(scores[best])) best = c;
                value = float.IsNaN(scores[best]) ? 0 : (uint)best + 1;
            };
            ValueGetter<VBuffer<float>> score = (ref VBuffer<float> value) =>
            {
                Score();
                VBuffer<float>.Copy(scores, 0, ref value, scores.Length);
            };
            return new Delegate[] { active(0) ? predictedLabel : null, active(1) ? score : null };
        }
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(new VersionInfo("MCPRED F", 0x00010001, 0x00010001, 0x00010001, GetType().Assembly.FullName,
            MulticlassPredictionLoader.LoaderSignature));
        ctx.Writer.Write(FeatureColumnName);
        Codec.WriteType(ctx.Writer, FeatureColumnType);
        var label = new DataViewSchema.Annotations.Builder();
        if (_getKeyValues != null) label.Add(AnnotationKinds.KeyValues, _keyValuesType, _getKeyValues);
        var schema = new DataViewSchema.Builder();
        schema.AddColumn("Label", new KeyDataViewType(typeof(uint), Classifier.ClassCount), label.ToAnnotations());
        SchemaCodec.Write(ctx.Writer, schema.ToSchema());
        ctx.SaveModel(Model, "Model");
    }
}

internal static class MulticlassPredictionLoader
{
    public const string LoaderSignature = "MulticlassPredXfer";

    private static ITransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        string features = ctx.Reader.ReadString();
        var type = Codec.ReadType(ctx.Reader);
        var label = SchemaCodec.Read(ctx.Reader)["Label"];
        ctx.LoadModel<ICanSaveModel, SignatureLoadModel>(env, out var model, "Model");
        return model is NaiveBayesMulticlassModelParameters bayes
            ? new MulticlassPredictionTransformer<NaiveBayesMulticlassModelParameters>(bayes, features, type, label.Annotations)
            : throw new FormatException($"A multiclass transformer with a model of type {model?.GetType()}.");
    }
}
