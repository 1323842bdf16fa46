using Ard.MLNet;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.Samples;

/// <summary>Image files in folders named by class, read by ML.NET's own image steps.</summary>
internal static class LoadImageFolderSample
{
    public static void Example()
    {
        var folder = Directory.CreateTempSubdirectory("ard-sample-").FullName;
        foreach (var (name, grey) in new[] { ("black", (byte)0), ("white", (byte)255) })
        {
            var pixels = Enumerable.Repeat(new byte[] { grey, grey, grey, 255 }, 8 * 8).SelectMany(pixel => pixel).ToArray();
            using var image = MLImage.CreateFromPixels(8, 8, MLPixelFormat.Rgba32, pixels);
            image.Save(Path.Combine(Directory.CreateDirectory(Path.Combine(folder, name)).FullName, "1.png"));
        }

        var ml = new MLContext();
        var files = ml.Data.LoadImageFolder(folder);
        var images = ml.Transforms.LoadImages("Image", "", "ImagePath")
            .Append(ml.Transforms.ResizeImages("Image", 4, 4))
            .Append(ml.Transforms.ExtractPixels("Features", "Image", scaleImage: 1f / 255))
            .Append(ml.Transforms.Conversion.MapKeyToValue("Label"))
            .Fit(files).Transform(files);
        foreach (var (label, values) in images.GetColumn<string>("Label").Zip(images.GetColumn<float[]>("Features")))
            Console.WriteLine($"{label}: {values.Length} values, mean {values.Average():F0}");
        Directory.Delete(folder, recursive: true);

        // Expected output:
        // black: 48 values, mean 0
        // white: 48 values, mean 1
    }
}
