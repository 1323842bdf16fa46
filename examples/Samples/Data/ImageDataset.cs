using Ard.Trainers.Data;
using static TorchSharp.torch;

namespace Ard.Samples;

/// <summary>Images of your own as tensors: one byte or one float a value.</summary>
internal static class ImageDatasetSample
{
    public static void Example()
    {
        using var mine = new ImageDataset(
            images: randint(0, 256, [30, 3, 8, 8], dtype: ScalarType.Byte), labels: arange(30) % 3, classNames: ["cat", "dog", "owl"]);

        // Drawn at random, a tenth of each class; and batches as floats in [0,1].
        var (kept, drawn) = mine.Split(3, seed: 1);
        var (batch, labels) = kept.Batch(0, 5);
        Console.WriteLine($"{mine.ClassNames.Count} classes, kept {kept.Count}, drawn {drawn.Count}");
        Console.WriteLine($"batch {batch.dtype} [{string.Join(",", batch.shape)}], labels {labels.dtype}");
        Console.WriteLine($"from 0 to 1: {batch.min().item<float>() >= 0 && batch.max().item<float>() <= 1}");

        // Expected output:
        // 3 classes, kept 27, drawn 3
        // batch Float32 [5,3,8,8], labels Int64
        // from 0 to 1: True
    }
}
