using System.IO.Compression;
using System.Numerics;

namespace Ard.Trainers.Checkpoints;

/// <summary>
/// A file of <c>torch.save</c>, opened: the value that it holds, with tensors that are read when they are asked for. Both containers are
/// read: the zip archive (PyTorch 1.6 and newer: data.pkl, and a file data/KEY for each storage) and what came before it (a sequence of
/// pickles, then the storages one after the other). See <see cref="Unpickler"/> for what a pickle may hold.
/// </summary>
/// <remarks>
/// Storages are read at most once, and only those that tensors are asked of; each must have its full length in the file before memory is
/// taken for it. The archives of PyTorch store without compression, and others are refused, so that no archive can unpack to more than its
/// own length. Checksums of archives are not compared, as PyTorch does not do it either.
/// </remarks>
internal sealed class PytorchFile : IDisposable
{
    // The number at the beginning of what torch.save wrote before 1.6, and the version that follows it.
    private static readonly BigInteger Magic = BigInteger.Parse("119547037146038801333356");
    private const long LegacyVersion = 1001;

    // The most entries of an archive: one for each storage.
    private const int MaximumEntries = 100_000;

    private readonly string path;
    private readonly Stream stream;
    private readonly ZipArchive? archive;
    private readonly Dictionary<string, ZipArchiveEntry> entries = [];
    private readonly Dictionary<string, (long Count, Int128 Length, long Offset)> places = [];
    private readonly Dictionary<string, (PickledStorage Storage, Tensor Elements)> storages = [];

    private PytorchFile(string path, Stream stream, ZipArchive? archive) =>
        (this.path, this.stream, this.archive) = (path, stream, archive);

    public bool IsArchive => archive is not null;

    /// <summary>Whether the archive is a TorchScript program: then nothing has been read.</summary>
    public bool IsProgram { get; private set; }

    /// <summary>The value in the file; see <see cref="Unpickler"/> for its types.</summary>
    public object? Value { get; private set; }

    public static bool Is(ReadOnlySpan<byte> beginning) => IsZip(beginning) || IsLegacy(beginning);

