using Ard.MLNet;
using Ard.Trainers.Data;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Ard.Samples;

/// <summary>Images that are tensors already as an IDataView.</summary>
internal static class LoadImageDatasetSample
{
    public static void Example()
    {
        using var dataset = new ImageDataset(rand(6, 1, 4, 4), arange(6) % 2, ["empty", "full"]);
        var ml = new MLContext();
        var images = ml.Data.LoadImageDataset(dataset);
        // The keys of the classes, from 1.
        Console.WriteLine($"{images.Schema["Features"].Type}: {string.Join(", ", images.GetColumn<uint>("Label"))}");

        // Expected output:
        // Vector<Single, 1, 4, 4>: 1, 2, 1, 2, 1, 2
    }
}
