using System.Numerics.Tensors;

namespace Ard.MLNet.Data;

internal static class UnitPixels
{
    public static void From(ReadOnlySpan<byte> bytes, Span<float> pixels)
    {
        pixels = pixels[..bytes.Length];
        TensorPrimitives.ConvertTruncating(bytes, pixels);
        TensorPrimitives.Divide(pixels, 255f, pixels);
    }

    /// <summary>Whether all values are in [0,1], which NaN is not.</summary>
    public static bool Are(ReadOnlySpan<float> values) =>
        values.IsEmpty || (TensorPrimitives.Min(values) >= 0 && TensorPrimitives.Max(values) <= 1);

    /// <summary>
    /// The bytes that the pixels are multiples of 1/255 of; false, and some of them, where a pixel is none. A byte times 1/255 in single
    /// precision may be a rounding away from the byte divided by 255; both come from bytes.
    /// </summary>
    public static bool ToBytes(ReadOnlySpan<float> pixels, Span<byte> bytes)
    {
        for (var i = 0; i < pixels.Length; i++)
        {
            bytes[i] = (byte)(pixels[i] * 255 + 0.5f);
            if (pixels[i] != bytes[i] / 255f && pixels[i] != bytes[i] * (1 / 255f)) return false;
        }
        return true;
    }
}
