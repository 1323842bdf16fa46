using Microsoft.ML.Data;

namespace Ard.Examples.ImageFolder;

/// <summary>Draws photographs of a kind: boats, houses and trees under a sky, in any light, in JPEG files of several sizes.</summary>
internal static class Scenes
{
    private static readonly string[] Kinds = ["boat", "house", "tree"];

    // Red, green and blue of the ground and of the two parts of a thing, as they usually are; every photograph has others near them.
    private static readonly double[][][] Colours =
    [
        [[0.15, 0.35, 0.65], [0.45, 0.3, 0.2], [0.9, 0.88, 0.82]],
        [[0.55, 0.55, 0.5], [0.8, 0.7, 0.55], [0.65, 0.25, 0.2]],
        [[0.45, 0.6, 0.3], [0.2, 0.45, 0.2], [0.4, 0.28, 0.18]],
    ];

    /// <summary>Writes the files into one folder a class, in place of what was drawn there before.</summary>
    /// <returns>The folder.</returns>
    public static string Draw(string folder, int count)
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        for (var i = 0; i < count; i++)
        {
            var random = new Random(i);
            var (width, height) = (96 + 16 * random.Next(3), 96 + 16 * random.Next(3));
            var kind = i % Kinds.Length;
            var path = Path.Combine(Directory.CreateDirectory(Path.Combine(folder, Kinds[kind])).FullName, $"{i:D4}.jpg");
            using var image = MLImage.CreateFromPixels(width, height, MLPixelFormat.Rgba32, Scene(width, height, kind, random));
            image.Save(path);
        }
        return folder;
    }

    private static byte[] Scene(int width, int height, int kind, Random random)
    {
        var light = 0.6 + 0.4 * random.NextDouble();
        var (sky, ground, thing, other) = (Near([0.6, 0.75, 0.9]), Near(Colours[kind][0]), Near(Colours[kind][1]), Near(Colours[kind][2]));
        var horizon = height * (0.45 + 0.2 * random.NextDouble());
        var size = height * (0.25 + 0.2 * random.NextDouble());
        var (x0, y0) = (width * (0.3 + 0.4 * random.NextDouble()), horizon + size * (0.2 + 0.3 * random.NextDouble()));
        var pixels = new byte[4 * width * height];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                // Places in units of the thing's size, from the middle of its foot up.
                var (u, v) = ((x - x0) / size, (y0 - y) / size);
                var colour = Part(kind, u, v) switch { 1 => thing, 2 => other, _ => y < horizon ? sky : ground };
                var shade = light * (0.8 + 0.2 * y / height) + 0.06 * (random.NextDouble() - 0.5);
                for (var c = 0; c < 3; c++) pixels[4 * (y * width + x) + c] = (byte)Math.Clamp(255 * colour[c] * shade, 0, 255);
                pixels[4 * (y * width + x) + 3] = 255;
            }
        }
        return pixels;

        double[] Near(double[] colour) => [.. colour.Select(part => part + 0.3 * (random.NextDouble() - 0.5))];
    }

    // 1 and 2 are the two parts of a thing, 0 is what is behind it.
    private static int Part(int kind, double u, double v) => kind switch
    {
        // A hull that grows wider upwards, and a sail.
        0 => v is > 0 and < 0.25 && Math.Abs(u) < 0.4 + v ? 1 : v is > 0.3 and < 1.2 && u > -0.05 && u < 0.5 * (1.2 - v) ? 2 : 0,
        // Walls and a roof.
        1 => v is > 0 and < 0.6 && Math.Abs(u) < 0.5 ? 1 : v is >= 0.6 and < 1.1 && Math.Abs(u) < 1.2 * (1.1 - v) ? 2 : 0,
        // A crown and a trunk.
        _ => u * u + (v - 0.8) * (v - 0.8) < 0.16 ? 1 : v is > 0 and < 0.6 && Math.Abs(u) < 0.09 ? 2 : 0,
    };
}
