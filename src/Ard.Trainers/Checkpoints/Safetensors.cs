using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Ard.Trainers.Data;
using Ard.Trainers.Tensors;
using static TorchSharp.torch;

namespace Ard.Trainers.Checkpoints;

/// <summary>
/// The safetensors format: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, then the tensors'
/// bytes without gaps (https://github.com/huggingface/safetensors, section Format). Files are treated as hostile: nothing is
/// allocated before its size has been checked against the file, and every fault is a <see cref="CheckpointException"/> that names
/// file, offset, expected and found.
/// </summary>
/// <remarks>
/// Files written here carry the metadata entry <c>ard.sha256</c>, a digest of the whole file after the length field, so that a
/// flipped bit is noticed. Readers that do not know the entry ignore it, and files without it are read as usual.
/// </remarks>
public static class Safetensors
{
    /// <summary>The longest header that is read, in bytes: 100 MB, the limit of the format's reference implementation.</summary>
    internal const long MaximumHeaderLength = 100_000_000;

    private const string MetadataName = "__metadata__";
    private const string DigestName = "ard.sha256";
    private const int DigestLength = 64;

    // The digest comes first in a header of ours, so that its place in the file is known without looking for it.
    private static readonly byte[] DigestPrefix = Encoding.UTF8.GetBytes($"{{\"{MetadataName}\":{{\"{DigestName}\":\"");
    private static readonly string NoDigest = new('0', DigestLength);

    private static readonly (string Name, ScalarType Type, int Bytes)[] DataTypes =
    [
        ("F64", ScalarType.Float64, 8), ("F32", ScalarType.Float32, 4), ("F16", ScalarType.Float16, 2), ("BF16", ScalarType.BFloat16, 2),
        ("I64", ScalarType.Int64, 8), ("I32", ScalarType.Int32, 4), ("I16", ScalarType.Int16, 2), ("I8", ScalarType.Int8, 1),
        ("U8", ScalarType.Byte, 1), ("BOOL", ScalarType.Bool, 1),
    ];

    private sealed record Entry(string Name, ScalarType Type, long[] Shape, long Begin, long End);

    private sealed record Header(byte[] Bytes, IReadOnlyList<Entry> Entries, IReadOnlyDictionary<string, string> Metadata)
    {
        public long PayloadOffset => 8L + Bytes.Length;

        public bool HasDigest => Bytes.AsSpan().StartsWith(DigestPrefix);
    }

    /// <summary>Reads every tensor of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="requireDigest">Whether a file without the digest that <see cref="Write(string, IEnumerable{ValueTuple{string, Tensor}},
    /// IReadOnlyDictionary{string, string})"/> adds is refused. Default false: foreign files have none.</param>
    /// <returns>
    /// The tensors by name, on the CPU, in the order of their bytes. The caller, or the current dispose scope, disposes of them.
    /// </returns>
    /// <exception cref="CheckpointException">The file is truncated, damaged or not a safetensors file.</exception>
    public static Dictionary<string, Tensor> Read(string path, bool requireDigest = false)
    {
        using var stream = Open(path);
        return Read(stream, path, requireDigest);
    }

    /// <summary>Reads every tensor of a file's contents, from the stream's beginning to its end.</summary>
    /// <param name="stream">A stream that can seek, at its beginning.</param>
    /// <param name="path">What to call it in messages.</param>
    /// <param name="requireDigest">See <see cref="Read(string, bool)"/>.</param>
    /// <inheritdoc cref="Read(string, bool)" path="/returns"/>
    /// <inheritdoc cref="Read(string, bool)" path="/exception"/>
    internal static Dictionary<string, Tensor> Read(Stream stream, string path, bool requireDigest = false)
    {
        var header = ReadHeader(stream, path);
        if (requireDigest && !header.HasDigest)
            throw new CheckpointException(path, 8, $"a header that begins with the metadata entry {DigestName}",
                "none: not a file of ours, or damaged");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        HashHeader(hash, header.Bytes, header.HasDigest);

        var tensors = new Dictionary<string, Tensor>(header.Entries.Count);
        try
        {
            foreach (var entry in header.Entries)
            {
                var tensor = empty(entry.Shape, entry.Type);
                tensors.Add(entry.Name, tensor);
                foreach (var chunk in TensorBytes.Chunks(tensor))
                {
                    using (chunk)
                    {
                        stream.ReadExactly(chunk.bytes);
                        if (header.HasDigest) hash.AppendData(chunk.bytes);
                        if (entry.Type == ScalarType.Bool && chunk.bytes.IndexOfAnyExceptInRange((byte)0, (byte)1) is >= 0 and var wrong)
                            throw new CheckpointException(path, stream.Position - chunk.bytes.Length + wrong,
                                $"0 or 1 in the BOOL tensor '{entry.Name}'", $"{chunk.bytes[wrong]}");
                    }
                }
            }
            if (header.HasDigest)
            {
                var expected = Encoding.UTF8.GetString(header.Bytes, DigestPrefix.Length, DigestLength);
                var found = Convert.ToHexStringLower(hash.GetHashAndReset());
                if (found != expected)
                    throw new CheckpointException(path, 8, $"contents with the SHA-256 {expected} that the header states",
                        $"{found}: the file is damaged");
            }
            return tensors;
        }
        catch (Exception exception)
        {
            foreach (var tensor in tensors.Values) tensor.Dispose();
            if (exception is EndOfStreamException)
                throw new CheckpointException(path, stream.Length, "the bytes of the tensors that the header lists", "the end of the file",
                    exception);
            throw;
        }
    }

