using System.Numerics;
using System.Runtime.CompilerServices;

namespace Ard.MLNet.Data;

/// <summary>Pixels in [0,1].</summary>
internal static class UnitPixels
{
    /// <summary>
    /// Each byte divided by 255. As fast as possible from the first call on: beside a small network, a plain loop would be a tenth of the time
    /// that scoring takes.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void From(ReadOnlySpan<byte> bytes, Span<float> pixels)
    {
        var i = 0;
        for (; i <= bytes.Length - Vector<byte>.Count; i += Vector<byte>.Count)
        {
            Vector.Widen(new Vector<byte>(bytes[i..]), out var low, out var high);
            Convert(low, pixels[i..]);
            Convert(high, pixels[(i + Vector<ushort>.Count)..]);
        }
        for (; i < bytes.Length; i++) pixels[i] = bytes[i] / 255f;

        static void Convert(Vector<ushort> values, Span<float> pixels)
        {
            Vector.Widen(values, out var first, out var second);
            (Vector.ConvertToSingle(Vector.AsVectorInt32(first)) / 255f).CopyTo(pixels);
            (Vector.ConvertToSingle(Vector.AsVectorInt32(second)) / 255f).CopyTo(pixels[Vector<uint>.Count..]);
        }
    }

    /// <summary>
    /// Copies values; returns whether all of them are in [0,1], which NaN is not. As fast as possible for the same reason: some tenths of a
    /// microsecond for 3072. The two may be the same memory.
    /// </summary>
    /// <param name="values">The values.</param>
    /// <param name="target">As many places.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool Copy(ReadOnlySpan<float> values, Span<float> target)
    {
        var i = 0;
        var inside = Vector<int>.AllBitsSet;
        target = target[..values.Length];
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var pixels = new Vector<float>(values[i..]);
            pixels.CopyTo(target[i..]);
            inside &= Vector.GreaterThanOrEqual(pixels, Vector<float>.Zero) & Vector.LessThanOrEqual(pixels, Vector<float>.One);
        }
        var all = inside == Vector<int>.AllBitsSet;
        for (; i < values.Length; i++)
        {
            target[i] = values[i];
            all &= values[i] is >= 0 and <= 1;
        }
        return all;
    }

    /// <summary>
    /// The bytes that the pixels are multiples of 1/255 of; false, and some of them, where a pixel is none. A byte times 1/255 in single
    /// precision may be a rounding away from the byte divided by 255; both come from bytes.
    /// </summary>
    /// <param name="pixels">Pixels in [0,1].</param>
    /// <param name="bytes">As many places.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool ToBytes(ReadOnlySpan<float> pixels, Span<byte> bytes)
    {
        var i = 0;
        var (count, all) = (Vector<float>.Count, Vector<int>.AllBitsSet);
        for (; i <= pixels.Length - 4 * count; i += 4 * count)
        {
            var low = Vector.Narrow(Nearest(pixels[i..], ref all), Nearest(pixels[(i + count)..], ref all));
            var high = Vector.Narrow(Nearest(pixels[(i + 2 * count)..], ref all), Nearest(pixels[(i + 3 * count)..], ref all));
            Vector.Narrow(low, high).CopyTo(bytes[i..]);
        }
        if (all != Vector<int>.AllBitsSet) return false;
        for (; i < pixels.Length; i++)
        {
            bytes[i] = (byte)(pixels[i] * 255 + 0.5f);
            if (pixels[i] != bytes[i] / 255f && pixels[i] != bytes[i] * (1 / 255f)) return false;
        }
        return true;

        static Vector<uint> Nearest(ReadOnlySpan<float> from, ref Vector<int> all)
        {
            var values = new Vector<float>(from);
            var nearest = Vector.ConvertToInt32(values * 255f + new Vector<float>(0.5f));
            var whole = Vector.ConvertToSingle(nearest);
            all &= Vector.Equals(values, whole / 255f) | Vector.Equals(values, whole * (1 / 255f));
            return Vector.AsVectorUInt32(nearest);
        }
    }
}
