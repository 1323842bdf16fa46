using System.Security.Cryptography;
using System.Text;

namespace Ard.Trainers.Tensors;

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