    /// <summary>Reads the metadata of a file (its <c>__metadata__</c>), without its tensors. Empty where the file has none.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CheckpointException">The header is damaged or not that of a safetensors file.</exception>
    public static IReadOnlyDictionary<string, string> ReadMetadata(string path)
    {
        using var stream = Open(path);
        return ReadMetadata(stream, path);
    }

    /// <summary>Reads the metadata of a file's contents; see <see cref="ReadMetadata(string)"/>.</summary>
    /// <param name="stream">A stream that can seek, at its beginning.</param>
    /// <param name="path">What to call it in messages.</param>
    /// <exception cref="CheckpointException">The header is damaged or not that of a safetensors file.</exception>
    internal static IReadOnlyDictionary<string, string> ReadMetadata(Stream stream, string path) => ReadHeader(stream, path).Metadata;

    /// <summary>Whether a file of this length begins as safetensors do: a header's length that fits, then its brace.</summary>
    internal static bool Is(ReadOnlySpan<byte> beginning, long length) =>
        beginning is [_, _, _, _, _, _, _, _, (byte)'{', ..]
        && BinaryPrimitives.ReadInt64LittleEndian(beginning) is >= 2 and <= MaximumHeaderLength and var header && header <= length - 8;

    // What the header lists, in the order of the bytes, and the metadata.
    internal static (IReadOnlyList<TensorInfo> Tensors, IReadOnlyDictionary<string, string> Metadata) ReadContents(
        Stream stream, string path)
    {
        var header = ReadHeader(stream, path);
        return ([.. header.Entries.Select(entry => new TensorInfo(entry.Name, entry.Type, entry.Shape))], header.Metadata);
    }

