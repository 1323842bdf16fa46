using Ard.MLNet;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.Bench;

/// <summary>
/// <c>bench scoring</c>: microseconds an image through ML.NET (Transform and a cursor that reads Score and PredictedLabel of every row),
/// beside the raw network on batches that lie ready in memory, the two in short turns; and one row at a time through a PredictionEngine.
/// </summary>
internal static class ScoringBench
{
    private static readonly (string Network, int Images, int Batch)[] Cases =
        [("smallcnn-16", 4096, 256), ("smallcnn-16", 4096, 1024), ("tinycnn-16-bn", 1024, 256), ("mobilenetv2", 256, 256)];

    private static readonly Option<int> Rounds = Options.Count("--rounds", 25);

    public static Command Command() => Options.Command(
        "scoring", "Scoring through ML.NET beside the raw network.", p => Run(p.GetValue(Rounds), p.GetValue(Options.Threads)), Rounds,
        Options.Threads);

    private static void Run(int rounds, int threads)
    {
        set_num_threads(threads);
        var limits = MachineLimits.Measure(CPU);
        Markdown.Title($"Scoring, {threads} threads, {rounds} rounds; {limits}; libtorch {__version__}; microseconds an image");
        Markdown.Header("network", "batch", "ML.NET", "raw network", "ratio", "floor/ours", "one row");
        foreach (var (network, images, batch) in Cases) Measure(network, images, batch, rounds, limits);
    }

    private static void Measure(string network, int count, int batch, int roundCount, MachineLimits limits)
    {
        var ml = new MLContext(seed: 1);
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        using var dataset = Options.Noise(count, generator);
        var keys = ml.Transforms.Conversion.MapValueToKey("Label");
        var data = ml.Data.LoadImageDataset(dataset);
        var keyed = keys.Fit(data).Transform(data);
        // What it learns does not matter.
        using var classifier = ml.MulticlassClassification.Trainers.AdversarialTraining(new()
        {
            Network = network,
            Method = "natural",
            Training = new() { Epochs = 1, ValidationFraction = 0 },
            ScoringBatchSize = batch,
        }).Fit(ml.Data.TakeRows(keyed, 20));

        var ready = dataset.Images.to(ScalarType.Float32).div_(255).split(batch).ToArray();
        var rows = ml.Data.CreateEnumerable<Picture>(ml.Data.TakeRows(data, 64), reuseRowObject: false).ToArray();
        using var engine = ml.Model.CreatePredictionEngine<Picture, Scored>(classifier);

        // One of its own, for that of the classifier is folded.
        using var raw = classifier.Classifier.Copy();
        var flops = NetworkCost.Forward(raw, ready[0]) / batch;

        double MLNet() => Turns.Seconds(() => ReadAll(classifier.Transform(keyed), "Score", "PredictedLabel")) / count;
        double Raw() => Turns.Seconds(() => CallAll(raw, ready)) / count;
        double OneRow() => Turns.Seconds(() => Array.ForEach(rows, row => engine.Predict(row))) / rows.Length;

        // The first turns warm up: .NET compiles what runs often once more, a while after it has begun.
        for (var warmed = Stopwatch.StartNew(); warmed.Elapsed.TotalSeconds < 3;) _ = (MLNet(), Raw(), OneRow());
        // Single rows by themselves: whoever came after them would find their data in the caches, not its own.
        var single = Turns.Median(Enumerable.Range(0, roundCount).Select(_ => OneRow()));
        var turns = Turns.Measure(roundCount, MLNet, Raw);
        Markdown.Row(
            network, $"{batch}", $"{1e6 * turns.Ours:F1}", $"{1e6 * turns.Theirs:F1}", turns.Range,
            $"{limits.Floor(flops) / turns.Ours:F2}", $"{1e6 * single:F0}");
    }

    /// <summary>Reads a vector and a key of every row.</summary>
    public static void ReadAll(IDataView view, string vector, string key)
    {
        using var cursor = view.GetRowCursor([view.Schema[vector], view.Schema[key]]);
        var getVector = cursor.GetGetter<VBuffer<float>>(view.Schema[vector]);
        var getKey = cursor.GetGetter<uint>(view.Schema[key]);
        VBuffer<float> values = default;
        uint number = 0;
        while (cursor.MoveNext())
        {
            getVector(ref values);
            getKey(ref number);
        }
    }

    private static void CallAll(Module<Tensor, Tensor> network, Tensor[] batches)
    {
        using var noGradient = no_grad();
        foreach (var batch in batches) network.call(batch).Dispose();
    }

    private sealed class Picture
    {
        [VectorType(3, 32, 32)]
        public float[] Features { get; set; } = [];
    }

    private sealed class Scored
    {
        public float[] Score { get; set; } = [];

        public uint PredictedLabel { get; set; }
    }
}