    /// <summary>Reads the pickles of a stream that can seek, from its beginning. It is the result's.</summary>
    /// <exception cref="DataFileException">The file is damaged or holds something else than tensors and plain values.</exception>
    public static PytorchFile Open(Stream stream, string path) => Damage.TellZip(path, "a sound zip archive", () =>
    {
        Span<byte> beginning = stackalloc byte[4];
        stream.ReadAtLeast(beginning, 4, throwOnEndOfStream: false);
        stream.Position = 0;
        var archive = IsZip(beginning) ? new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true, Encoding.UTF8) : null;
        return new PytorchFile(path, stream, archive).OrDispose(file =>
        {
            if (file.IsArchive) file.ReadArchive();
            else file.ReadLegacy();
        });
    });

    /// <summary>A tensor of <see cref="Value"/>: a view on its storage, on the CPU; tensors of one storage share it as they did.</summary>
    /// <exception cref="DataFileException">The storage is missing, or not of the length that the pickle says.</exception>
    public Tensor Read(PickledTensor tensor) => Storage(tensor.Storage).as_strided(tensor.Shape, tensor.Strides, tensor.Offset);

    public void Dispose()
    {
        foreach (var (_, elements) in storages.Values) elements.Dispose();
        archive?.Dispose();
        stream.Dispose();
    }

    private static bool IsZip(ReadOnlySpan<byte> beginning) => beginning.StartsWith("PK\x03\x04"u8);

    // PROTO 2 to 5, from 4 on a FRAME, LONG1 of 10 bytes: the magic number.
    private static bool IsLegacy(ReadOnlySpan<byte> beginning) =>
        beginning is [0x80, >= 2 and <= 5, 0x8a, 10, ..] or [0x80, 4 or 5, 0x95, _, _, _, _, _, _, _, _, 0x8a, 10, ..];

    // ---- The archive ----

    private void ReadArchive()
    {
        if (archive!.Entries.Count > MaximumEntries)
            throw new DataFileException(path, 0, $"an archive of at most {MaximumEntries} entries", $"{archive.Entries.Count}");
        if (archive.Entries.Any(entry => entry.FullName.IndexOf('/') is >= 0 and var at && entry.FullName[(at + 1)..] == "constants.pkl"))
        {
            IsProgram = true;
            return;
        }
        if (!archive.Entries.Any(entry => entry.FullName == "data.pkl" || entry.FullName.EndsWith("/data.pkl", StringComparison.Ordinal)))
        {
            if (archive.Entries.Any(entry => entry.FullName.StartsWith("TrainingInfo", StringComparison.Ordinal)))
                throw new DataFileException(
                    path, 0, "weights", "a model of ML.NET: its own ExportWeights and ExportOnnx write its network, once it is loaded");
            var names = archive.Entries.Take(5).Select(entry => $"'{PickledText.Shown(entry.FullName)}'");
            throw new DataFileException(
                path, 0, "an archive of PyTorch, with a file data.pkl",
                $"a zip archive of something else: {string.Join(", ", names)}{(archive.Entries.Count > 5 ? " …" : "")}");
        }
        string? folder = null;
        long total = 0;
        foreach (var entry in archive.Entries)
        {
            var name = entry.FullName;
            var shown = $"{path}:{PickledText.Shown(name)}";
            if (name.StartsWith('/') || name.Contains('\\') || name.Contains(':') || name.Split('/').Any(part => part is ".." or ""))
                throw new DataFileException(shown, 0, "the name of a file within its folder", "a path that leads elsewhere");
            if (name.IndexOf('/') is var slash && slash < 0 || (folder ??= name[..slash]) != name[..slash])
                throw new DataFileException(shown, 0, "an archive of PyTorch, with one folder", "a file outside of it");
            if (entry.CompressedLength != entry.Length || entry.IsEncrypted)
                throw new DataFileException(
                    shown, 0, "an entry stored as it is, which is how PyTorch writes them",
                    entry.IsEncrypted ? "an encrypted one" : $"{entry.CompressedLength} bytes for {entry.Length}: a compressed one");
            // Entries that lie on top of each other make a small file large.
            if ((total += entry.Length) > stream.Length)
                throw new DataFileException(shown, 0, $"entries within the {stream.Length} bytes of the file", $"{total} bytes and more");
            if (!entries.TryAdd(name[(folder.Length + 1)..], entry))
                throw new DataFileException(shown, 0, "every entry once", "a second one");
        }
        if (!entries.TryGetValue("data.pkl", out var pickle))
            throw new DataFileException(path, 0, "an archive of PyTorch, with a file data.pkl", $"{entries.Count} other file(s)");
        if (entries.TryGetValue("byteorder", out var order) && Text(order) is not "little" and var found)
            throw new DataFileException($"{path}:{folder}/byteorder", 0, "little", PickledText.Shown(found));
        using var contents = new BufferedStream(Open(pickle), 1 << 16);
        Value = new Unpickler(contents, $"{path}:{pickle.FullName}", 0, pickle.Length).Read();
    }

    private Stream Open(ZipArchiveEntry entry) => Damage.TellZip($"{path}:{PickledText.Shown(entry.FullName)}", "an entry", entry.Open);

    private string Text(ZipArchiveEntry entry)
    {
        Span<byte> bytes = stackalloc byte[16];
        using var contents = Open(entry);
        return Encoding.Latin1.GetString(bytes[..contents.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)]);
    }

    // ---- What came before the archive ----

    private void ReadLegacy()
    {
        var magic = Pickle(out var at);
        if (magic is not BigInteger number || number != Magic) throw Fault(at, "the number with which torch.save begins", "another value");
        if (Pickle(out at) is not LegacyVersion) throw Fault(at, $"version {LegacyVersion}", "another");
        if (Pickle(out at) is not OrderedDictionary<string, object?> system || !system.TryGetValue("little_endian", out var isLittle))
            throw Fault(at, "what system wrote the file", "something else");
        if (isLittle is not true) throw Fault(at, "a file written by a little-endian system", "one by a big-endian system");
        at = stream.Position;
        var unpickler = new Unpickler(stream, path, at, stream.Length - at);
        var value = unpickler.Read();
        if (Pickle(out at) is not List<object?> keys) throw Fault(at, "a list of the storages' keys", "something else");

        // Where each storage begins: it has the number of its elements before them. Its type is known from the pickle.
        Span<byte> count = stackalloc byte[8];
        foreach (var key in keys)
        {
            at = stream.Position;
            if (key is not string name || !unpickler.Storages.TryGetValue(name, out var storage) || places.ContainsKey(name))
                throw Fault(
                    at, "keys of the pickle's storages, each once", key is string other ? $"'{PickledText.Shown(other)}'" : "no text");
            if (stream.ReadAtLeast(count, 8, throwOnEndOfStream: false) < 8)
                throw Fault(at, "8 bytes of a storage's length", "the end of the file");
            var found = BinaryPrimitives.ReadInt64LittleEndian(count);
            if (found != storage.Count) throw Fault(at, $"{storage.Count} elements in storage '{PickledText.Shown(name)}'", $"{found}");
            var end = stream.Position + storage.Length;
            if (end > stream.Length)
                throw Fault(stream.Position, $"{found} elements of storage '{PickledText.Shown(name)}'", $"only {stream.Length} bytes");
            places.Add(name, (storage.Count, storage.Length, stream.Position));
            stream.Position = (long)end;
        }
        if (stream.Position != stream.Length) throw Fault(stream.Position, "the end of the file", "more bytes");
        Value = value;
    }

    private object? Pickle(out long at)
    {
        at = stream.Position;
        return new Unpickler(stream, path, at, stream.Length - at).Read();
    }

    private DataFileException Fault(long offset, string expected, string found) => new(path, offset, expected, found);

    // ---- Storages ----

    private Tensor Storage(PickledStorage storage)
    {
        var shown = PickledText.Shown(storage.Key);
        if (storages.TryGetValue(storage.Key, out var read))
            return read.Storage == storage ? read.Elements : throw Fault(0, $"one type and length of storage '{shown}'", "two");
        if (IsArchive)
        {
            if (!entries.TryGetValue($"data/{storage.Key}", out var entry)) throw Fault(0, $"an entry data/{shown}", "none");
            if (entry.Length != storage.Length)
                throw Fault(0, $"{storage.Count} elements of {storage.Type} in data/{shown}", $"{entry.Length} bytes");
            using var contents = Open(entry);
            return Fill(storage, contents);
        }
        if (!places.TryGetValue(storage.Key, out var place) || (place.Count, place.Length) != (storage.Count, storage.Length))
            throw Fault(0, $"one storage '{shown}' of {storage.Count} elements of {storage.Type}", "another, or none");
        stream.Position = place.Offset;
        return Fill(storage, stream);
    }

    private Tensor Fill(PickledStorage storage, Stream contents)
    {
        // The length has been compared with that of the file.
        using var scope = NewDisposeScope();
        var elements = empty(storage.Count, storage.Type);
        try
        {
            TensorBytes.Fill(elements, contents);
            if (TensorBytes.WrongBool(elements) is var (index, value))
                throw Fault(0, $"0 or 1 in storage '{PickledText.Shown(storage.Key)}' of truth values", $"{value} at {index}");
        }
        catch (Exception exception) when (Damage.IsOfZip(exception))
        {
            throw new DataFileException(path, 0, $"the storage '{PickledText.Shown(storage.Key)}'", exception.Message, exception);
        }
        storages.Add(storage.Key, (storage, elements.DetachFromDisposeScope()));
        return elements;
    }
}
