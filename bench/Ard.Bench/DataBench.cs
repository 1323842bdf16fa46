using Ard.MLNet;
using Ard.MLNet.Data;
using Ard.MLNet.Schema;
using Microsoft.ML;

namespace Ard.Bench;

/// <summary>
/// <c>bench data</c>: what surrounds a training. An IDataView read into a data set, beside a bare cursor over it; an epoch of batches drawn
/// and augmented, beside the same image by image, as torchvision's transforms work; models loaded, beside their bytes alone. The floor is
/// the time of copying the bytes.
/// </summary>
internal static class DataBench
{
    private static readonly Option<int> Rounds = Options.Count("--rounds", 5), Images = Options.Count("--images", 5000);

    public static Command Command() => Options.Command(
        "data", "What surrounds a training: reading, drawing batches, loading models.",
        p => Run(p.GetValue(Rounds), p.GetValue(Images), p.GetValue(Options.Threads)), Rounds, Images, Options.Threads);

    private static void Run(int rounds, int count, int threads)
    {
        set_num_threads(threads);
        var limits = MachineLimits.Measure(CPU);
        Markdown.Title($"Data, {count} images of 3x32x32 bytes, {threads} threads, {rounds} rounds; {limits}; libtorch {__version__}");
        Markdown.Header("", "ours, ms", "peer, ms", "ratio", "floor/ours", "peer");

        var ml = new MLContext(seed: 1);
        using var generator = new Generator(7);
        using var dataset = Options.Noise(count, generator);
        var data = ml.Data.LoadImageDataset(dataset);
        var keyed = ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
        var format = new PixelFormat(3, 32, 32, new()) { Column = data.Schema["Features"].Type };
        var labels = ClassLabels.Read(keyed.Schema["Label"]);
        double floats = 4.0 * count * 3 * 32 * 32, bytes = floats / 4;

        // Floats are written and read once, bytes written.
        Print("IDataView to data set", "bare cursor", 2 * floats + bytes,
            () => ImageReader.Read(keyed, "Features", "Label", format, labels).Dispose(),
            () => ScoringBench.ReadAll(keyed, "Features", "Label"));
        Print("batches of 128, augmented", "image by image", 2 * (2 * floats + bytes),
            () => Epoch(dataset, generator, (images, _) => Augmentation.CropAndFlip.Apply(images, generator)),
            () => Epoch(dataset, generator, OneByOne));

        foreach (var name in new[] { "mobilenetv2", "resnet18" })
        {
            using var network = NetworkSpec.Parse(name).Build(1);
            var file = Path.Combine(Path.GetTempPath(), $"ard-bench-{Environment.ProcessId}.safetensors");
            try
            {
                ModelFile.Write(file, network);
                Print($"load {name}", "its bytes", 2.0 * new FileInfo(file).Length,
                    () => ModelFile.Load(file, network), () => File.ReadAllBytes(file));
            }
            finally
            {
                File.Delete(file);
            }
        }

        void Print(string what, string peer, double bytesMoved, Action ours, Action theirs)
        {
            var turns = Turns.Measure(rounds, () => Turns.Seconds(ours), () => Turns.Seconds(theirs));
            Markdown.Row(
                what, $"{1000 * turns.Ours:F1}", $"{1000 * turns.Theirs:F1}", turns.Range,
                $"{bytesMoved / limits.BytesPerSecond / turns.Ours:F2}", peer);
        }
    }

    private static void Epoch(ImageDataset data, Generator generator, Func<Tensor, Generator, Tensor> augment)
    {
        using var scope = NewDisposeScope();
        var order = randperm(data.Count, dtype: ScalarType.Int64, generator: generator);
        foreach (var numbers in order.split(128))
        {
            using var step = NewDisposeScope();
            augment(data.Batch(numbers).Images, generator);
        }
    }

    private static Tensor OneByOne(Tensor images, Generator generator)
    {
        var padded = nn.functional.pad(images, [4, 4, 4, 4]);
        return stack([.. Enumerable.Range(0, (int)images.shape[0]).Select(n =>
        {
            var draw = randint(0, 9, [2], dtype: ScalarType.Int64, generator: generator).data<long>().ToArray();
            var crop = padded[n].narrow(1, draw[0], 32).narrow(2, draw[1], 32);
            return randint(0, 2, [1], dtype: ScalarType.Int64, generator: generator).item<long>() > 0 ? crop.flip(2) : crop;
        })]);
    }
}
