// Resizing of images as the real library's backend does it: nearest pixels to fill, bilinear interpolation between halved images otherwise.
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

    /// <summary>Bilinear interpolation in the source, or in the copy of it that was halved as often as fits the change of size best.</summary>
    public static MLImage Smooth(MLImage source, int width, int height)
    {
        if (source.Width == width && source.Height == height) return Like(source, width, height, source.Pixels.ToArray());
        double shrinkage = (double)source.Width * source.Height / ((double)width * height);
        int halvings = Math.Max((int)Math.Ceiling((Math.Log2(shrinkage) - 1) / 2), 0);
        var pixels = source.Pixels.ToArray();
        int w = source.Width, h = source.Height;
        for (; halvings > 0 && (w > 1 || h > 1); halvings--) pixels = Halve(pixels, ref w, ref h);
        return Like(source, width, height, Bilinear(pixels, w, h, width, height));
    }

    private static byte[] Halve(byte[] pixels, ref int width, ref int height)
    {
        int w = Math.Max(width / 2, 1), h = Math.Max(height / 2, 1);
        var result = new byte[w * h * 4];
        for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
        {
            int x0 = Math.Min(2 * x, width - 1), x1 = Math.Min(2 * x + 1, width - 1);
            int y0 = Math.Min(2 * y, height - 1) * width, y1 = Math.Min(2 * y + 1, height - 1) * width;
            for (int c = 0; c < 4; c++)
            {
                int sum = pixels[(y0 + x0) * 4 + c] + pixels[(y0 + x1) * 4 + c] + pixels[(y1 + x0) * 4 + c] + pixels[(y1 + x1) * 4 + c];
                result[(y * w + x) * 4 + c] = (byte)(sum / 4);
            }
        }
        (width, height) = (w, h);
        return result;
    }

    private static byte[] Bilinear(byte[] pixels, int w, int h, int width, int height)
    {
        var result = new byte[width * height * 4];
        for (int y = 0; y < height; y++)
        {
            var (y0, y1, fy) = Neighbours(y, h, height);
            for (int x = 0; x < width; x++)
            {
                var (x0, x1, fx) = Neighbours(x, w, width);
                for (int c = 0; c < 4; c++)
                {
                    double top = pixels[(y0 * w + x0) * 4 + c] * (1 - fx) + pixels[(y0 * w + x1) * 4 + c] * fx;
                    double bottom = pixels[(y1 * w + x0) * 4 + c] * (1 - fx) + pixels[(y1 * w + x1) * 4 + c] * fx;
                    result[(y * width + x) * 4 + c] = (byte)(top * (1 - fy) + bottom * fy + 0.5);
                }
            }
        }
        return result;
    }

    // The two source pixels whose centres enclose the centre of a pixel of the result, and the share of the second.
    private static (int First, int Second, double Share) Neighbours(int i, int from, int to)
    {
        double at = Math.Clamp((i + 0.5) * from / to - 0.5, 0, from - 1);
        int first = (int)at;
        return (first, Math.Min(first + 1, from - 1), at - first);
    }

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
