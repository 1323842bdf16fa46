using System.Security.Cryptography;
using System.Text.Encodings.Web;

namespace Ard.Trainers.Checkpoints;

/// <summary>A tensor in a header: from which byte behind the header to which it lies.</summary>
internal sealed record SafetensorsEntry(string Name, ScalarType Type, long[] Shape, long Begin, long End)
{
    public TensorInfo Info => new(Name, Type, Shape);
}

/// <summary>The header of a file of <see cref="Safetensors"/>: its JSON and what that says, tensors in the order of their bytes.</summary>
internal sealed record SafetensorsHeader(
    byte[] Bytes, IReadOnlyList<SafetensorsEntry> Entries, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>The longest header that is read, in bytes: 100 MB, the limit of the format's reference implementation.</summary>
    public const long MaximumLength = 100_000_000;

    public const string DigestName = "ard.sha256";
    private const string MetadataName = "__metadata__";
    private const int DigestLength = 64;

    // The digest comes first in a header of ours, so that its place in the file is known without looking for it.
    private static readonly byte[] DigestPrefix = Encoding.UTF8.GetBytes($"{{\"{MetadataName}\":{{\"{DigestName}\":\"");
    private static readonly string NoDigest = new('0', DigestLength);

    private static readonly (string Name, ScalarType Type)[] DataTypes =
    [
        ("F64", ScalarType.Float64), ("F32", ScalarType.Float32), ("F16", ScalarType.Float16), ("BF16", ScalarType.BFloat16),
        ("I64", ScalarType.Int64), ("I32", ScalarType.Int32), ("I16", ScalarType.Int16), ("I8", ScalarType.Int8),
        ("U8", ScalarType.Byte), ("BOOL", ScalarType.Bool),
    ];

    private static readonly JsonSerializerOptions Strict = new()
    {
        MaxDepth = 8,
        AllowDuplicateProperties = false,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private sealed record Fields(string Dtype, long[] Shape, long[] DataOffsets);

    /// <summary>Where the digest begins in a header that has one.</summary>
    public static int DigestOffset => DigestPrefix.Length;

    public bool HasDigest => Bytes.Length >= DigestOffset + DigestLength && Bytes.AsSpan().StartsWith(DigestPrefix);
    public string Digest => Encoding.UTF8.GetString(Bytes, DigestOffset, DigestLength);

    /// <summary>The header of these tensors, in their order, with zeros in the digest's place.</summary>
    public static byte[] Write((string Name, Tensor Tensor)[] tensors, IReadOnlyDictionary<string, string>? metadata)
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
                var end = begin + tensor.numel() * TensorBytes.SizeOf(tensor.dtype);
                json.WritePropertyName(name);
                JsonSerializer.Serialize(json, new Fields(DataType(name, tensor), tensor.shape, [begin, end]), Strict);
                begin = end;
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        if (buffer.Length > MaximumLength)
            throw new ArgumentException(
                $"The names and metadata take {buffer.Length} bytes: expected at most {MaximumLength}.", nameof(tensors));
        return buffer.ToArray();
    }

    private static string DataType(string name, Tensor tensor) => DataTypes.FirstOrDefault(type => type.Type == tensor.dtype).Name
        ?? throw new ArgumentException($"Tensor '{name}' has element type {tensor.dtype}: expected one of {DataTypeNames}.");

    private static string DataTypeNames => string.Join(", ", DataTypes.Select(t => t.Name));

    /// <summary>Adds a header to the digest, with the digest's own place filled with zeros.</summary>
    public static void Hash(IncrementalHash hash, byte[] header)
    {
        hash.AppendData(DigestPrefix);
        hash.AppendData(Encoding.UTF8.GetBytes(NoDigest));
        hash.AppendData(header.AsSpan(Math.Min(header.Length, DigestPrefix.Length + DigestLength)));
    }

    /// <summary>Whether a file of this length begins as safetensors do: a header's length that fits, then its brace.</summary>
    public static bool Begins(ReadOnlySpan<byte> beginning, long length) =>
        beginning is [_, _, _, _, _, _, _, _, (byte)'{', ..]
        && BinaryPrimitives.ReadInt64LittleEndian(beginning) is >= 2 and <= MaximumLength and var header && header <= length - 8;

    public static SafetensorsHeader Read(Stream stream, string path)
    {
        if (stream.Length < 8) throw new DataFileException(path, 0, "8 bytes of header length", $"a file of {stream.Length} bytes");
        Span<byte> lengthBytes = stackalloc byte[8];
        stream.ReadExactly(lengthBytes);
        var length = BinaryPrimitives.ReadInt64LittleEndian(lengthBytes);
        var most = Math.Min(stream.Length - 8, MaximumLength);
        if (length < 2 || length > most)
            throw new DataFileException(
                path, 0, $"safetensors, whose first 8 bytes are the length of a header, here 2 to {most}", $"{(ulong)length}");
        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        return Damage.Tell(
            () => Parse(bytes, stream.Length, path),
            // The second is of a text that is not valid Unicode.
            exception => exception is JsonException or InvalidOperationException,
            exception => new(
                path, 8, $"{length} bytes of JSON: an object of {{dtype, shape, data_offsets}} by names, each once", exception.Message,
                exception));
    }

    private static SafetensorsHeader Parse(byte[] bytes, long fileLength, string path)
    {
        DataFileException Fault(string expected, string found) => new(path, 8, expected, found);

        if (bytes[0] != '{') throw Fault("a header that begins with {, as the format asks for", $"the byte 0x{bytes[0]:x2}");
        var root = JsonSerializer.Deserialize<JsonElement>(bytes, Strict);
        var metadata = root.TryGetProperty(MetadataName, out var texts) ? texts.Deserialize<Dictionary<string, string?>>(Strict) : [];
        if (metadata?.ContainsValue(null) != false) throw Fault($"texts as {MetadataName}", "null");
        var payloadOffset = 8L + bytes.Length;
        var payloadLength = fileLength - payloadOffset;
        SafetensorsEntry[] entries =
        [
            .. root.EnumerateObject().Where(property => property.Name != MetadataName)
                .Select(property => Entry(property.Name, property.Value, path, payloadOffset, payloadLength))
                .OrderBy(entry => (entry.Begin, entry.End)),
        ];
        long position = 0;
        foreach (var entry in entries)
        {
            if (entry.Begin != position)
                throw new DataFileException(path, payloadOffset + position,
                    $"tensor '{entry.Name}' to begin at payload byte {position}, without gap or overlap", $"a begin at {entry.Begin}");
            position = entry.End;
        }
        if (position != payloadLength)
            throw new DataFileException(path, payloadOffset + position,
                $"the end of the file after {position} payload bytes", $"{payloadLength} payload bytes");
        return new SafetensorsHeader(bytes, entries, metadata!);
    }

    private static SafetensorsEntry Entry(string name, JsonElement json, string path, long payloadOffset, long payloadLength)
    {
        DataFileException Fault(string expected, string found) => new(path, 8, $"{expected} for tensor '{name}'", found);

        var (dtype, shape, offsets) = Damage.Tell(
            () => json.Deserialize<Fields>(Strict) ?? throw new JsonException("null"), exception => exception is JsonException,
            exception => Fault("an object of dtype, shape and data_offsets, once each,", exception.Message));
        var extents = $"[{string.Join(",", shape)}]";
        var (known, type) = DataTypes.FirstOrDefault(t => t.Name == dtype);
        if (known is null) throw Fault($"a dtype among {DataTypeNames}", $"'{dtype}'");
        if (shape.Length > 64 || shape.Any(extent => extent < 0)) throw Fault("a shape of at most 64 whole numbers from 0", extents);
        long size = TensorBytes.SizeOf(type), bounded = size;   // bounded counts an extent of 0 as 1: no product of extents may overflow
        try
        {
            foreach (var extent in shape) (size, bounded) = (checked(size * extent), checked(bounded * Math.Max(1, extent)));
        }
        catch (OverflowException)
        {
            throw Fault("a shape of fewer than 2^63 bytes", extents);
        }
        if (offsets is not [>= 0 and var begin, var end] || begin > end)
            throw Fault("data_offsets [begin, end] with 0 <= begin <= end", $"[{string.Join(",", offsets)}]");
        if (end > payloadLength)
            throw new DataFileException(path, payloadOffset + Math.Min(begin, payloadLength),
                $"tensor '{name}' to end within the {payloadLength} payload bytes of the file",
                $"an end at {end}: the file is truncated or its header is wrong");
        if (end - begin != size) throw Fault($"{size} bytes, as dtype {dtype} and shape {extents} say,", $"{end - begin}");
        return new SafetensorsEntry(name, type, shape, begin, end);
    }
}
