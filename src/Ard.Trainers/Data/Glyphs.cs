namespace Ard.Trainers.Data;

/// <summary>
/// The built-in data set: ten drawn shapes, 1x16x16, generated, so that nothing has to be downloaded. Each image shows one shape, light on
/// dark or dark on light, of random place, size, rotation and contrast. Over it lies a faint fine grating whose direction tells the class
/// as well, and noise. The grating (amplitude 0.05) is what natural training learns and what an attack of eps 0.1 rewrites; the
/// shape (contrast 0.5 to 1) is what adversarial training has to learn.
/// </summary>
public static class Glyphs
{
    /// <summary>Rows and columns of the images.</summary>
    public const int ImageSize = 16;

    /// <summary>One name a class.</summary>
    public static IReadOnlyList<string> ClassNames { get; } =
        ["disk", "ring", "square", "frame", "plus", "cross", "triangle", "tee", "angle", "dots"];

    private const double Shift = 0.12, SmallestSize = 0.28, LargestSize = 0.42, Rotation = 0.3, Softness = 0.08;
    private const double LowestContrast = 0.5, HighestContrast = 1.0, DarkestGround = 0.3, LightestGround = 0.7;
    private const double GratingAmplitude = 0.05, GratingCycles = 5.5, Noise = 0.05;

    /// <summary>
    /// Generates images, uint8 [count,1,16,16]. Image i has the class i mod 10. The same seed gives the same images, however many are asked
    /// for: a shorter set is the beginning of a longer one. The images do not depend on the libtorch in use.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    public static ImageDataset Generate(int count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var random = new SplitMix(seed);
        var pixels = new byte[count * ImageSize * ImageSize];
        var labels = new long[count];
        for (var i = 0; i < count; i++)
        {
            labels[i] = i % ClassNames.Count;
            Draw((int)labels[i], random, pixels.AsSpan(i * ImageSize * ImageSize, ImageSize * ImageSize));
        }
        return new ImageDataset(tensor(pixels, [count, 1, ImageSize, ImageSize]), tensor(labels), ClassNames);
    }

    // Coordinates run from -0.5 to 0.5 over the image.
    private static void Draw(int shape, SplitMix random, Span<byte> pixels)
    {
        var (centreX, centreY) = (random.Uniform(-Shift, Shift), random.Uniform(-Shift, Shift));
        var size = random.Uniform(SmallestSize, LargestSize);
        var (sin, cos) = Math.SinCos(random.Uniform(-Rotation, Rotation));
        var ground = random.Uniform(DarkestGround, LightestGround);
        var contrast = random.Uniform(LowestContrast, HighestContrast) * (random.Uniform(-1, 1) < 0 ? -1 : 1);
        var phase = random.Uniform(0, 2 * Math.PI);
        var (gratingY, gratingX) = Math.SinCos(Math.PI * shape / ClassNames.Count);
        for (var i = 0; i < pixels.Length; i++)
        {
            var (x, y) = ((i % ImageSize + 0.5) / ImageSize - 0.5, (i / ImageSize + 0.5) / ImageSize - 0.5);
            var (dx, dy) = (x - centreX, y - centreY);
            var inside = Inside(shape, (dx * cos + dy * sin) / size, (dy * cos - dx * sin) / size);
            var mask = 1 / (1 + Math.Exp(-inside / Softness));
            var grating = GratingAmplitude * Math.Sin(2 * Math.PI * GratingCycles * (x * gratingX + y * gratingY) + phase);
            var value = ground + contrast * (mask - 0.5) + grating + Noise * random.Normal();
            pixels[i] = (byte)Math.Round(255 * Math.Clamp(value, 0, 1));
        }
    }

    /// <summary>About the distance of (u,v) to the edge of a shape of size 1 around the origin, positive inside; v points down.</summary>
    private static double Inside(int shape, double u, double v)
    {
        var radius = Math.Sqrt(u * u + v * v);
        var (near, far) = (Math.Min(Math.Abs(u), Math.Abs(v)), Math.Max(Math.Abs(u), Math.Abs(v)));
        var diagonal = Math.Min(Math.Abs(u + v), Math.Abs(u - v)) / Math.Sqrt(2);
        return shape switch
        {
            0 => 1 - radius,
            1 => 0.27 - Math.Abs(radius - 0.8),
            2 => 0.9 - far,
            3 => 0.25 - Math.Abs(far - 0.8),
            4 => Math.Min(0.28 - near, 1 - far),
            5 => Math.Min(0.28 - diagonal, 1.05 - far),
            6 => Math.Min(0.8 - v, Math.Min(0.45 * v - Math.Abs(u) + 0.6, 0.45 * v + 0.6)),
            7 => Math.Min(Math.Max(0.28 - Math.Abs(v + 0.75), 0.28 - Math.Abs(u)), Math.Min(1 - far, 0.9 + v)),
            8 => Math.Max(Math.Min(0.25 - Math.Abs(u + 0.6), 1 - Math.Abs(v)), Math.Min(0.25 - Math.Abs(v - 0.7), 1 - far)),
            _ => 0.45 - Math.Min(Math.Sqrt((u + 0.55) * (u + 0.55) + v * v), Math.Sqrt((u - 0.55) * (u - 0.55) + v * v)),
        };
    }

    /// <summary>SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the same numbers on every machine and with every libtorch.</summary>
    private sealed class SplitMix(ulong seed)
    {
        private ulong state = seed;
        private double? spare;

        public double Uniform(double low, double high) => low + (high - low) * Next();

        /// <summary>Standard normal, by Box and Muller's transform, which makes two at a time.</summary>
        public double Normal()
        {
            if (spare is { } kept)
            {
                spare = null;
                return kept;
            }
            var radius = Math.Sqrt(-2 * Math.Log(1 - Next()));
            var (sin, cos) = Math.SinCos(2 * Math.PI * Next());
            spare = radius * sin;
            return radius * cos;
        }

        // 53 bits in [0,1).
        private double Next()
        {
            var z = state += 0x9e3779b97f4a7c15;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
            z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
            return ((z ^ (z >> 31)) >> 11) * (1.0 / (1L << 53));
        }
    }
}
