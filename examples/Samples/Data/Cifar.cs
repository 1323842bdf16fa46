using Ard.Trainers.Data;

namespace Ard.Samples;

/// <summary>CIFAR-10 in its binary version: a folder of files, or the archive that holds it.</summary>
internal static class CifarSample
{
    public static void Example()
    {
        // Files of one row each stand for those of 10,000: leave rowsPerFile out for the real ones. Names are those of batches.meta.txt.
        var folder = Directory.CreateTempSubdirectory("ard-sample-").FullName;
        var labels = new[] { 3, 5, 0, 9, 1 };
        for (var n = 1; n <= 5; n++)
            File.WriteAllBytes(Path.Combine(folder, $"data_batch_{n}.bin"), [(byte)labels[n - 1], .. new byte[3 * 32 * 32]]);

        using var images = Cifar.Load(folder, DataSplit.Train, rowsPerFile: 1);
        Console.WriteLine($"{images.Count} images of {images.Channels}x{images.Height}x{images.Width}");
        Console.WriteLine(string.Join(", ", images.Labels.data<long>().ToArray().Select(label => images.ClassNames[(int)label])));
        Directory.Delete(folder, recursive: true);

        // Expected output:
        // 5 images of 3x32x32
        // 3, 5, 0, 9, 1
    }
}
