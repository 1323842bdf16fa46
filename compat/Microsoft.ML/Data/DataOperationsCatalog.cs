// Stands in for Microsoft.ML.Data: mlContext.Data.
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public sealed class DataOperationsCatalog : IInternalCatalog
{
    private readonly IHostEnvironment _env;

    internal DataOperationsCatalog(IHostEnvironment env) => _env = env;

    IHostEnvironment IInternalCatalog.Environment => _env;

    /// <summary>Two views of the rows of one.</summary>
    public readonly struct TrainTestData
    {
        public readonly IDataView TrainSet;
        public readonly IDataView TestSet;

        internal TrainTestData(IDataView trainSet, IDataView testSet)
        {
            TrainSet = trainSet;
            TestSet = testSet;
        }
    }

    public IDataView LoadFromEnumerable<TRow>(IEnumerable<TRow> data, SchemaDefinition schemaDefinition = null) where TRow : class
    {
        ArgumentNullException.ThrowIfNull(data);
        return new EnumerableDataView<TRow>(data, new TypedColumns<TRow>(schemaDefinition, SchemaDefinition.Direction.Read));
    }

    public IDataView LoadFromEnumerable<TRow>(IEnumerable<TRow> data, DataViewSchema schema) where TRow : class
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(schema);
        return LoadFromEnumerable(data, DefinitionFrom<TRow>(schema));
    }

    /// <summary>The row class's definition with types and annotations taken from the schema's columns of its names.</summary>
    internal static SchemaDefinition DefinitionFrom<TRow>(DataViewSchema schema)
    {
        var definition = SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Read);
        foreach (var column in definition)
        {
            if (schema.GetColumnOrNull(column.ColumnName) is not { } known) continue;
            column.ColumnType = known.Type;
            foreach (var annotation in known.Annotations.Schema)
                Internal.Generic.Invoke(typeof(DataOperationsCatalog), nameof(CopyAnnotation), annotation.Type.RawType, known.Annotations,
                    annotation, column);
        }
        return definition;
    }

    private static void CopyAnnotation<T>(DataViewSchema.Annotations annotations, DataViewSchema.Column annotation,
        SchemaDefinition.Column target)
    {
        T value = default;
        annotations.GetValue(annotation.Name, ref value);
        target.AddAnnotation(annotation.Name, value, annotation.Type);
    }

    public IEnumerable<TRow> CreateEnumerable<TRow>(IDataView data, bool reuseRowObject, bool ignoreMissingColumns = false,
        SchemaDefinition schemaDefinition = null)
        where TRow : class, new()
    {
        ArgumentNullException.ThrowIfNull(data);
        var columns = new TypedColumns<TRow>(schemaDefinition, SchemaDefinition.Direction.Write);
        return Enumerate(data, columns, columns.Bind(data.Schema, ignoreMissingColumns), reuseRowObject);
    }

    private static IEnumerable<TRow> Enumerate<TRow>(IDataView data, TypedColumns<TRow> columns,
        (int Member, DataViewSchema.Column Column)[] bound, bool reuse)
        where TRow : class, new()
    {
        using var cursor = data.GetRowCursor(bound.Select(b => b.Column));
        var fill = columns.CreateFill(cursor, bound);
        TRow row = null;
        while (cursor.MoveNext())
        {
            if (row == null || !reuse) row = new TRow();
            fill(row);
            yield return row;
        }
    }

    public IDataView Cache(IDataView input, params string[] columnsToPrefetch)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new CacheDataView(input, columnsToPrefetch);
    }

    public IDataView ShuffleRows(IDataView input, int? seed = null, int shufflePoolSize = 1000, bool shuffleSource = true)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (shufflePoolSize <= 0) throw new ArgumentOutOfRangeException(nameof(shufflePoolSize), "Must be positive");
        return new ShuffleDataView(input, seed ?? NewSeed("Shuffle"), shufflePoolSize, shuffleSource);
    }

    public IDataView TakeRows(IDataView input, long count)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (count <= 0) throw new ArgumentOutOfRangeException(nameof(count), "Must be greater than zero.");
        return new RangeDataView(input, 0, count);
    }

    public IDataView SkipRows(IDataView input, long count)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (count <= 0) throw new ArgumentOutOfRangeException(nameof(count), "Must be greater than zero.");
        return new RangeDataView(input, count, long.MaxValue);
    }

    public IDataView BootstrapSample(IDataView input, int? seed = null, bool complement = false)
    {
        ArgumentNullException.ThrowIfNull(input);
        ulong salt = (ulong)(seed ?? NewSeed("Bootstrap"));
        return new RepeatDataView(input, Array.Empty<int>(), row =>
        {
            var uniform = RowHash.OfIds(row, salt);
            return () => complement ? (Poisson(uniform()) == 0 ? 1 : 0) : Poisson(uniform());
        });
    }

    // The Poisson(1) variate at a quantile: how often a row comes into a bootstrap sample of many rows.
    private static int Poisson(double quantile)
    {
        double probability = Math.Exp(-1);
        int k = 0;
        for (; quantile >= probability && k < 16; probability /= k)
        {
            quantile -= probability;
            k++;
        }
        return k;
    }

    public TrainTestData TrainTestSplit(IDataView data, double testFraction = 0.1, string samplingKeyColumnName = null, int? seed = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (!(testFraction > 0 && testFraction < 1))
            throw new ArgumentOutOfRangeException(nameof(testFraction), "Must be between 0 and 1 exclusive");
        return Split(data, RowHash.For(data.Schema, samplingKeyColumnName, seed ?? NewSeed("TrainTestSplit")), 0, testFraction);
    }

    public IReadOnlyList<TrainTestData> CrossValidationSplit(IDataView data, int numberOfFolds = 5, string samplingKeyColumnName = null,
        int? seed = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (numberOfFolds <= 1) throw new ArgumentOutOfRangeException(nameof(numberOfFolds), "Must be more than 1");
        var hash = RowHash.For(data.Schema, samplingKeyColumnName, seed ?? NewSeed("CrossValidationSplit"));
        return Enumerable.Range(0, numberOfFolds)
            .Select(fold => Split(data, hash, (double)fold / numberOfFolds, (double)(fold + 1) / numberOfFolds))
            .ToArray();
    }

    private static TrainTestData Split(IDataView data, RowHash hash, double lower, double upper)
    {
        IDataView Part(bool inside) => new RepeatDataView(data, hash.Inputs, row =>
        {
            var uniform = hash.Over(row);
            return () =>
            {
                double u = uniform();
                return (u >= lower && u < upper) == inside ? 1 : 0;
            };
        });
        return new TrainTestData(Part(false), Part(true));
    }

    private int NewSeed(string name) => _env.Register(name).Rand.Next();
}
