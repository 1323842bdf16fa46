// Stands in for Microsoft.ML.Transforms: how much the metrics lose when the values of one feature are exchanged among the rows.
using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data
{
    internal interface IMetricsStatistics<T> { }

    public sealed class MetricStatistics
    {
        internal MetricStatistics(IReadOnlyCollection<double> values)
        {
            Count = values.Count;
            Mean = values.Average();
            double squares = values.Sum(v => (v - Mean) * (v - Mean));
            StandardDeviation = Count <= 1 ? 0 : Math.Sqrt(squares / (Count - 1));
            StandardError = Count <= 1 ? 0 : StandardDeviation / Math.Sqrt(Count);
        }

        public double Mean { get; }

        public double StandardDeviation { get; }

        public double StandardError { get; }

        public int Count { get; }
    }

    public sealed class MulticlassClassificationMetricsStatistics : IMetricsStatistics<MulticlassClassificationMetrics>
    {
        internal MulticlassClassificationMetricsStatistics(MulticlassClassificationMetrics baseline,
            IReadOnlyList<MulticlassClassificationMetrics> permuted)
        {
            MetricStatistics Change(Func<MulticlassClassificationMetrics, double> metric) =>
                new(permuted.Select(m => metric(m) - metric(baseline)).ToArray());
            MicroAccuracy = Change(m => m.MicroAccuracy);
            MacroAccuracy = Change(m => m.MacroAccuracy);
            LogLoss = Change(m => m.LogLoss);
            LogLossReduction = Change(m => m.LogLossReduction);
            TopKAccuracy = Change(m => m.TopKAccuracy);
            PerClassLogLoss = baseline.PerClassLogLoss.Select((_, c) => Change(m => m.PerClassLogLoss[c])).ToArray();
        }

        public MetricStatistics MacroAccuracy { get; }

        public MetricStatistics MicroAccuracy { get; }

        public MetricStatistics LogLoss { get; }

        public MetricStatistics LogLossReduction { get; }

        public MetricStatistics TopKAccuracy { get; }

        public IReadOnlyList<MetricStatistics> PerClassLogLoss { get; }
    }
}

namespace Microsoft.ML
{
    public static class PermutationFeatureImportanceExtensions
    {
        public static ImmutableArray<MulticlassClassificationMetricsStatistics> PermutationFeatureImportance<TModel>(
            this MulticlassClassificationCatalog catalog,
            ISingleFeaturePredictionTransformer<TModel> predictionTransformer, IDataView data, string labelColumnName = "Label",
            bool useFeatureWeightFilter = false, int? numberOfExamplesToUse = null, int permutationCount = 1) where TModel : class
        {
            ArgumentNullException.ThrowIfNull(catalog);
            ArgumentNullException.ThrowIfNull(predictionTransformer);
            ArgumentNullException.ThrowIfNull(data);
            if (permutationCount <= 0) throw new ArgumentOutOfRangeException(nameof(permutationCount), "Must be positive");

            // The rows are read once; only the permuted feature differs from one evaluation to the next.
            if (numberOfExamplesToUse is { } rows) data = new RangeDataView(data, 0, rows);
            var features = data.Schema.Find("feature", predictionTransformer.FeatureColumnName, "schema");
            if (features.Type is not VectorDataViewType { IsKnownSize: true, ItemType: NumberDataViewType item } vector
                || item != NumberDataViewType.Single)
                throw SchemaErrors.Mismatch("feature", features.Name, "Vector<Single>", features.Type.ToString(), "schema");
            // Read in the order of its rows and by one cursor, so that a row's position is its number.
            var cached = new RangeDataView(new CacheDataView(data, null), 0, long.MaxValue);
            var values = cached.GetColumn<float[]>(features).ToArray();
            var rand = catalog.Env().Register("PermutationFeatureImportance").Rand;

            var baseline = catalog.Evaluate(predictionTransformer.Transform(data), labelColumnName);
            var result = ImmutableArray.CreateBuilder<MulticlassClassificationMetricsStatistics>(vector.Size);
            for (int slot = 0; slot < vector.Size; slot++)
            {
                var metrics = new List<MulticlassClassificationMetrics>();
                for (int p = 0; p < permutationCount; p++)
                {
                    var permuted = values.Select(row => row[slot]).ToArray();
                    rand.Shuffle(permuted);
                    var changed = new MapDataView(cached, new SlotReplacement(features, slot, permuted));
                    metrics.Add(catalog.Evaluate(predictionTransformer.Transform(changed), labelColumnName));
                }
                result.Add(new MulticlassClassificationMetricsStatistics(baseline, metrics));
            }
            return result.MoveToImmutable();
        }

        /// <summary>The features with one slot's values taken from a list, by the number of the row.</summary>
        private sealed class SlotReplacement : RowMapper
        {
            private readonly DataViewSchema.Column _features;
            private readonly int _slot;
            private readonly float[] _values;

            public SlotReplacement(DataViewSchema.Column features, int slot, float[] values)
            {
                _features = features;
                _slot = slot;
                _values = values;
                OutputColumns = new[] { new DataViewSchema.DetachedColumn(features) };
            }

            public override DataViewSchema.DetachedColumn[] OutputColumns { get; }

            public override IEnumerable<int> Dependencies(int outputColumn) => new[] { _features.Index };

            public override Delegate[] CreateGetters(DataViewRow input, Func<int, bool> active)
            {
                if (!active(0)) return new Delegate[1];
                var get = input.GetGetter<VBuffer<float>>(_features);
                VBuffer<float> row = default;
                return new Delegate[]
                {
                    (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
                    {
                        get(ref row);
                        row.CopyToDense(ref value);
                        var editor = VBufferEditor.CreateFromBuffer(ref value);
                        editor.Values[_slot] = _values[input.Position];
                        value = editor.Commit();
                    }),
                };
            }
        }
    }
}
