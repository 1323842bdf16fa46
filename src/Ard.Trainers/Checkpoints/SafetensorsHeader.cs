using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Ard.Trainers.Tensors;

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

    /// <summary>Where the digest begins in a header that has one.</summary>
    public static int DigestOffset => DigestPrefix.Length;

    public bool HasDigest => Bytes.AsSpan().StartsWith(DigestPrefix);

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
                json.WriteStartObject(name);
                json.WriteString("dtype", DataType(name, tensor));
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

    /// <summary>Reads and checks a header, at the beginning of the stream.</summary>
    public static SafetensorsHeader Read(Stream stream, string path)
    {
        if (stream.Length < 8) throw new CheckpointException(path, 0, "8 bytes of header length", $"a file of {stream.Length} bytes");
        Span<byte> lengthBytes = stackalloc byte[8];
        stream.ReadExactly(lengthBytes);
        var length = BinaryPrimitives.ReadInt64LittleEndian(lengthBytes);
        var most = Math.Min(stream.Length - 8, MaximumLength);
        if (length < 2 || length > most)
            throw new CheckpointException(
                path, 0, $"safetensors, whose first 8 bytes are the length of a header, here 2 to {most}", $"{(ulong)length}");
        var bytes = new byte[length];
        stream.ReadExactly(bytes);

        try
        {
            using var json = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 8 });
            return Parse(json.RootElement, bytes, stream.Length, path);
        }
        catch (JsonException exception)
        {
            throw new CheckpointException(path, 8, $"{length} bytes of JSON", $"something else ({exception.Message})", exception);
        }
        catch (InvalidOperationException exception)   // a text that is not valid Unicode
        {
            throw new CheckpointException(path, 8, "a header of valid Unicode texts", exception.Message, exception);
        }
    }

    private static SafetensorsHeader Parse(JsonElement root, byte[] bytes, long fileLength, string path)
    {
        CheckpointException Fault(string expected, string found) => new(path, 8, expected, found);

        if (root.ValueKind != JsonValueKind.Object) throw Fault("a JSON object as header", $"{root.ValueKind}");
        if (bytes[0] != '{') throw Fault("a header that begins with {, as the format asks for", $"the byte 0x{bytes[0]:x2}");
        var metadata = new Dictionary<string, string>();
        var entries = new List<SafetensorsEntry>();
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
        return new SafetensorsHeader(bytes, entries, metadata);
    }

    private static SafetensorsEntry ParseEntry(JsonProperty property, string path, long payloadOffset, long payloadLength)
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
        var (known, type) = DataTypes.FirstOrDefault(t => t.Name == typeName);
        if (known is null) throw Fault($"a dtype among {DataTypeNames}", $"'{typeName}'");

        var shape = Numbers(fields["shape"]);
        if (shape is null || shape.Length > 64) throw Fault("a shape of at most 64 whole numbers from 0", extents);
        long size = TensorBytes.SizeOf(type), bounded = size;   // bounded counts an extent of 0 as 1: no product of extents may overflow
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
        return new SafetensorsEntry(name, type, shape, begin, end);
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
