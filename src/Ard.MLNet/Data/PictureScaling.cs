using System.Numerics;
using static Microsoft.ML.Transforms.Image.ImageResizingEstimator;

namespace Ard.MLNet.Data;

/// <summary>
/// Scales pictures to one size. Each pixel is the weighted mean of those around its place, whose weights fall off linearly; of a picture
/// that becomes smaller as many count as go into one, so that nothing is left out (as Pillow's BILINEAR does it, and torchvision's Resize
/// with antialias). A picture of the size itself stays as it is. Of another ratio of sides IsoCrop cuts off both ends of the longer, IsoPad
/// adds black, Fill stretches.
/// </summary>
internal sealed class PictureScaling(int height, int width, ResizingKind resizing)
{
    // Four bytes a pixel.
    private const int Depth = 4;

    private readonly byte[] scaled = new byte[(long)Depth * height * width];
    private (int Height, int Width) of;
    private Axis rows = null!, columns = null!;
    private Vector4[] narrowed = [];

    /// <summary>The picture in this size, until the next is scaled; four bytes a pixel, row by row.</summary>
    public ReadOnlySpan<byte> Scale(ReadOnlySpan<byte> pixels, int fromHeight, int fromWidth)
    {
        if ((fromHeight, fromWidth) == (height, width)) return pixels;
        if (of != (fromHeight, fromWidth)) Measure(fromHeight, fromWidth);
        scaled.AsSpan().Clear();
        var (first, end) = rows.Span;
        for (var y = first; y < end; y++)
        {
            for (var x = 0; x < columns.Count; x++)
                narrowed[(y - first) * columns.Count + x] = Mean(pixels[(y * fromWidth * Depth)..], columns.Of(x));
        }
        for (var y = 0; y < rows.Count; y++)
        {
            var (start, weights) = rows.Of(y);
            for (var x = 0; x < columns.Count; x++)
            {
                var sum = Vector4.Zero;
                for (var i = 0; i < weights.Length; i++) sum += weights[i] * narrowed[(start - first + i) * columns.Count + x];
                var to = scaled.AsSpan(((rows.Place + y) * width + columns.Place + x) * Depth, Depth);
                for (var c = 0; c < Depth; c++) to[c] = (byte)Math.Clamp(sum[c] + 0.5f, 0, 255);
            }
        }
        return scaled;
    }

    private static Vector4 Mean(ReadOnlySpan<byte> row, (int Start, float[] Weights) of)
    {
        var mean = Vector4.Zero;
        for (var i = 0; i < of.Weights.Length; i++)
        {
            var from = row.Slice((of.Start + i) * Depth, Depth);
            mean += of.Weights[i] * new Vector4(from[0], from[1], from[2], from[3]);
        }
        return mean;
    }

    private void Measure(int fromHeight, int fromWidth)
    {
        var (down, across) = ((double)fromHeight / height, (double)fromWidth / width);
        // Pixels of the picture that go into one.
        if (resizing == ResizingKind.IsoCrop) down = across = Math.Min(down, across);
        if (resizing == ResizingKind.IsoPad) down = across = Math.Max(down, across);
        (rows, columns) = (new Axis(fromHeight, height, down), new Axis(fromWidth, width, across));
        narrowed = new Vector4[(long)(rows.Span.End - rows.Span.First) * columns.Count];
        of = (fromHeight, fromWidth);
    }

    /// <summary>One direction: which pixels of the picture go into which of the result, and with what weights.</summary>
    private sealed class Axis
    {
        private readonly (int Start, float[] Weights)[] all;

        public Axis(int from, int to, double step)
        {
            Count = Math.Clamp((int)Math.Round(from / step), 1, to);
            Place = (to - Count) / 2;
            // In the middle of the picture, as far as the result reaches.
            var begin = (from - Count * step) / 2;
            all = [.. Enumerable.Range(0, Count).Select(i => Weigh(begin + (i + 0.5) * step, Math.Max(step, 1), from))];
        }

        /// <summary>Pixels of the result, without black ones that were added.</summary>
        public int Count { get; }

        public int Place { get; }

        /// <summary>The pixels of the picture that count.</summary>
        public (int First, int End) Span => (all[0].Start, all[^1].Start + all[^1].Weights.Length);

        public (int Start, float[] Weights) Of(int pixel) => all[pixel];

        private static (int, float[]) Weigh(double centre, double reach, int from)
        {
            var start = Math.Clamp((int)Math.Floor(centre - reach + 0.5), 0, from - 1);
            var end = Math.Clamp((int)Math.Floor(centre + reach + 0.5), start + 1, from);
            double[] weights = [.. Enumerable.Range(start, end - start).Select(i => Math.Max(0, 1 - Math.Abs(i + 0.5 - centre) / reach))];
            var sum = weights.Sum();
            return (start, [.. weights.Select(weight => (float)(sum > 0 ? weight / sum : 1.0 / weights.Length))]);
        }
    }
}
