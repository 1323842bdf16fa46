namespace Ard.Trainers.Checkpoints;

/// <summary>
/// A state dict by TorchSharp's <c>Module.save</c>, opened: the number of tensors, then for each its name, the number of its type of
/// elements, the number of its sizes, its sizes, and its elements. Numbers are of 7 bits a byte, the lowest first. Nothing but its
/// plausible beginning tells the format.
/// </summary>
internal sealed class TorchSharpFile : IDisposable
{
    private const int LongestName = 1000;
    private const int MaximumRank = 64;
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
    private readonly Stream stream;
    private readonly BinaryReader reader;
    private readonly string path;
    private readonly List<(TensorInfo Info, long Offset)> entries = [];

    private TorchSharpFile(Stream stream, string path) => (this.stream, this.path, reader) = (stream, path, new(stream));

    public IReadOnlyList<TensorInfo> Tensors => [.. entries.Select(entry => entry.Info)];

    /// <summary>Whether a file begins as those of Module.save do: a number of tensors, a name, a type and sizes.</summary>
    public static bool Is(ReadOnlySpan<byte> beginning)
    {
        using var stream = new MemoryStream(beginning.ToArray());
        var file = new TorchSharpFile(stream, "");
        try
        {
            return file.Number() is > 0 and <= ParameterNames.MaximumTensors && file.Name() is { Length: > 0 } name
                && name.All(c => char.IsAsciiLetterOrDigit(c) || "._-".Contains(c))
                && ElementSize(file.Number()) > 0 && file.Number() <= MaximumRank;
        }
        catch (Exception exception) when (exception is DataFileException || IsDamage(exception))
        {
            return false;
        }
    }

    /// <summary>Opens a file and lists its tensors. The stream, which can seek, is at its beginning; it belongs to the result.</summary>
    public static TorchSharpFile Open(Stream stream, string path)
    {
        var file = new TorchSharpFile(stream, path);
        return Damage.Tell(file.List, IsDamage, exception => file.Fault(stream.Position, "a name or a number", exception.Message));
    }

    public Dictionary<string, Tensor> Read()
    {
        var tensors = new Dictionary<string, Tensor>();
        foreach (var (info, offset) in entries)
        {
            // The length has been compared with that of the file.
            var tensor = tensors[info.Name] = empty([.. info.Shape], info.Type);
            stream.Position = offset;
            TensorBytes.Fill(tensor, stream);
            if (TensorBytes.WrongBool(tensor) is var (index, value))
                throw Fault(offset + index, $"0 or 1 in the truth values '{info.Name}'", $"{value}");
        }
        return tensors;
    }

    public void Dispose() => stream.Dispose();

    // By the number of a type; 0 of those that are not read.
    private static int ElementSize(ulong type) => type <= (ulong)ScalarType.BFloat16 ? TensorBytes.SizeOf((ScalarType)type) : 0;

    private TorchSharpFile List()
    {
        var count = Number();
        if (count > ParameterNames.MaximumTensors) throw Fault(0, $"at most {ParameterNames.MaximumTensors} tensors", $"{count}");
        var names = new HashSet<string>();
        for (ulong i = 0; i < count; i++)
        {
            var at = stream.Position;
            var name = Name();
            var shown = PickledText.Shown(name);
            if (!names.Add(name)) throw Fault(at, "every name once", $"'{shown}' twice");
            at = stream.Position;
            var type = Number();
            var size = ElementSize(type);
            if (size == 0) throw Fault(at, $"a type of elements for '{shown}'", $"the number {type}");
            var rank = Number();
            if (rank > MaximumRank) throw Fault(at, $"at most {MaximumRank} sizes of '{shown}'", $"{rank}");
            var shape = new long[rank];
            // An extent of 0 counts as 1: no product of extents may overflow.
            Int128 bytes = size, bounded = size;
            for (var d = 0; d < shape.Length; d++)
            {
                shape[d] = (long)Math.Min(Number(), long.MaxValue);
                (bytes, bounded) = (bytes * shape[d], bounded * Math.Max(1, shape[d]));
                if (bounded > long.MaxValue) throw Fault(at, $"a shape of fewer than 2^63 bytes for '{shown}'", string.Join(",", shape));
            }
            if (bytes > stream.Length - stream.Position)
                throw Fault(
                    stream.Position, $"{bytes} bytes of '{shown}'",
                    $"{stream.Length - stream.Position}: the file is truncated or damaged");
            entries.Add((new TensorInfo(name, (ScalarType)type, shape), stream.Position));
            stream.Position += (long)bytes;
        }
        if (stream.Position != stream.Length) throw Fault(stream.Position, "the end of the file", "more bytes");
        return this;
    }

    private string Name()
    {
        var (at, length) = (stream.Position, Number());
        return length <= LongestName ? StrictUtf8.GetString(reader.ReadBytes((int)length))
            : throw Fault(at, $"a name of at most {LongestName} bytes", $"{length}");
    }

    private ulong Number() => (ulong)reader.Read7BitEncodedInt64();

    // What the reader throws where the file ends, or a number or a name is none.
    private static bool IsDamage(Exception exception) => exception is EndOfStreamException or FormatException or DecoderFallbackException;

    private DataFileException Fault(long offset, string expected, string found) => new(path, offset, expected, found);
}
