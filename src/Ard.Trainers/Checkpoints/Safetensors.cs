using System.Security.Cryptography;

namespace Ard.Trainers.Checkpoints;

/// <summary>
/// The safetensors format: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, then the tensors'
/// bytes without gaps (https://github.com/huggingface/safetensors, section Format). Files are treated as hostile: nothing is
/// allocated before its size has been checked against the file, and every fault is a <see cref="DataFileException"/> that names
/// file, offset, expected and found.
/// </summary>
/// <remarks>
/// Files written here carry the metadata entry <c>ard.sha256</c>, a digest of the whole file after the length field, so that a
/// flipped bit is noticed. Readers that do not know the entry ignore it, and files without it are read as usual.
/// </remarks>
public static class Safetensors
{
    /// <summary>Reads every tensor of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="requireDigest">
    /// Whether a file without the digest that <see cref="Write(string, IReadOnlyDictionary{string, Tensor},
    /// IReadOnlyDictionary{string, string})"/> adds is refused. Default false: foreign files have none.
    /// </param>
    /// <returns>The tensors by name, on the CPU, in the order of their bytes, to be disposed of, or of the current scope.</returns>
    /// <exception cref="DataFileException">The file is truncated, damaged or not a safetensors file.</exception>
    public static Dictionary<string, Tensor> Read(string path, bool requireDigest = false)
    {
        using var stream = Open(path);
        return Read(stream, path, requireDigest);
    }

    /// <summary>Reads every tensor of a file's contents from a stream that can seek, at its beginning.</summary>
    internal static Dictionary<string, Tensor> Read(Stream stream, string path, bool requireDigest = false)
    {
        var header = SafetensorsHeader.Read(stream, path);
        if (requireDigest && !header.HasDigest)
            throw new DataFileException(path, 8, $"a header that begins with the metadata entry {SafetensorsHeader.DigestName}",
                "none: not a file of ours, or damaged");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (header.HasDigest) SafetensorsHeader.Hash(hash, header.Bytes);

        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>(header.Entries.Count);
        try
        {
            foreach (var entry in header.Entries)
            {
                var tensor = empty(entry.Shape, entry.Type);
                tensors.Add(entry.Name, tensor);
                foreach (var chunk in TensorBytes.Chunks(tensor))
                {
                    using var piece = chunk;
                    stream.ReadExactly(piece.bytes);
                    if (header.HasDigest) hash.AppendData(piece.bytes);
                    if (entry.Type == ScalarType.Bool && piece.bytes.IndexOfAnyExceptInRange((byte)0, (byte)1) is >= 0 and var wrong)
                        throw new DataFileException(path, stream.Position - piece.bytes.Length + wrong,
                            $"0 or 1 in the BOOL tensor '{entry.Name}'", $"{piece.bytes[wrong]}");
                }
            }
            if (header.HasDigest && Convert.ToHexStringLower(hash.GetHashAndReset()) is var found && found != header.Digest)
                throw new DataFileException(path, 8, $"contents with the SHA-256 {header.Digest} that the header states",
                    $"{found}: the file is damaged");
        }
        catch (EndOfStreamException exception)
        {
            throw new DataFileException(
                path, stream.Length, "the bytes of the tensors that the header lists", "the end of the file", exception);
        }
        foreach (var tensor in tensors.Values) tensor.MoveToOuterDisposeScope();
        return tensors;
    }

    /// <summary>Reads the metadata of a file (its <c>__metadata__</c>), without its tensors. Empty where the file has none.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFileException">The header is damaged or not that of a safetensors file.</exception>
    public static IReadOnlyDictionary<string, string> ReadMetadata(string path)
    {
        using var stream = Open(path);
        return SafetensorsHeader.Read(stream, path).Metadata;
    }

    /// <summary>Writes tensors and metadata; the file appears whole or not at all.</summary>
    /// <param name="path">The file to create or to replace.</param>
    /// <param name="tensors">Tensors by name, on any device. Wide element types come first in the file, so that all are aligned.</param>
    /// <param name="metadata">Texts to be stored beside them; the name <c>ard.sha256</c> is ours and is replaced.</param>
    /// <exception cref="ArgumentException">A name is used twice or reserved, or the element type has no place in the format.</exception>
    public static void Write(
        string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        Write(path, tensors.Select(pair => (pair.Key, pair.Value)), metadata);

    internal static void Write(
        string path, IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        AtomicFile.Write(path, stream => Write(stream, tensors, metadata));

    /// <summary>Writes the contents of a file to an empty stream that can seek.</summary>
    internal static void Write(
        Stream stream, IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var ordered = tensors.OrderByDescending(t => TensorBytes.SizeOf(t.Tensor.dtype)).ToArray();
        var header = SafetensorsHeader.Write(ordered, metadata);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        SafetensorsHeader.Hash(hash, header);
        foreach (var (_, tensor) in ordered)
        {
            using var copyScope = NewDisposeScope();
            foreach (var chunk in TensorBytes.Chunks(tensor.detach().cpu().contiguous()))
            {
                using var piece = chunk;
                hash.AppendData(piece.bytes);
                stream.Write(piece.bytes);
            }
        }
        stream.Position = 8 + SafetensorsHeader.DigestOffset;
        stream.Write(Encoding.UTF8.GetBytes(Convert.ToHexStringLower(hash.GetHashAndReset())));
    }

    /// <summary>Opens a file of weights of any kind.</summary>
    /// <exception cref="DataFileException">It is a folder.</exception>
    internal static FileStream Open(string path) => Directory.Exists(path)
        ? throw new DataFileException(path, "a file", "a folder")
        : new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16, FileOptions.SequentialScan);
}
