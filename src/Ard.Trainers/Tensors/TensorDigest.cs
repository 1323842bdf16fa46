using System.Security.Cryptography;
using System.Text;

namespace Ard.Trainers.Tensors;

/// <summary>SHA-256 of tensors with their names, types and shapes: by it a file knows what it belongs to.</summary>
internal static class TensorDigest
{
    public static string Compute(Module<Tensor, Tensor> model) =>
        Compute(model.state_dict().OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (pair.Key, pair.Value)));

    public static string Compute(Tensor values) => Compute([("", values)]);

    private static string Compute(IEnumerable<(string Name, Tensor Values)> tensors)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, values) in tensors)
        {
            using var own = NewDisposeScope();
            hash.AppendData(Encoding.UTF8.GetBytes($"{name} {values.dtype} [{string.Join(",", values.shape)}]\n"));
            foreach (var chunk in TensorBytes.Chunks(values.detach().cpu().contiguous()))
                using (chunk) hash.AppendData(chunk.bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
