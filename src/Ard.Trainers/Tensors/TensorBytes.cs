using System.Security.Cryptography;

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
        for (long start = 0; start < elements; start += step) yield return flat.narrow(0, start, Math.Min(step, elements - start));
    }

    /// <summary>Fills a contiguous tensor from a stream.</summary>
    /// <exception cref="EndOfStreamException">The stream has too few bytes.</exception>
    public static void Fill(Tensor contiguous, Stream stream)
    {
        foreach (var chunk in Chunks(contiguous))
            using (chunk) stream.ReadExactly(chunk.bytes);
    }

    /// <summary>The bytes of an element of the types that files hold; 0 of others.</summary>
    public static int SizeOf(ScalarType type) => type switch
    {
        ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool => 1,
        ScalarType.Int16 or ScalarType.Float16 or ScalarType.BFloat16 => 2,
        ScalarType.Int32 or ScalarType.Float32 => 4,
        ScalarType.Int64 or ScalarType.Float64 => 8,
        _ => 0,
    };

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

/// <summary>SHA-256 of tensors with their names, types and shapes: by it a file knows what it belongs to.</summary>
internal static class TensorDigest
{
    public static string Compute(Module<Tensor, Tensor> model) =>
        Compute(model.state_dict().OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (pair.Key, pair.Value)));

    /// <summary>Of one tensor; <paramref name="read"/> is told of every piece how many bytes it has.</summary>
    public static string Compute(Tensor values, Action<long>? read = null) => Compute([("", values)], read);

    /// <summary>Of one tensor that comes in pieces, in their order; each is disposed of.</summary>
    public static string Compute(ScalarType type, long[] shape, IEnumerable<Tensor> pieces)
    {
        using var hash = Begin(type, shape);
        foreach (var piece in pieces)
            using (piece) Append(hash, piece, null);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The same for a tensor whose bytes the caller appends.</summary>
    public static IncrementalHash Begin(ScalarType type, long[] shape)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Head("", type, shape));
        return hash;
    }

    private static string Compute(IEnumerable<(string Name, Tensor Values)> tensors, Action<long>? read = null)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, values) in tensors)
        {
            using var own = NewDisposeScope();
            hash.AppendData(Head(name, values.dtype, values.shape));
            Append(hash, values, read);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static byte[] Head(string name, ScalarType type, long[] shape) =>
        Encoding.UTF8.GetBytes($"{name} {type} [{string.Join(",", shape)}]\n");

    private static void Append(IncrementalHash hash, Tensor values, Action<long>? read)
    {
        using var scope = NewDisposeScope();
        foreach (var chunk in TensorBytes.Chunks(values.detach().cpu().contiguous()))
        {
            using var piece = chunk;
            hash.AppendData(piece.bytes);
            read?.Invoke(piece.numel() * piece.element_size());
        }
    }
}
