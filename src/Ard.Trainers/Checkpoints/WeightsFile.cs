namespace Ard.Trainers.Checkpoints;

/// <summary>A tensor in a file.</summary>
public sealed record TensorInfo
{
    internal TensorInfo(string name, ScalarType type, IReadOnlyList<long> shape) => (Name, Type, Shape) = (name, type, shape);

    /// <summary>Its name.</summary>
    public string Name { get; internal init; }

    /// <summary>The type of its elements.</summary>
    public ScalarType Type { get; }

    /// <summary>Its sizes.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Such as <c>conv1.weight Float32 [16,3,3,3]</c>.</summary>
    public override string ToString() => $"{Name} {Type} [{string.Join(",", Shape)}]";
}

/// <summary>The formats of weights that are read, told from a file's first bytes and not from its name.</summary>
internal enum WeightsFormat
{
    Safetensors,

    /// <summary>By <c>torch.save</c> of PyTorch 1.6 or newer: a zip archive with a pickle.</summary>
    PytorchArchive,

    /// <summary>By <c>torch.save</c> of PyTorch before 1.6: a sequence of pickles.</summary>
    PytorchLegacy,

    /// <summary>By TorchSharp's <c>Module.save</c>.</summary>
    TorchSharp,

    /// <summary>A TorchScript program, run by <see cref="ModelFile.ReadTorchScript"/>.</summary>
    TorchScript,
}

/// <summary>
/// A file of weights, opened: what it holds is known at once, its tensors are read when they are asked for. Reading runs nothing that is in
/// the file, and takes no memory beyond a small multiple of the file's length.
/// </summary>
public sealed class WeightsFile : IDisposable
{
    // Tensors may share storage (tied weights, a model that is there under two names); beyond this a file claims more than it has.
    private const int MostSharing = 8;

    private readonly IDisposable? opened;
    private readonly Func<Dictionary<string, Tensor>> read;

    private WeightsFile(string path, WeightsFormat format, Func<Dictionary<string, Tensor>> read, IDisposable? opened = null) =>
        (Path, Format, this.read, this.opened) = (path, format, read, opened);

    private StateDictSearch? Found { get; init; }
    internal string Path { get; }
    internal WeightsFormat Format { get; }

    /// <summary>The entry of the file in which the state dict was, such as <c>state_dict</c>; empty where it is the whole file.</summary>
    public string Key { get => field ?? Found?.Key ?? ""; private init; }

    // Keys of averaged weights, or of those of the best epoch, beside those that were taken.
    internal IReadOnlyList<string> Averages { get => field ?? Found?.Averages ?? []; private init; }

    /// <summary>
    /// What else there is: entries with other tensors, which may be asked for, and what is no tensor, objects with the name of their class.
    /// </summary>
    public IReadOnlyList<string> Others => Found?.Others ?? [];

    /// <summary>The tensors, in the file's order.</summary>
    public IReadOnlyList<TensorInfo> Tensors { get; private init; } = [];

    /// <summary>The built-in network that names and shapes look like, without normalisation, which they do not tell unless
    /// the architecture has its own; null where it is none.</summary>
    public NetworkSpec? Recognised => Recognition.Spec;

    /// <summary>In words: "looks like wideresnet-34-10, 10 classes", or why it is not recognised.</summary>
    public string Description => Recognition.Description;

    private RecognisedNetwork Recognition => Format == WeightsFormat.TorchScript
        ? new(null, "a TorchScript program: its tensors are not listed without running it")
        : NetworkRecogniser.Recognise(Tensors);

    /// <summary>Texts beside the tensors; only safetensors files have them.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; private init; } = new Dictionary<string, string>();

    /// <summary>Opens a file.</summary>
    /// <param name="path">A safetensors file or one by torch.save or TorchSharp's Module.save; its name does not matter.</param>
    /// <param name="key">Which state dict of a file with several, such as <c>ema.state_dict</c>, or <c>state_dict.0</c> of a list, or what
    /// stands before the names of some tensors, such as <c>ema_model</c>, or <c>average</c> and <c>best</c> of a training checkpoint.
    /// Default null: found by rule, see <see cref="ModelFile.Import(string, Networks.NetworkSpec, string)"/>.</param>
    /// <exception cref="DataFileException">The file is damaged, of another format, or holds something that is not read.</exception>
    public static WeightsFile Open(string path, string? key = null) => Safetensors.Open(path).OrDispose(stream => Open(stream, path, key));

