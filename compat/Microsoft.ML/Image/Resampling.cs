// Resizing of images as the real library's backend does it: nearest pixels to fill, smooth interpolation otherwise.
using Microsoft.ML.Data;

namespace Microsoft.ML.Internal;

internal static class Resampling
{
    /// <summary>Each pixel of the result is the source's pixel nearest to its centre, of two equally near the earlier.</summary>
    public static MLImage Nearest(MLImage source, int width, int height)
    {
        var columns = Enumerable.Range(0, width).Select(x => NearestIndex(x, source.Width, width)).ToArray();
        var result = new byte[width * height * 4];
        var pixels = source.Pixels;
        for (int y = 0; y < height; y++)
        {
            var row = pixels.Slice(NearestIndex(y, source.Height, height) * source.Width * 4, source.Width * 4);
            for (int x = 0; x < width; x++) row.Slice(columns[x] * 4, 4).CopyTo(result.AsSpan((y * width + x) * 4));
        }
        return Like(source, width, height, result);
    }

    private static int NearestIndex(int i, int from, int to) => Math.Max((int)Math.Ceiling((i + 0.5) * from / to) - 1, 0);

    /// <summary>Cubic interpolation to enlarge; to reduce, bilinear interpolation in the source halved as often as fits the change of size
    /// best.</summary>
    public static MLImage Smooth(MLImage source, int width, int height)
    {
        if (source.Width == width && source.Height == height) return Like(source, width, height, source.Pixels.ToArray());
        double shrinkage = (double)source.Width * source.Height / ((double)width * height);
        int halvings = Math.Max((int)Math.Ceiling((Math.Log2(shrinkage) - 1) / 2), 0);
        var pixels = source.Pixels.ToArray();
        int w = source.Width, h = source.Height;
        for (; halvings > 0 && (w > 1 || h > 1); halvings--) pixels = Halve(pixels, ref w, ref h);
        bool enlarges = width >= source.Width && height >= source.Height;
        return Like(source, width, height, Interpolate(pixels, w, h, width, height, enlarges ? Mitchell : Triangle, enlarges ? 2 : 1));
    }

    // Two pixels become one; of an odd number of pixels three, of which the outer ones are shared with the neighbours.
    private static byte[] Halve(byte[] pixels, ref int width, ref int height)
    {
        int[] columnWeights = HalvingWeights(width), rowWeights = HalvingWeights(height);
        int total = columnWeights.Sum() * rowWeights.Sum();
        int w = Math.Max(width / 2, 1), h = Math.Max(height / 2, 1);
        var result = new byte[w * h * 4];
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                for (int c = 0; c < 4; c++)
                {
                    int sum = 0;
                    for (int j = 0; j < rowWeights.Length; j++)
                        for (int i = 0; i < columnWeights.Length; i++)
                            sum += rowWeights[j] * columnWeights[i] * pixels[((2 * y + j) * width + 2 * x + i) * 4 + c];
                    result[(y * w + x) * 4 + c] = (byte)(sum / total);
                }
        (width, height) = (w, h);
        return result;
    }

    private static int[] HalvingWeights(int size) => size == 1 ? new[] { 1 } : size % 2 == 0 ? new[] { 1, 1 } : new[] { 1, 2, 1 };

    private static double Triangle(double x) => Math.Max(1 - Math.Abs(x), 0);

    // The cubic filter of Mitchell and Netravali (1988) with B = C = 1/3.
    private static double Mitchell(double x)
    {
        x = Math.Abs(x);
        return x < 1 ? ((7 * x - 12) * x * x + 16.0 / 3) / 6 : x < 2 ? (((-7.0 / 3 * x + 12) * x - 20) * x + 32.0 / 3) / 6 : 0;
    }

    // Each pixel of the result is a weighted mean of the source's pixels around its centre; those beyond the edge are as the edge.
    private static byte[] Interpolate(byte[] pixels, int w, int h, int width, int height, Func<double, double> filter, int radius)
    {
        var columns = Taps(w, width, filter, radius);
        var rows = Taps(h, height, filter, radius);
        var across = new double[h * width * 4];
        for (int y = 0; y < h; y++)
            for (int x = 0; x < width; x++)
                foreach (var (index, weight) in columns[x])
                    for (int c = 0; c < 4; c++) across[(y * width + x) * 4 + c] += weight * pixels[(y * w + index) * 4 + c];
        var result = new byte[width * height * 4];
        var sum = new double[width * 4];
        for (int y = 0; y < height; y++)
        {
            Array.Clear(sum);
            foreach (var (index, weight) in rows[y])
                for (int i = 0; i < sum.Length; i++) sum[i] += weight * across[index * sum.Length + i];
            for (int i = 0; i < sum.Length; i++) result[y * sum.Length + i] = (byte)Math.Clamp(sum[i] + 0.5, 0, 255);
        }
        return result;
    }

    private static (int Index, double Weight)[][] Taps(int from, int to, Func<double, double> filter, int radius) => Enumerable.Range(0, to)
        .Select(i =>
    {
        double at = (i + 0.5) * from / to - 0.5;
        int first = (int)Math.Floor(at) - radius + 1;
        return Enumerable.Range(first, 2 * radius).Select(k => (Math.Clamp(k, 0, from - 1), filter(at - k))).Where(tap => tap.Item2 != 0)
            .ToArray();
    }).ToArray();

    /// <summary>The part of the image, with transparent black where it reaches beyond.</summary>
    public static MLImage Window(MLImage source, int left, int top, int width, int height)
    {
        var result = new byte[width * height * 4];
        var pixels = source.Pixels;
        int copied = Math.Min(width, source.Width - left) * 4;
        for (int y = 0; y < height && top + y < source.Height; y++)
            pixels.Slice(((top + y) * source.Width + left) * 4, copied).CopyTo(result.AsSpan(y * width * 4));
        return Like(source, width, height, result);
    }

    private static MLImage Like(MLImage source, int width, int height, byte[] pixels)
    {
        var image = MLImage.CreateFromPixels(width, height, source.PixelFormat, pixels);
        image.Tag = source.Tag;
        return image;
    }
}
