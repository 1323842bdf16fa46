using Ard.Trainers.Data;

namespace Ard.Samples;

/// <summary>The built-in images: ten drawn shapes; nothing is downloaded.</summary>
internal static class GlyphsSample
{
    public static void Example()
    {
        using var images = Glyphs.Generate(1000, seed: 1);
        Console.WriteLine($"{images.Count} images of {images.Channels}x{images.Height}x{images.Width}, {images.Images.dtype}");
        Console.WriteLine(string.Join(", ", images.ClassNames));

        // Expected output:
        // 1000 images of 1x16x16, Byte
        // disk, ring, square, frame, plus, cross, triangle, tee, angle, dots
    }
}
