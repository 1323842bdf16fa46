using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

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
        var vectors = MemoryMarshal.Cast<byte, Vector<byte>>(bytes);
        var target = MemoryMarshal.Cast<float, Vector<float>>(pixels[..bytes.Length]);
        for (var i = 0; i < vectors.Length; i++)
        {
            Vector.Widen(vectors[i], out var low, out var high);
            Vector.Widen(low, out var first, out var second);
            Vector.Widen(high, out var third, out var fourth);
            var four = target.Slice(4 * i, 4);
            four[0] = Convert(first);
            four[1] = Convert(second);
            four[2] = Convert(third);
            four[3] = Convert(fourth);
        }
        for (var i = vectors.Length * Vector<byte>.Count; i < bytes.Length; i++) pixels[i] = bytes[i] / 255f;

        static Vector<float> Convert(Vector<uint> values) => Vector.ConvertToSingle(Vector.AsVectorInt32(values)) * 3f * Of765;
    }

    /// <summary>
    /// Copies values; returns whether all of them are in [0,1], which NaN is not, nor is -0 here. As fast as possible for the same reason:
    /// some tenths of a microsecond for 3072. The two may be the same memory.
    /// </summary>
    /// <param name="values">The values.</param>
    /// <param name="target">As many places.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool Copy(ReadOnlySpan<float> values, Span<float> target)
    {
        target = target[..values.Length];
        // The bits of a float that is not negative grow with it; those of a negative one and of NaN are larger than all of them.
        var from = MemoryMarshal.Cast<float, Vector<uint>>(values);
        var to = MemoryMarshal.Cast<float, Vector<uint>>(target);
        var largest = Vector<uint>.Zero;
        for (var i = 0; i < from.Length && i < to.Length; i++)
        {
            to[i] = from[i];
            largest = Vector.Max(largest, from[i]);
        }
        var all = Vector.LessThanOrEqualAll(largest, new Vector<uint>(BitConverter.SingleToUInt32Bits(1)));
        for (var i = from.Length * Vector<uint>.Count; i < values.Length; i++)
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
