using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Ard.MLNet.Data;

/// <summary>Pixels in [0,1].</summary>
internal static class UnitPixels
{
    // Three times a byte is exact, and its product with this rounds to the byte divided by 255, for each of the 256: a division takes
    // several times as long.
    private const float Of765 = 1f / 765;

    /// <summary>
    /// Each byte divided by 255. As fast as possible from the first call on: beside a small network, a plain loop would be a tenth of the
    /// time that scoring takes.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void From(ReadOnlySpan<byte> bytes, Span<float> pixels)
    {
        pixels = pixels[..bytes.Length];
        var i = 0;
        for (; i <= bytes.Length - Vector512<byte>.Count; i += Vector512<byte>.Count)
        {
            var (low, high) = Vector512.Widen(Vector512.Create(bytes[i..]));
            var (first, second) = Vector512.Widen(low);
            var (third, fourth) = Vector512.Widen(high);
            var four = pixels.Slice(i, Vector512<byte>.Count);
            Divided(first).CopyTo(four);
            Divided(second).CopyTo(four[16..]);
            Divided(third).CopyTo(four[32..]);
            Divided(fourth).CopyTo(four[48..]);
        }
        for (; i < bytes.Length; i++) pixels[i] = bytes[i] / 255f;

        static Vector512<float> Divided(Vector512<uint> values) => Vector512.ConvertToSingle(values.AsInt32()) * 3f * Of765;
    }

    /// <summary>
    /// Copies values; returns whether all of them are in [0,1], which NaN is not, nor is -0 here. As fast as possible for the same reason:
    /// some tenths of a microsecond for 3072. The two may be the same memory.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool Copy(ReadOnlySpan<float> values, Span<float> target)
    {
        target = target[..values.Length];
        // The bits of a float that is not negative grow with it; those of a negative one and of NaN are larger than all of them.
        var from = MemoryMarshal.Cast<float, uint>(values);
        var largest = Vector512<uint>.Zero;
        var i = 0;
        var to = MemoryMarshal.Cast<float, uint>(target);
        for (; i <= from.Length - Vector512<uint>.Count; i += Vector512<uint>.Count)
        {
            var vector = Vector512.Create(from[i..]);
            largest = Vector512.Max(largest, vector);
            vector.CopyTo(to[i..]);
        }
        var all = Vector512.LessThanOrEqualAll(largest, Vector512.Create(BitConverter.SingleToUInt32Bits(1)));
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