    private static WeightsFile Open(Stream stream, string path, string? key)
    {
        var beginning = new byte[512];
        beginning = beginning[..stream.ReadAtLeast(beginning, beginning.Length, throwOnEndOfStream: false)];
        stream.Position = 0;
        // Safetensors first: it begins with a length, whose bytes may be the first ones of any other format.
        var safetensors = SafetensorsHeader.Begins(beginning, stream.Length);
        if (!safetensors && PytorchFile.Is(beginning)) return OpenPytorch(stream, path, key);
        var isTorchSharp = !safetensors && TorchSharpFile.Is(beginning);
        if (!safetensors && !isTorchSharp && OtherFormat(beginning) is { } other)
            throw new DataFileException(path, 0, "safetensors, or a file of torch.save or of TorchSharp's Module.save", other);
        if (isTorchSharp && key is not null)
            throw new DataFileException(path, $"a file of torch.save or safetensors, for the key '{key}'", "a file of TorchSharp");
        if (isTorchSharp)
        {
            var file = TorchSharpFile.Open(stream, path);
            return new(path, WeightsFormat.TorchSharp, file.Read, file) { Tensors = file.Tensors };
        }
        using (stream)
        {
            var header = SafetensorsHeader.Read(stream, path);
            TensorInfo[] all = [.. header.Entries.Select(entry => entry.Info)];
            var prefix = key is null ? "" : $"{key}.";
            TensorInfo[] tensors =
                [.. from info in all where IsOf(prefix, info.Name) select info with { Name = info.Name[prefix.Length..] }];
            if (key is not null && tensors.Length == 0) throw new DataFileException(path, $"tensors under '{key}'", "none");
            var isCheckpoint = key is null && all.Any(info => IsOf(ModelFile.StudentPrefix, info.Name));
            return new(
                path, WeightsFormat.Safetensors, () => Safetensors.Read(path).Where(pair => IsOf(prefix, pair.Key))
                    .ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value))
            {
                Key = key ?? "",
                Averages = [.. ModelFile.OtherWeights.Where(other => isCheckpoint && all.Any(info => IsOf($"{other}.", info.Name)))],
                Tensors = tensors,
                Metadata = header.Metadata,
            };

            static bool IsOf(string prefix, string name) => name.StartsWith(prefix, StringComparison.Ordinal);
        }
    }

    private static WeightsFile OpenPytorch(Stream stream, string path, string? key)
    {
        var pytorch = PytorchFile.Open(stream, path);
        if (pytorch.IsProgram) return new(path, WeightsFormat.TorchScript, () => [], pytorch);
        var found = StateDictSearch.Find(pytorch.Value, key, path);
        Int128 bytes = 0;
        foreach (var (_, tensor) in found.Tensors)
            bytes += tensor.Shape.Aggregate((Int128)TensorBytes.SizeOf(tensor.Storage.Type), (product, size) => product * size);
        if (bytes > (Int128)MostSharing * stream.Length)
            throw new DataFileException(
                path, $"tensors that share at most {MostSharing} times the file's {stream.Length} bytes", $"{bytes} bytes of them");
        return new(
            path, pytorch.IsArchive ? WeightsFormat.PytorchArchive : WeightsFormat.PytorchLegacy,
            () => found.Tensors.ToDictionary(pair => pair.Key, pair => pytorch.Read(pair.Value)), pytorch)
        {
            Found = found,
            Tensors = [.. found.Tensors.Select(pair => new TensorInfo(pair.Key, pair.Value.Storage.Type, pair.Value.Shape))],
        };
    }

    /// <summary>Reads all tensors, onto the CPU, as they are: those that share storage or have strides still do.</summary>
    /// <returns>The tensors by name; the caller, or the current dispose scope, disposes of them.</returns>
    /// <exception cref="DataFileException">The file is damaged, or a TorchScript program.</exception>
    internal Dictionary<string, Tensor> Read()
    {
        RefuseProgram();
        using var scope = NewDisposeScope();
        var tensors = read();
        foreach (var tensor in tensors.Values) tensor.MoveToOuterDisposeScope();
        return tensors;
    }

    /// <summary>Such as <c>PytorchArchive, 22 tensors</c>.</summary>
    public override string ToString() => $"{Format}, {Tensors.Count} tensors";

    internal void RefuseProgram()
    {
        if (Format == WeightsFormat.TorchScript)
            throw new DataFileException(
                Path, "weights",
                $"a TorchScript program, which is code; {nameof(ModelFile)}.{nameof(ModelFile.ReadTorchScript)} runs it, if you trust it");
    }

    /// <summary>Closes the file. Tensors that were read stay.</summary>
    public void Dispose() => opened?.Dispose();

    // What is given instead, by mistake, as a rule; null for what may be damaged safetensors.
    private static string? OtherFormat(ReadOnlySpan<byte> beginning)
    {
        if (beginning.IsEmpty) return "an empty file";
        if (beginning.StartsWith("version https://git-lfs"u8)) return "a pointer of Git LFS: the file itself has not been fetched";
        if (beginning.StartsWith("/annex/objects/"u8)) return "a pointer of git-annex: the file itself has not been fetched";
        var text = beginning.TrimStart(" \t\r\n\ufeff"u8);
        if (text.StartsWith("<"u8)) return "a web page, or other text of markup";
        if (text.StartsWith("{"u8) && !text.ContainsAnyInRange((byte)0, (byte)8)) return "a text of JSON";
        if (beginning is [0x89, (byte)'P', (byte)'N', (byte)'G', ..] or [0xff, 0xd8, 0xff, ..]) return "an image";
        // ModelProto: ir_version, then a text or a graph.
        if (beginning is [8, < 32, 0x12 or 0x1a or 0x22 or 0x3a or 0x42, ..]) return "an ONNX model, which is a graph and no state dict";
        if (beginning is [0x1f, 0x8b, ..]) return "a gzip-compressed file";
        if (beginning is [0x89, (byte)'H', (byte)'D', (byte)'F', ..]) return "an HDF5 file";
        if (beginning is [0x93, (byte)'N', (byte)'U', ..]) return "a NumPy file";
        if (beginning.Length > 262 && beginning[257..].StartsWith("ustar"u8))
            return "a tar archive (torch.save before PyTorch 0.1.10, or something else)";
        if (beginning is [0x80, < 6, ..]) return "a pickle that torch.save has not written";
        if (beginning is [_, _, _, _, _, _, _, _, (byte)'{', ..]) return null;
        return $"something else, which begins with the bytes {Convert.ToHexStringLower(beginning[..Math.Min(beginning.Length, 8)])}";
    }
}
