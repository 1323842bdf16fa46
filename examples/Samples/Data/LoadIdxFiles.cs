using Ard.Trainers.Data;

namespace Ard.Samples;

/// <summary>MNIST, Fashion-MNIST and what else comes as IDX files, plain or with .gz.</summary>
internal static class LoadIdxFilesSample
{
    public static void Example()
    {
        // The usual names: train-images-idx3-ubyte and train-labels-idx1-ubyte. Two images of 2x3 here.
        var folder = Directory.CreateTempSubdirectory("ard-sample-").FullName;
        File.WriteAllBytes(Path.Combine(folder, "train-images-idx3-ubyte"),
            [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255]);
        File.WriteAllBytes(Path.Combine(folder, "train-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 2, 7, 9]);

        using var images = ImageDataset.Load(folder, DataSplit.Train, classNames: ImageDataset.FashionMnistClasses);
        Console.WriteLine($"{images.Count} images of {images.Channels}x{images.Height}x{images.Width}");
        Console.WriteLine(string.Join(", ", images.Labels.data<long>().ToArray().Select(label => images.ClassNames[(int)label])));
        Directory.Delete(folder, recursive: true);

        // Expected output:
        // 2 images of 1x2x3
        // Sneaker, Ankle boot
    }
}
