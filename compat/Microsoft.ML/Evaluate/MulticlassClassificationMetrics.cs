// Stands in for Microsoft.ML.Data: the metrics of a multiclass classifier, and their computation in one pass over the scored rows.
namespace Microsoft.ML.Data;

public sealed class MulticlassClassificationMetrics
{
    internal MulticlassClassificationMetrics(double microAccuracy, double macroAccuracy, double logLoss, double logLossReduction,
        int topK, double[] topKAccuracies, double[] perClassLogLoss, ConfusionMatrix confusionMatrix)
    {
        MicroAccuracy = microAccuracy;
        MacroAccuracy = macroAccuracy;
        LogLoss = logLoss;
        LogLossReduction = logLossReduction;
        TopKPredictionCount = topK;
        TopKAccuracyForAllK = topKAccuracies;
        TopKAccuracy = topKAccuracies?[^1] ?? 0;
        PerClassLogLoss = perClassLogLoss;
        ConfusionMatrix = confusionMatrix;
    }

    /// <summary>Mean of -log p of the true class, over all rows.</summary>
    public double LogLoss { get; }

    /// <summary>How much lower the log-loss is than that of always giving the classes' frequencies, relative to the latter.</summary>
    public double LogLossReduction { get; }

    /// <summary>Mean of the classes' accuracies, over the classes that have rows.</summary>
    public double MacroAccuracy { get; }

    /// <summary>Share of rows whose class has the highest score.</summary>
    public double MicroAccuracy { get; }

    public double TopKAccuracy { get; }

    public int TopKPredictionCount { get; }

    public IReadOnlyList<double> TopKAccuracyForAllK { get; }

    public IReadOnlyList<double> PerClassLogLoss { get; }

    public ConfusionMatrix ConfusionMatrix { get; }
}

internal sealed class MulticlassEvaluation
{
    private const float Epsilon = 1e-15f;

    private readonly int _classes;
    private readonly double[][] _confusion;
    private readonly double[] _lossByClass;
    private readonly long[] _rowsByClass;
    private readonly long[] _rowsByRank;
    private long _rows;
    private double _loss;

    private MulticlassEvaluation(int classes)
    {
        _classes = classes;
        _confusion = Enumerable.Range(0, classes).Select(_ => new double[classes]).ToArray();
        _lossByClass = new double[classes];
        _rowsByClass = new long[classes];
        _rowsByRank = new long[classes];
    }

    public static MulticlassClassificationMetrics Evaluate(IDataView data, string labelName, string scoreName, string predictedLabelName,
        int topK)
    {
        var label = Find(data.Schema, "Label", labelName);
        var score = Find(data.Schema, "Score", scoreName);
        Find(data.Schema, "PredictedLabel", predictedLabelName);
        if (label.Type is not KeyDataViewType && label.Type != NumberDataViewType.Single)
            throw SchemaErrors.Mismatch("label", labelName, "Single or Key", label.Type.ToString(), "schema");
        if (score.Type is not VectorDataViewType { Size: >= 2, ItemType: NumberDataViewType item } scores
            || item != NumberDataViewType.Single)
            throw SchemaErrors.Mismatch("score", scoreName, "vector of two or more items of type Single", score.Type.ToString(), "schema");

        var evaluation = new MulticlassEvaluation(scores.Size);
        using (var cursor = data.GetRowCursor(new[] { label, score }))
        {
            var getLabel = LabelReader(cursor, label);
            var getScores = cursor.GetGetter<VBuffer<float>>(score);
            VBuffer<float> buffer = default;
            var values = new float[scores.Size];
            while (cursor.MoveNext())
            {
                double actual = getLabel();
                getScores(ref buffer);
                if (buffer.Length != values.Length)
                    throw new InvalidOperationException($"A row has {buffer.Length} scores, its column's type says {values.Length}");
                buffer.CopyTo(values);
                // Rows without a label, and rows whose scores are not numbers, are not judged.
                if (actual >= 0 && values.All(float.IsFinite)) evaluation.Add((long)actual, values);
            }
        }
        return evaluation.ToMetrics(topK, ClassNames(score, scores.Size));
    }

