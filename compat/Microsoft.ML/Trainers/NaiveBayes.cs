// Stands in for Microsoft.ML.StandardTrainers: naive Bayes over features taken as present (above 0) or absent.
using Microsoft.ML.Data;
using Microsoft.ML.Internal;
using Microsoft.ML.Model.OnnxConverter;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

[assembly: Microsoft.ML.LoadableClass(typeof(NaiveBayesMulticlassModelParameters), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Naive Bayes", NaiveBayesMulticlassModelParameters.LoaderSignature)]

namespace Microsoft.ML.Trainers
{
    public sealed class NaiveBayesMulticlassTrainer
        : TrainerEstimatorBase<MulticlassPredictionTransformer<NaiveBayesMulticlassModelParameters>, NaiveBayesMulticlassModelParameters>
    {
        internal NaiveBayesMulticlassTrainer(string labelColumn, string featureColumn) : base(
            new SchemaShape.Column(featureColumn, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false),
            new SchemaShape.Column(labelColumn, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true))
        {
        }

        public override TrainerInfo Info { get; } = new(normalization: false, caching: false);

        private protected override MulticlassPredictionTransformer<NaiveBayesMulticlassModelParameters> FitCore(IDataView input)
        {
            var label = input.Schema[LabelColumn.Name];
            var features = input.Schema[FeatureColumn.Name];
            int classes = checked((int)((KeyDataViewType)label.Type).Count);
            int width = ((VectorDataViewType)features.Type).Size;
            var labelCounts = new long[classes];
            var presentCounts = Enumerable.Range(0, classes).Select(_ => new long[width]).ToArray();

            using var cursor = input.GetRowCursor(new[] { label, features });
            var getLabel = cursor.GetGetter<uint>(label);
            var getFeatures = cursor.GetGetter<VBuffer<float>>(features);
            uint key = 0;
            VBuffer<float> row = default;
            var values = new float[width];
            while (cursor.MoveNext())
            {
                getLabel(ref key);
                getFeatures(ref row);
                row.CopyTo(values);
                if (key == 0 || key > classes || values.Any(v => !float.IsFinite(v))) continue;
                labelCounts[key - 1]++;
                var counts = presentCounts[key - 1];
                for (int f = 0; f < width; f++)
                    if (values[f] > 0) counts[f]++;
            }
            var model = new NaiveBayesMulticlassModelParameters(labelCounts, presentCounts, width);
            return new MulticlassPredictionTransformer<NaiveBayesMulticlassModelParameters>(model, features.Name, features.Type,
                label.Annotations);
        }

        private protected override SchemaShape.Column[] OutputColumns(SchemaShape inputSchema)
        {
            inputSchema.TryFindColumn(LabelColumn.Name, out var label);
            bool hasNames = label.Annotations.TryFindColumn(AnnotationKinds.KeyValues, out var keyValues);
            SchemaShape.Column Text(string kind) => new(kind, SchemaShape.Column.VectorKind.Scalar, TextDataViewType.Instance, false);
            var common = new[]
            {
                new SchemaShape.Column(AnnotationKinds.ScoreColumnSetId, SchemaShape.Column.VectorKind.Scalar,
                    NumberDataViewType.UInt32, true),
                Text(AnnotationKinds.ScoreColumnKind),
                Text(AnnotationKinds.ScoreValueKind),
            };
            var ofScore = new List<SchemaShape.Column>();
            var ofPrediction = new List<SchemaShape.Column>();
            if (hasNames)
            {
                if (keyValues.ItemType is TextDataViewType) ofScore.Add(keyValues.Renamed(AnnotationKinds.SlotNames));
                ofScore.Add(keyValues.Renamed(AnnotationKinds.TrainingLabelValues));
                ofPrediction.Add(keyValues);
            }
            return new[]
            {
                new SchemaShape.Column(AnnotationKinds.Score, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false,
                    new SchemaShape(ofScore.Concat(common))),
                new SchemaShape.Column(AnnotationKinds.PredictedLabel, SchemaShape.Column.VectorKind.Scalar,
                    NumberDataViewType.UInt32, true,
                    new SchemaShape(ofPrediction.Concat(common))),
            };
        }
    }

    public sealed class NaiveBayesMulticlassModelParameters : ModelParametersBase<VBuffer<float>>, IValueMapper, ISingleCanSaveOnnx
    {
        internal const string LoaderSignature = "MultiClassNaiveBayesPred";

        private readonly long[] _labelCounts;
        private readonly long[][] _presentCounts;
        private readonly double[] _logAllAbsent;
        private readonly float[][] _logPresence;

        internal NaiveBayesMulticlassModelParameters(long[] labelCounts, long[][] presentCounts, int featureCount)
        {
            _labelCounts = labelCounts;
            _presentCounts = presentCounts;
            FeatureCount = featureCount;

            // log P(class, features) = log P(class) + sum of log P(absent) + sum over present ones of log P(present) / P(absent), where the
            // probabilities are smoothed by one occurrence and a denominator of the class's rows plus the number of classes.
            long rows = labelCounts.Sum();
            int classes = labelCounts.Length;
            _logAllAbsent = new double[classes];
            _logPresence = new float[classes][];
            for (int c = 0; c < classes; c++)
            {
                double denominator = labelCounts[c] + classes;
                _logPresence[c] = new float[featureCount];
                _logAllAbsent[c] = Math.Log((double)labelCounts[c] / rows);
                for (int f = 0; f < featureCount; f++)
                {
                    double absent = Math.Log((labelCounts[c] - presentCounts[c][f] + 1) / denominator);
                    _logAllAbsent[c] += absent;
                    _logPresence[c][f] = (float)(Math.Log((presentCounts[c][f] + 1) / denominator) - absent);
                }
            }
        }

        public IReadOnlyList<long> GetLabelHistogramLong() => _labelCounts;

        public IReadOnlyList<IReadOnlyList<long>> GetFeatureHistogramLong() => _presentCounts;

        internal int FeatureCount { get; }

        int IValueMapper.FeatureCount => FeatureCount;

        int IValueMapper.ClassCount => _labelCounts.Length;

        void IValueMapper.Score(in VBuffer<float> features, Span<float> scores)
        {
            if (features.Length != FeatureCount)
                throw new InvalidOperationException($"Expected {FeatureCount} features, got {features.Length}");
            var values = features.GetValues();
            var indices = features.GetIndices();
            for (int c = 0; c < scores.Length; c++)
            {
                double score = _logAllAbsent[c];
                var presence = _logPresence[c];
                for (int i = 0; i < values.Length; i++)
                    if (values[i] > 0) score += presence[features.IsDense ? i : indices[i]];
                scores[c] = (float)score;
            }
        }

        private protected override void SaveModel(ModelSaveContext ctx)
        {
            ctx.SetVersionInfo(new VersionInfo("MNABYPRE", 0x00010001, 0x00010001, 0x00010001, GetType().Assembly.FullName,
                LoaderSignature));
            ctx.Writer.Write(FeatureCount);
            Codec.WriteValues<long>(ctx.Writer, _labelCounts);
            foreach (var counts in _presentCounts) Codec.WriteValues<long>(ctx.Writer, counts);
        }

        private static NaiveBayesMulticlassModelParameters Create(IHostEnvironment env, ModelLoadContext ctx)
        {
            int features = Codec.CheckCount(ctx.Reader.ReadInt32(), Array.MaxLength, "features");
            var labels = Codec.ReadValues<long>(ctx.Reader);
            var present = labels.Select(_ => Codec.ReadValues<long>(ctx.Reader)).ToArray();
            if (present.Any(counts => counts.Length != features))
                throw new FormatException("A naive Bayes model with feature counts of the wrong length.");
            return new NaiveBayesMulticlassModelParameters(labels, present, features);
        }
    }
}

namespace Microsoft.ML
{
    public static class StandardTrainersCatalog
    {
        public static NaiveBayesMulticlassTrainer NaiveBayes(this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
            string labelColumnName = "Label", string featureColumnName = "Features")
        {
            ArgumentNullException.ThrowIfNull(catalog);
            return new NaiveBayesMulticlassTrainer(labelColumnName, featureColumnName);
        }
    }
}
