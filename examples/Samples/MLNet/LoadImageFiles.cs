using System.Globalization;
using Ard.MLNet;
using Ard.Trainers.Data;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.Samples;

/// <summary>Fashion-MNIST, MNIST, CIFAR and the like as an IDataView.</summary>
internal static class LoadImageFilesSample
{
    public static void Example()
    {
        // A folder with train-images-idx3-ubyte(.gz) and train-labels-idx1-ubyte(.gz); one image of 2x2 stands for 60,000 of 28x28.
        var folder = Directory.CreateTempSubdirectory("ard-sample-").FullName;
        File.WriteAllBytes(
            Path.Combine(folder, "train-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 51, 102, 255]);
        File.WriteAllBytes(Path.Combine(folder, "train-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 1, 9]);

        var ml = new MLContext();
        var images = ml.Data.LoadImageDataset(folder, DataSplit.Train, ImageDataset.FashionMnistClasses);
        var label = ImageDataset.FashionMnistClasses[(int)images.GetColumn<uint>("Label").Single() - 1];
        var pixels = images.GetColumn<float[]>("Features").Single().Select(value => value.ToString("F1", CultureInfo.InvariantCulture));
        Console.WriteLine($"{label}: {string.Join(" ", pixels)}");
        Directory.Delete(folder, recursive: true);

        // Expected output:
        // Ankle boot: 0.0 0.2 0.4 1.0
    }
}
