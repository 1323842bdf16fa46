using Ard.MLNet;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.Bench;

/// <summary>
/// <c>bench size</c>: a training on more images than memory is meant to hold, through ML.NET from rows that are made as they are read: the
/// most memory that the process had, and the time. Then an epoch from a file beside one from memory.
/// </summary>
internal static class SizeBench
{
    private const int Side = 96, Classes = 3, BatchSize = 128;

    private static readonly Option<int> Images = Options.Count("--images", 150_000), Rounds = Options.Count("--rounds", 3),
        Compared = Options.Count("--compared", 8192);

    private static readonly Option<string> Storage = new("--storage")
    {
        DefaultValueFactory = _ => "auto",
        Description = "auto, memory or file; default auto, as the trainers choose.",
    };

    private static readonly Option<string> Network = new("--network") { DefaultValueFactory = _ => "tinycnn-8-bn" };

    public static Command Command()
    {
        Storage.AcceptOnlyFromAmong("auto", "memory", "file");
        return Options.Command(
            "size", "Memory and time of a training on many images, in memory or in a file.", Run, Images, Compared, Rounds, Storage,
            Network, Options.Threads);
    }

    private static void Run(ParseResult p)
    {
        set_num_threads(p.GetValue(Options.Threads));
        var network = p.GetValue(Network)!;
        Train(p.GetValue(Images), p.GetValue(Storage)!, network);
        Compare(p.GetValue(Compared), p.GetValue(Rounds), network);
    }

    private static void Train(int count, string storage, string network)
    {
        var ml = new MLContext(seed: 1);
        ml.Log += (_, entry) =>
        {
            if (entry.Source.Contains("Trainer", StringComparison.Ordinal)) Console.WriteLine($"    {entry.Message}");
        };
        Markdown.Title($"One epoch of {network} on {count} images of 3x{Side}x{Side} bytes, {3e-6 * count * Side * Side:F0} MB, libtorch "
            + $"{__version__}");
        var before = Peak();
        var watch = Stopwatch.StartNew();
        var options = new ArdTrainerOptions
        {
            Network = network,
            Method = "natural",
            Training = Once() with { ValidationFraction = 0.01, Validation = new() { Attacks = ["fgsm"] } },
        };
        if (storage != "auto") options = options with { MostInMemory = storage == "file" ? 0 : long.MaxValue };
        var trainer = new ArdTrainer(ml, options);
        using var model = trainer.Fit(ml.Data.LoadFromEnumerable(Pictures(count)));
        var (all, epoch) = (watch.Elapsed.TotalSeconds, model.Training!.History[0].Seconds);
        Markdown.Header("images", "MB before", "peak MB", "reading, s", "epoch, s");
        Markdown.Row($"{count}", $"{before}", $"{Peak()}", $"{all - epoch:F1}", $"{epoch:F1}");
    }

    private static void Compare(int count, int rounds, string network)
    {
        using var generator = new Generator(7);
        using var memory = new ImageDataset(
            randint(0, 256, [count, 3, Side, Side], dtype: ScalarType.Byte, generator: generator),
            arange(count, dtype: ScalarType.Int64).remainder(Classes), ["a", "b", "c"]);
        var path = Path.Combine(Path.GetTempPath(), $"ard-bench-{Environment.ProcessId}.images");
        try
        {
            memory.Save(path);
            using var file = ImageDataset.Open(path);
            Markdown.Title($"An epoch on {count} images, from a file in the page cache beside memory, {rounds} rounds");
            Markdown.Header("", "file, s", "memory, s", "ratio");
            var turns = Turns.Measure(rounds, () => Turns.Seconds(() => Epoch(file)), () => Turns.Seconds(() => Epoch(memory)));
            Markdown.Row($"{network}", $"{turns.Ours:F2}", $"{turns.Theirs:F2}", turns.Range);
            turns = Turns.Measure(rounds, () => Processor(() => Epoch(file)), () => Processor(() => Epoch(memory)));
            Markdown.Row($"{network}, the processor's time", $"{turns.Ours:F2}", $"{turns.Theirs:F2}", turns.Range);
            turns = Turns.Measure(
                rounds, () => Turns.Seconds(() => Batches(file, generator)), () => Turns.Seconds(() => Batches(memory, generator)));
            Markdown.Row("batches alone", $"{turns.Ours:F2}", $"{turns.Theirs:F2}", turns.Range);
        }
        finally
        {
            File.Delete(path);
        }

        void Epoch(ImageDataset data)
        {
            using var student = (NetworkSpec.Parse(network) with { Classes = Classes, ImageSize = Side }).Build(1);
            Trainer.Fit(new(student), ObjectiveCatalog.ByName("natural", new()), data, Once());
        }
    }

    private static void Batches(ImageDataset data, Generator generator)
    {
        using var scope = NewDisposeScope();
        var order = randperm(data.Count, dtype: ScalarType.Int64, generator: generator);
        foreach (var numbers in order.split(BatchSize))
        {
            using var step = NewDisposeScope();
            data.Batch(numbers);
        }
    }

    private static TrainingOptions Once() => new()
    {
        Epochs = 1,
        BatchSize = BatchSize,
        ValidationFraction = 0,
        Device = "cpu",
        Threads = get_num_threads(),
    };

    private static IEnumerable<Picture> Pictures(int count)
    {
        var random = new Random(1);
        for (var n = 0; n < count; n++)
        {
            var picture = new Picture { Label = (uint)(n % Classes) };
            random.NextBytes(picture.Features);
            yield return picture;
        }
    }

    // Which other work disturbs less than the clock's.
    private static double Processor(Action work)
    {
        var before = Environment.CpuUsage.TotalTime;
        work();
        return (Environment.CpuUsage.TotalTime - before).TotalSeconds;
    }

    private static long Peak() => Process.GetCurrentProcess().PeakWorkingSet64 >> 20;

    private sealed class Picture
    {
        [VectorType(3, Side, Side)]
        public byte[] Features { get; set; } = new byte[3 * Side * Side];

        [KeyType(Classes)]
        public uint Label { get; set; }
    }
}