    /// <summary>Writes tensors and metadata; the file appears whole or not at all (see <see cref="AtomicFile"/>).</summary>
    /// <param name="path">The file to create or to replace.</param>
    /// <param name="tensors">Tensors by name, on any device. Wide element types come first in the file, so that all are aligned.</param>
    /// <param name="metadata">Texts to be stored beside them; the name <c>ard.sha256</c> is ours and is replaced.</param>
    /// <exception cref="ArgumentException">A name is used twice or reserved, or the element type has no place in the format.</exception>
    public static void Write(
        string path, IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        AtomicFile.Write(path, stream => Write(stream, tensors, metadata));

    /// <summary>
    /// Writes the contents of a file; see
    /// <see cref="Write(string, IEnumerable{ValueTuple{string, Tensor}}, IReadOnlyDictionary{string, string})"/>.
    /// </summary>
    /// <param name="stream">An empty stream that can seek.</param>
    /// <param name="tensors">Tensors by name, on any device.</param>
    /// <param name="metadata">Texts to be stored beside them.</param>
    /// <exception cref="ArgumentException">A name is used twice or reserved, or the element type has no place in the format.</exception>
    public static void Write(
        Stream stream, IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var ordered = tensors.OrderByDescending(t => DataType(t).Bytes).ToArray();
        var header = BuildHeader(ordered, metadata);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        HashHeader(hash, header, hasDigest: true);
        foreach (var (_, tensor) in ordered)
        {
            using var copyScope = NewDisposeScope();
            foreach (var chunk in TensorBytes.Chunks(tensor.detach().cpu().contiguous()))
            {
                using (chunk)
                {
                    hash.AppendData(chunk.bytes);
                    stream.Write(chunk.bytes);
                }
            }
        }
        stream.Position = 8 + DigestPrefix.Length;
        stream.Write(Encoding.UTF8.GetBytes(Convert.ToHexStringLower(hash.GetHashAndReset())));
    }

    /// <inheritdoc cref="Write(string, IEnumerable{ValueTuple{string, Tensor}}, IReadOnlyDictionary{string, string})"/>
    public static void Write(
        string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        Write(path, tensors.Select(pair => (pair.Key, pair.Value)), metadata);

    private static byte[] BuildHeader((string Name, Tensor Tensor)[] tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var names = new HashSet<string> { MetadataName };
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartObject(MetadataName);
            json.WriteString(DigestName, NoDigest);
            foreach (var (name, value) in metadata ?? new Dictionary<string, string>())
                if (name != DigestName) json.WriteString(name, value);
            json.WriteEndObject();
            long begin = 0;
            foreach (var (name, tensor) in tensors)
            {
                if (!names.Add(name))
                    throw new ArgumentException($"Tensor name '{name}': expected a name of its own, found one in use.", nameof(tensors));
                var type = DataType((name, tensor));
                var end = begin + tensor.numel() * type.Bytes;
                json.WriteStartObject(name);
                json.WriteString("dtype", type.Name);
                json.WriteStartArray("shape");
                foreach (var size in tensor.shape) json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(begin);
                json.WriteNumberValue(end);
                json.WriteEndArray();
                json.WriteEndObject();
                begin = end;
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        if (buffer.Length > MaximumHeaderLength)
            throw new ArgumentException(
                $"The names and metadata take {buffer.Length} bytes: expected at most {MaximumHeaderLength}.", nameof(tensors));
        return buffer.ToArray();
    }

    private static (string Name, ScalarType Type, int Bytes) DataType((string Name, Tensor Tensor) tensor)
    {
        var found = DataTypes.FirstOrDefault(t => t.Type == tensor.Tensor.dtype);
        return found.Name is not null
            ? found
            : throw new ArgumentException(
                $"Tensor '{tensor.Name}' has element type {tensor.Tensor.dtype}: expected one of {DataTypeNames}.");
    }

    private static string DataTypeNames => string.Join(", ", DataTypes.Select(t => t.Name));

    // The digest covers the header with the digest's own place filled with zeros.
    private static void HashHeader(IncrementalHash hash, byte[] header, bool hasDigest)
    {
        if (!hasDigest) return;
        hash.AppendData(DigestPrefix);
        hash.AppendData(Encoding.UTF8.GetBytes(NoDigest));
        hash.AppendData(header.AsSpan(Math.Min(header.Length, DigestPrefix.Length + DigestLength)));
    }

    private static FileStream Open(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16, FileOptions.SequentialScan);

    private static Header ReadHeader(Stream stream, string path)
    {
        if (stream.Length < 8) throw new CheckpointException(path, 0, "8 bytes of header length", $"a file of {stream.Length} bytes");
        Span<byte> lengthBytes = stackalloc byte[8];
        stream.ReadExactly(lengthBytes);
        var length = BinaryPrimitives.ReadInt64LittleEndian(lengthBytes);
        var most = Math.Min(stream.Length - 8, MaximumHeaderLength);
        if (length < 2 || length > most)
            throw new CheckpointException(
                path, 0, $"safetensors, whose first 8 bytes are the length of a header, here 2 to {most}", $"{(ulong)length}");
        var bytes = new byte[length];
        stream.ReadExactly(bytes);

        JsonException? notJson = null;
        try
        {
            using var json = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 8 });
            return ParseHeader(json.RootElement, bytes, stream.Length, path);
        }
        catch (JsonException exception)
        {
            notJson = exception;
        }
        catch (InvalidOperationException exception)   // a text that is not valid Unicode
        {
            throw new CheckpointException(path, 8, "a header of valid Unicode texts", exception.Message, exception);
        }
        throw new CheckpointException(path, 8, $"{length} bytes of JSON", $"something else ({notJson.Message})", notJson);
    }

    private static Header ParseHeader(JsonElement root, byte[] bytes, long fileLength, string path)
    {
        CheckpointException Fault(string expected, string found) => new(path, 8, expected, found);

        if (root.ValueKind != JsonValueKind.Object) throw Fault("a JSON object as header", $"{root.ValueKind}");
        if (bytes[0] != '{') throw Fault("a header that begins with {, as the format asks for", $"the byte 0x{bytes[0]:x2}");
        var metadata = new Dictionary<string, string>();
        var entries = new List<Entry>();
        var names = new HashSet<string>();
        var payloadOffset = 8L + bytes.Length;
        var payloadLength = fileLength - payloadOffset;
        foreach (var property in root.EnumerateObject())
        {
            var name = property.Name;
            if (!names.Add(name)) throw Fault("every name once in the header", $"'{name}' twice");
            if (name == MetadataName)
            {
                if (property.Value.ValueKind != JsonValueKind.Object)
                    throw Fault($"an object as {MetadataName}", $"{property.Value.ValueKind}");
                foreach (var text in property.Value.EnumerateObject())
                {
                    if (text.Value.ValueKind != JsonValueKind.String)
                        throw Fault($"a text as metadata '{text.Name}'", $"{text.Value.ValueKind}");
                    if (!metadata.TryAdd(text.Name, text.Value.GetString()!))
                        throw Fault("every metadata name once", $"'{text.Name}' twice");
                }
                continue;
            }
            entries.Add(ParseEntry(property, path, payloadOffset, payloadLength));
        }

        entries.Sort((a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        long position = 0;
        foreach (var entry in entries)
        {
            if (entry.Begin != position)
                throw new CheckpointException(path, payloadOffset + position,
                    $"tensor '{entry.Name}' to begin at payload byte {position}, without gap or overlap", $"a begin at {entry.Begin}");
            position = entry.End;
        }
        if (position != payloadLength)
            throw new CheckpointException(path, payloadOffset + position,
                $"the end of the file after {position} payload bytes", $"{payloadLength} payload bytes");
        return new Header(bytes, entries, metadata);
    }

    private static Entry ParseEntry(JsonProperty property, string path, long payloadOffset, long payloadLength)
    {
        var name = property.Name;
        CheckpointException Fault(string expected, string found) => new(path, 8, $"{expected} for tensor '{name}'", found);

        if (property.Value.ValueKind != JsonValueKind.Object)
            throw Fault("an object with dtype, shape and data_offsets", $"{property.Value.ValueKind}");
        var fields = new Dictionary<string, JsonElement>();
        foreach (var field in property.Value.EnumerateObject())
            if (field.Name is not ("dtype" or "shape" or "data_offsets") || !fields.TryAdd(field.Name, field.Value))
                throw Fault("dtype, shape and data_offsets, once each", $"'{field.Name}'");
        if (fields.Count != 3) throw Fault("dtype, shape and data_offsets", $"only [{string.Join(", ", fields.Keys)}]");

        var (dtype, extents, range) = (fields["dtype"], fields["shape"].GetRawText(), fields["data_offsets"].GetRawText());
        var typeName = dtype.ValueKind == JsonValueKind.String ? dtype.GetString()! : dtype.GetRawText();
        var type = DataTypes.FirstOrDefault(t => t.Name == typeName);
        if (type.Name is null) throw Fault($"a dtype among {DataTypeNames}", $"'{typeName}'");

        var shape = Numbers(fields["shape"]);
        if (shape is null || shape.Length > 64) throw Fault("a shape of at most 64 whole numbers from 0", extents);
        long size = type.Bytes, bounded = type.Bytes;   // bounded counts an extent of 0 as 1: no product of extents may overflow
        try
        {
            foreach (var extent in shape) (size, bounded) = (checked(size * extent), checked(bounded * Math.Max(1, extent)));
        }
        catch (OverflowException exception)
        {
            throw new CheckpointException(path, 8, $"a shape of fewer than 2^63 bytes for tensor '{name}'", extents, exception);
        }

        var offsets = Numbers(fields["data_offsets"]);
        if (offsets is not [var begin, var end] || begin > end) throw Fault("data_offsets [begin, end] with 0 <= begin <= end", range);
        if (end > payloadLength)
            throw new CheckpointException(path, payloadOffset + Math.Min(begin, payloadLength),
                $"tensor '{name}' to end within the {payloadLength} payload bytes of the file",
                $"an end at {end}: the file is truncated or its header is wrong");
        if (end - begin != size) throw Fault($"{size} bytes, as dtype {typeName} and shape {extents} say,", $"{end - begin}");
        return new Entry(name, type.Type, shape, begin, end);
    }

    // The array's numbers, or null unless they are all whole and not negative.
    private static long[]? Numbers(JsonElement array)
    {
        if (array.ValueKind != JsonValueKind.Array) return null;
        var numbers = new long[array.GetArrayLength()];
        var index = 0;
        foreach (var element in array.EnumerateArray())
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt64(out numbers[index]) || numbers[index++] < 0) return null;
        return numbers;
    }
}