    private static DataViewSchema.Column Find(DataViewSchema schema, string role, string name) => schema.GetColumnOrNull(name)
        ?? throw new ArgumentOutOfRangeException("schema", $"{name} column '{role}' not found");

    // The class's index; negative or NaN when it is missing.
    private static Func<double> LabelReader(DataViewRow row, DataViewSchema.Column label)
    {
        if (label.Type is KeyDataViewType) return (Func<double>)Internal.Generic.Invoke(typeof(MulticlassEvaluation), nameof(KeyReader),
            label.Type.RawType, row, label);
        var get = row.GetGetter<float>(label);
        float value = 0;
        return () =>
        {
            get(ref value);
            return value;
        };
    }

    private static Func<double> KeyReader<T>(DataViewRow row, DataViewSchema.Column label)
    {
        var get = row.GetGetter<T>(label);
        var toNumber = (ValueMapper<T, double>)Conversions.Find(typeof(T), typeof(double));
        T key = default;
        double number = 0;
        return () =>
        {
            get(ref key);
            toNumber(in key, ref number);
            return number - 1;
        };
    }

    private static string[] ClassNames(DataViewSchema.Column score, int count)
    {
        if (!score.HasSlotNames()) return Enumerable.Range(0, count).Select(i => i.ToString()).ToArray();
        VBuffer<ReadOnlyMemory<char>> names = default;
        score.GetSlotNames(ref names);
        return names.DenseValues().Select(name => name.ToString()).ToArray();
    }

    private void Add(long actual, float[] scores)
    {
        _rows++;
        if (actual >= _classes)
        {
            // A class that was not there in training is always a mistake, of the greatest loss.
            _loss -= Math.Log(Epsilon);
            return;
        }
        int label = (int)actual;
        double loss = -Math.Log(Math.Min(1, Math.Max(Epsilon, scores[label])));
        _loss += loss;
        _lossByClass[label] += loss;
        _rowsByClass[label]++;

        // Of equal scores the first counts as the higher.
        int rank = 0, best = 0;
        for (int c = 0; c < _classes; c++)
        {
            if (scores[c] > scores[label] || (scores[c] == scores[label] && c < label)) rank++;
            if (scores[c] > scores[best]) best = c;
        }
        _rowsByRank[rank]++;
        _confusion[label][best]++;
    }

    private MulticlassClassificationMetrics ToMetrics(int topK, string[] names)
    {
        var present = Enumerable.Range(0, _classes).Where(c => _rowsByClass[c] > 0).ToArray();
        double Share(double part) => _rows > 0 ? part / _rows : 0;
        double logLoss = Share(_loss);
        double priorLoss = -present.Sum(c => Share(_rowsByClass[c]) * Math.Log(Share(_rowsByClass[c])));
        double[] topKAccuracies = null;
        if (topK > 0)
        {
            topKAccuracies = new double[topK];
            long hits = 0;
            for (int k = 0; k < topK; k++)
            {
                if (k < _classes) hits += _rowsByRank[k];
                topKAccuracies[k] = Share(hits);
            }
        }
        return new MulticlassClassificationMetrics(
            microAccuracy: Share(_rowsByRank[0]),
            macroAccuracy: present.Length == 0 ? 0 : present.Average(c => _confusion[c][c] / _rowsByClass[c]),
            logLoss,
            logLossReduction: (priorLoss - logLoss) / priorLoss,
            topK,
            topKAccuracies,
            perClassLogLoss: Enumerable.Range(0, _classes).Select(c => _rowsByClass[c] > 0 ? _lossByClass[c] / _rowsByClass[c] : 0)
                .ToArray(),
            new ConfusionMatrix(_confusion, names));
    }
}
