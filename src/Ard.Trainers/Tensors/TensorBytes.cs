namespace Ard.Trainers.Tensors;

/// <summary>A tensor's elements as bytes, in pieces that fit a span and little memory.</summary>
internal static class TensorBytes
{
    private const int ChunkBytes = 1 << 24;

    /// <summary>A contiguous tensor's elements, in order, as flat views of one chunk each; the caller disposes of each.</summary>
    public static IEnumerable<Tensor> Chunks(Tensor contiguous)
    {
        var elements = contiguous.numel();
        if (elements == 0) yield break;
        using var flat = contiguous.view(-1);
        var step = ChunkBytes / contiguous.element_size();
        for (long start = 0; start < elements; start += step)
            yield return flat.narrow(0, start, Math.Min(step, elements - start));
    }

    /// <summary>Fills a contiguous tensor from a stream.</summary>
    /// <exception cref="EndOfStreamException">The stream has too few bytes.</exception>
    public static void Fill(Tensor contiguous, Stream stream)
    {
        foreach (var chunk in Chunks(contiguous))
            using (chunk) stream.ReadExactly(chunk.bytes);
    }

    /// <summary>Where a bool tensor holds a byte other than 0 and 1, which its kernels could not be trusted with; else null.</summary>
    public static (long Index, byte Value)? WrongBool(Tensor contiguous)
    {
        if (contiguous.dtype != ScalarType.Bool) return null;
        long before = 0;
        foreach (var chunk in Chunks(contiguous))
        {
            using (chunk)
            {
                if (chunk.bytes.IndexOfAnyExceptInRange((byte)0, (byte)1) is >= 0 and var wrong)
                    return (before + wrong, chunk.bytes[wrong]);
                before += chunk.numel();
            }
        }
        return null;
    }
}
