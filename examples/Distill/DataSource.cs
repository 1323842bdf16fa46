using Ard.Trainers.Data;
using Ard.Trainers.Networks;
using Ard.Trainers.Training;
using TorchSharp;

namespace Ard.Examples.Distill;

/// <summary>Training and test images, and what follows from their kind.</summary>
internal sealed record DataSource(string Name, ImageDataset Train, ImageDataset Test)
{
    public const string BuiltIn = "builtin";

    /// <summary>Teacher and student that the device can train on these images in hours.</summary>
    public (string Teacher, string Student) DefaultNetworks(string device) =>
        // The small ones have a layer of a fixed size.
        Train.Height != Train.Width ? ("resnet-20", "resnet-8")
        : Train.Height <= 16 ? ("tinycnn-16-bn", "tinycnn-8-bn")
        : Train.Channels == 1 || TrainingDevice.Find(device).type == DeviceType.CPU ? ("smallcnn-32-bn", "smallcnn-16-bn")
        : ("resnet18", "mobilenetv2");

    /// <summary>A folder of files, or the built-in images.</summary>
    /// <param name="name">The folder, or <see cref="BuiltIn"/>.</param>
    /// <param name="trainImages">Only the first so many; the built-in set makes as many as asked for, by default 4,000.</param>
    /// <param name="testImages">Only the first so many; the built-in set makes 1,000 by default.</param>
    /// <param name="classes">The number of classes, for files that do not say it.</param>
    public static DataSource Load(string name, int? trainImages, int? testImages, int? classes = null)
    {
        var (train, test) = (LoadTrain(name, trainImages, classes), LoadTest(name, testImages, classes));
        return (train.Channels, train.Height, train.Width) == (test.Channels, test.Height, test.Width)
            && train.ClassNames.SequenceEqual(test.ClassNames)
            ? new(name, train, test)
            : throw new ArgumentException($"{name}: expected test images like those of the training, {train}, found {test}.");
    }

    /// <summary>The training images only; the built-in set makes 4,000 by default.</summary>
    public static ImageDataset LoadTrain(string name, int? images, int? classes = null) =>
        name == BuiltIn ? Glyphs.Generate(images ?? 4000, seed: 1) : First(ImageDataset.Load(name, DataSplit.Train, classes), images);

    /// <summary>The test images only; the built-in set makes 1,000 by default.</summary>
    public static ImageDataset LoadTest(string name, int? images, int? classes = null) =>
        name == BuiltIn ? Glyphs.Generate(images ?? 1000, seed: 2) : First(ImageDataset.Load(name, DataSplit.Test, classes), images);

    /// <summary>The architecture for these images: their size, channels and classes.</summary>
    public NetworkSpec Fit(NetworkSpec network) => Fit(network, Train);

    /// <summary>The same for these images.</summary>
    public static NetworkSpec Fit(NetworkSpec network, ImageDataset images)
    {
        if (network.Name is "tinycnn" or "smallcnn" && images.Height != images.Width)
            throw new ArgumentException(
                $"The images have {images.Height}x{images.Width} pixels, {network} expects square ones; all but tinycnn and "
                + "smallcnn take any.");
        return network.For(images.ClassNames.Count, images.Channels, images.Height);
    }

    private static ImageDataset First(ImageDataset images, int? count)
    {
        if (count is not { } some || some >= images.Count) return images;
        using (images) return images.Take(some);
    }
}
