using Ard.Trainers.Training;
using static TorchSharp.torch;

namespace Ard.Samples;

/// <summary>Shifted, mirrored and partly covered images, others in each epoch.</summary>
internal static class AugmentationSample
{
    public static void Example()
    {
        var images = Given.Test.Images[..4];
        using var generator = new Generator(1);
        var augmentation = new Augmentation(Padding: 2, Flip: true) { Cutout = 4 };
        var changed = augmentation.Apply(images, generator);
        Console.WriteLine($"{augmentation}: [{string.Join(",", changed.shape)}], changed: {!changed.Equals(images)}");
        Console.WriteLine($"by default for 3x32x32: {Augmentation.For(3, 32, 32)}; for 1x16x16: {Augmentation.For(1, 16, 16)}");

        // Two operations of fourteen for each image, such as rotation or contrast.
        var random = Augmentation.CropAndFlip with { RandAugment = new() { Operations = 2, Magnitude = 9 } };
        Console.WriteLine($"{random}: {random.Apply(images, generator).min().item<float>() >= 0}");

        // Expected output:
        // crop 2 + flip + cutout 4: [4,1,16,16], changed: True
        // by default for 3x32x32: crop 4 + flip; for 1x16x16: crop 2
        // crop 4 + flip + randaugment 2x9: True
    }
}
