using System.Security.Cryptography;

namespace Ard.Trainers.Evaluation;

/// <summary>What an evaluation is of, by which its state file is known: the first record of that file.</summary>
/// <param name="Version">That of the file.</param>
/// <param name="Settings">Network, data and options by name, as texts.</param>
/// <param name="Rows">The evaluated images, by their numbers in the whole data set.</param>
/// <param name="Attacks">The names of the attacks.</param>
/// <param name="Labels">The true classes of these images.</param>
internal sealed record StateHeader(int Version, Dictionary<string, string> Settings, long[] Rows, string[] Attacks, long[] Labels);

/// <summary>
/// The file of an evaluation's steps, which grows by a record a step: its length in eight bytes, its SHA-256, and JSON. The first record
/// says what was evaluated. A last record that a stop has left torn is taken off; all before it count.
/// </summary>
internal sealed class StateFile : IDisposable
{
    internal const int Version = 5;
    private const int Prefix = sizeof(long) + SHA256.HashSizeInBytes;

    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        RespectNullableAnnotations = true,
    };

    private readonly FileStream stream;

    private StateFile(string path) => (Path, stream) =
        (path, new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 1 << 16));

    public string Path { get; }

    /// <summary>Opens a file of an evaluation, or makes one.</summary>
    /// <exception cref="DataFileException">It is no such file, or of another evaluation; the message names what differs.</exception>
    public static StateFile Open(string path, StateHeader header)
    {
        if (!File.Exists(path)) Write(path, header, []);
        return new StateFile(path).OrDispose(file => file.Check(header));
    }

    /// <summary>Reads a file whatever it is of.</summary>
    /// <exception cref="DataFileException">It is no such file, or damaged.</exception>
    public static (StateHeader Header, IReadOnlyList<EvaluationStep> Steps) Read(string path)
    {
        using var file = new StateFile(path);
        return (file.ReadHeader(), [.. file.Steps()]);
    }

    public static void Write(string path, StateHeader header, IEnumerable<EvaluationStep> steps) => AtomicFile.Write(path, stream =>
    {
        Write(stream, header);
        foreach (var step in steps) Write(stream, step);
    });

    /// <summary>The steps that it holds, to be read once, before one is added.</summary>
    /// <exception cref="DataFileException">It is damaged.</exception>
    public IEnumerable<EvaluationStep> Steps()
    {
        while (Read<EvaluationStep>() is { } step) yield return step;
        stream.SetLength(stream.Position);
    }

    public void Append(EvaluationStep step)
    {
        Write(stream, step);
        stream.Flush(flushToDisk: true);
    }

    public void Dispose() => stream.Dispose();

    private void Check(StateHeader expected)
    {
        var (_, settings, rows, _, _) = ReadHeader();
        var differences = OptionsText.Differences(settings, expected.Settings, "in the file", "given").ToList();
        if (!rows.SequenceEqual(expected.Rows)) differences.Add($"rows: {rows.Length} others in the file, {expected.Rows.Length} given");
        if (differences.Count > 0) throw new DataFileException(Path, "the state of this evaluation", string.Join("; ", differences));
    }

    private StateHeader ReadHeader() =>
        Read<StateHeader>() is { Version: Version, Settings: not null, Rows: not null, Attacks: not null, Labels: not null } header
        && header.Labels.Length == header.Rows.Length && header.Labels.All(label => label >= 0)
        ? header
        : throw new DataFileException(
            Path, $"the state of an evaluation of version {Version}", "another file, or a state that an older version has written");

    private static void Write<T>(Stream stream, T record)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(record, Json);
        var bytes = new byte[Prefix + json.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        SHA256.HashData(json, bytes.AsSpan(sizeof(long)));
        json.CopyTo(bytes, Prefix);
        stream.Write(bytes);
    }

    // The next record; null, at the place where it would begin, where there is none or a torn one.
    private T? Read<T>() where T : class
    {
        var start = stream.Position;
        var left = stream.Length - start;
        var prefix = new byte[Prefix];
        if (left >= Prefix)
        {
            stream.ReadExactly(prefix);
            var length = BinaryPrimitives.ReadInt64LittleEndian(prefix);
            if (length > 0 && length <= left - Prefix && length <= Array.MaxLength)
            {
                var json = new byte[length];
                stream.ReadExactly(json);
                if (SHA256.HashData(json).AsSpan().SequenceEqual(prefix.AsSpan(sizeof(long)))) return Parse<T>(json);
                if (start > 0 && length < left - Prefix)
                    throw new DataFileException(Path, "records that fit to their SHA-256", $"another one at byte {start}");
            }
        }
        stream.Position = start;
        return null;
    }

    private T Parse<T>(byte[] json) => Damage.Tell(
        () => JsonSerializer.Deserialize<T>(json, Json) ?? throw new JsonException("null"), exception => exception is JsonException,
        exception => new(Path, $"JSON of an evaluation of version {Version}", exception.Message, exception));
}
