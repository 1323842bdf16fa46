using Ard.Trainers.Data;
using Ard.Trainers.Networks;

namespace Ard.Examples.Distill;

/// <summary>Training and test images, and what follows from their kind.</summary>
internal sealed record DataSource(string Name, ImageDataset Train, ImageDataset Test)
{
    public const string BuiltIn = "builtin";

    public bool IsBuiltIn => Name == BuiltIn;

    public bool IsColour => Train.Channels == 3;

    public double DefaultEpsilon => IsColour ? 8.0 / 255 : 0.1;

    /// <summary>A folder of files, or the built-in images.</summary>
    /// <param name="name">The folder, or <see cref="BuiltIn"/>.</param>
    /// <param name="trainImages">Only the first so many; the built-in set makes as many as asked for, by default 4,000.</param>
    /// <param name="testImages">Only the first so many; the built-in set makes 1,000 by default.</param>
    /// <param name="classes">The number of classes, for files that do not say it.</param>
    public static DataSource Load(string name, int? trainImages, int? testImages, int? classes = null)
    {
        var train = name == BuiltIn
            ? Glyphs.Generate(trainImages ?? 4000, seed: 1)
            : First(ImageDataset.Load(name, DataSplit.Train, classes), trainImages);
        return new DataSource(name, train, LoadTest(name, testImages, classes));
    }

    /// <summary>The test images only; the built-in set makes 1,000 by default.</summary>
    public static ImageDataset LoadTest(string name, int? images, int? classes = null) =>
        name == BuiltIn ? Glyphs.Generate(images ?? 1000, seed: 2) : First(ImageDataset.Load(name, DataSplit.Test, classes), images);

    /// <summary>The architecture to be trained on these images: their size, channels, classes; gray images are centred around 0.</summary>
    public NetworkSpec Fit(NetworkSpec network) => Fit(network, Train) with
    {
        Mean = IsColour ? null : [0.5],
        Std = IsColour ? null : [1.0],
    };

    /// <summary>The architecture of weights that are there, which say themselves how images are normalised for them.</summary>
    public static NetworkSpec Fit(NetworkSpec network, ImageDataset images)
    {
        if (network.Name is "tinycnn" or "smallcnn" && images.Height != images.Width)
            throw new ArgumentException(
                $"The images have {images.Height}x{images.Width} pixels, {network} expects square ones; resnet, preactresnet, wideresnet "
                + "and mobilenetv2 take any.");
        return Fitted(network, images);
    }

    private static NetworkSpec Fitted(NetworkSpec network, ImageDataset images) => network with
    {
        Classes = images.Classes,
        InputChannels = images.Channels,
        ImageSize = images.Height,
    };

    private static ImageDataset First(ImageDataset images, int? count)
    {
        if (count is not { } some || some >= images.Count) return images;
        using (images) return images.Take(some);
    }
}
