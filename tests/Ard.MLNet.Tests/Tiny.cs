namespace Ard.MLNet.Tests;

/// <summary>Data, settings and models that are as small as they can be.</summary>
internal static class Tiny
{
    private static readonly Lazy<(MLContext, ImageClassifierTransformer)> SharedClassifier = new(() =>
    {
        var ml = new MLContext(1);
        return (ml, new ArdTrainer(ml, Natural()).Fit(Glyphs(ml, 40)));
    });

    /// <summary>One epoch of natural training of a network of two channels.</summary>
    public static ArdTrainerOptions Natural(NetworkDefinition? network = null) => new()
    {
        Network = network ?? "tinycnn-2",
        Method = "natural",
        Training = Training(),
        ScoringBatchSize = 4,
    };

    public static TrainingOptions Training(int epochs = 1) => new()
    {
        Epochs = epochs,
        BatchSize = 16,
        Optimizer = new SgdOptimizer { LearningRate = 0.05 },
        Schedule = Schedule.Constant,
        Augmentation = Augmentation.None,
        ValidationFraction = 0,
        Device = "cpu",
        Threads = 1,
        AcceptTeacherNearChance = true,
    };

    /// <summary>Built-in images with their labels as keys, in the order in which they occur.</summary>
    public static IDataView Glyphs(MLContext ml, int count, ulong seed = 7)
    {
        var data = ml.Data.LoadGlyphs(count, seed);
        return Keys(ml).Fit(ml.Data.LoadGlyphs(10, seed)).Transform(data);
    }

    /// <summary>Built-in images with the names of their classes as labels.</summary>
    public static IDataView Texts(MLContext ml, int count, ulong seed = 7) => Texts(ml, ml.Data.LoadGlyphs(count, seed));

    /// <summary>The same with the values of its label's keys.</summary>
    public static IDataView Texts(MLContext ml, IDataView data) =>
        ml.Transforms.Conversion.MapKeyToValue("Label").Fit(data).Transform(data);

    public static IEstimator<ITransformer> Keys(MLContext ml) => ml.Transforms.Conversion.MapValueToKey("Label");

    /// <summary>The same images as objects.</summary>
    public static Image[] Images(MLContext ml, int count, ulong seed = 7)
    {
        var images = ml.Data.CreateEnumerable<Image>(Glyphs(ml, count, seed), reuseRowObject: false).ToArray();
        // Objects that are read have the keys themselves, from 1; objects that are loaded have them from 0.
        foreach (var image in images) image.Label--;
        return images;
    }

    /// <summary>A classifier of glyphs that all tests may use and none may dispose of.</summary>
    public static ImageClassifierTransformer Classifier => SharedClassifier.Value.Item2;

    /// <summary>Every value of a column as it comes from one cursor over this column alone.</summary>
    public static List<T> Column<T>(IDataView view, string name)
    {
        var column = view.Schema[name];
        using var cursor = view.GetRowCursor([column]);
        var get = cursor.GetGetter<T>(column);
        var values = new List<T>();
        while (cursor.MoveNext())
        {
            T value = default!;
            get(ref value);
            values.Add(value);
        }
        return values;
    }

    public static List<float[]> Vectors(IDataView view, string name) =>
        [.. Column<VBuffer<float>>(view, name).Select(vector => vector.DenseValues().ToArray())];

    public static float[] Weights(ImageClassifierTransformer classifier) =>
        [.. classifier.Model.parameters().SelectMany(parameter => parameter.detach().cpu().contiguous().data<float>().ToArray())];

    public static string Folder()
    {
        var folder = Path.Combine(Path.GetTempPath(), "ard-tests", Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        return folder;
    }
}

internal sealed class Image
{
    [VectorType(1, 16, 16)]
    public float[] Features { get; set; } = [];

    /// <summary>From 0; what is not below 10 is a missing label.</summary>
    [KeyType(10)]
    public uint Label { get; set; }
}

internal sealed class Prediction
{
    public float[] Score { get; set; } = [];

    public uint PredictedLabel { get; set; }
}
