using System.Diagnostics;
using System.Globalization;
using Ard.MLNet;
using Ard.Trainers.Data;
using Ard.Trainers.Training;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Bench;

/// <summary>
/// <c>bench scoring</c>: images a second through ML.NET (Transform and a cursor that reads Score and PredictedLabel of every row), beside
/// the raw network on batches that lie ready in memory, and beside one row at a time through a PredictionEngine. The three take turns.
/// </summary>
internal static class ScoringBench
{
    private static readonly (string Network, int Images)[] Cases = [("smallcnn-16", 4096), ("tinycnn-16-bn", 2048), ("mobilenetv2", 512)];

    public static int Run(string[] args)
    {
        var options = Arguments.Numbers(args, "scoring", ("--rounds", 25), ("--threads", CpuThreads.Default));
        var (rounds, threads) = (options["--rounds"], options["--threads"]);
        CpuThreads.Set(threads);
        var limits = MachineLimits.Measure(CPU);
        Console.WriteLine($"Scoring, {threads} threads, {rounds} rounds; {limits}; libtorch {__version__}; images a second");
        Console.WriteLine($"{"network",-14}{"batch",7}{"ML.NET",10}{"raw",10}{"ratio",8}{"lowest",8}{"highest",9}{"to floor",10}{"one row",10}{"ML.NET/one",12}");
        foreach (var (network, images) in Cases) Measure(network, images, batch: 256, rounds, limits);
        return 0;
    }

    private static void Measure(string network, int count, int batch, int rounds, MachineLimits limits)
    {
        var ml = new MLContext(seed: 1).RegisterArd();
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        using var dataset = new ImageDataset(
            randint(0, 256, [count, 3, 32, 32], dtype: ScalarType.Byte, generator: generator),
            arange(count, dtype: ScalarType.Int64).remainder(10), [.. Enumerable.Range(0, 10).Select(label => $"{label}")]);
        var keys = ml.Transforms.Conversion.MapValueToKey("Label");
        var data = ml.Data.LoadImageDataset(dataset);
        var keyed = keys.Fit(data).Transform(data);
        // What it learns does not matter.
        using var classifier = ml.AdversarialTrainer(new()
        {
            Network = network,
            Method = "natural",
            Training = new() { Epochs = 1, ValidationFraction = 0 },
            ScoringBatchSize = batch,
        }).Fit(ml.Data.TakeRows(keyed, 20));

        var ready = dataset.Images.to(ScalarType.Float32).div_(255).split(batch).ToArray();
        var rows = ml.Data.CreateEnumerable<Picture>(ml.Data.TakeRows(data, 64), reuseRowObject: false).ToArray();
        using var engine = ml.Model.CreatePredictionEngine<Picture, Scored>(classifier);

        var flops = NetworkCost.Forward(classifier.Model, ready[0]) / batch;

        double PerSecond(int images, Action work)
        {
            var watch = Stopwatch.StartNew();
            work();
            return images / watch.Elapsed.TotalSeconds;
        }
        double MLNet() => PerSecond(count, () => ReadAll(classifier.Transform(keyed), "Score", "PredictedLabel"));
        double Raw() => PerSecond(count, () => CallAll(classifier.Model, ready));
        double OneRow() => PerSecond(rows.Length, () => Array.ForEach(rows, row => engine.Predict(row)));

        // The first turns warm up: .NET compiles what runs often once more, a while after it has begun.
        for (var turn = 0; turn < 3; turn++) _ = (MLNet(), Raw(), OneRow());
        var turns = Enumerable.Range(0, rounds).Select(_ => (MLNet: MLNet(), Raw: Raw(), OneRow: OneRow())).ToArray();
        var ratios = turns.Select(turn => turn.MLNet / turn.Raw).Order().ToArray();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{network,-14}{batch,7}{Arguments.Median(turns.Select(t => t.MLNet)),10:F0}{Arguments.Median(turns.Select(t => t.Raw)),10:F0}")
            + string.Create(CultureInfo.InvariantCulture,
            $"{Arguments.Median(ratios),8:F3}{ratios[0],8:F3}{ratios[^1],9:F3}{Arguments.Median(turns.Select(t => t.MLNet)) * limits.Floor(flops),10:F3}{Arguments.Median(turns.Select(t => t.OneRow)),10:F0}")
            + string.Create(CultureInfo.InvariantCulture, $"{Arguments.Median(turns.Select(t => t.MLNet / t.OneRow)),12:F1}"));
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
