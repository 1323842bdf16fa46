using System.Formats.Tar;

namespace Ard.Trainers.Data;

/// <summary>
/// CIFAR-10 and CIFAR-100 (Krizhevsky, 2009; https://www.cs.toronto.edu/~kriz/cifar.html). In the binary version a row is one label byte
/// (CIFAR-100: coarse, then fine) and 3072 bytes, the red, green and blue planes of 32x32 pixels. The Python version, which torchvision
/// downloads, has the same rows as an array in a pickle, whose other names are never looked up.
/// </summary>
internal static class Cifar
{
    internal const string Description =
        "CIFAR-10 or CIFAR-100, binary or for Python (data_batch_1.bin or data_batch_1 …, train.bin or train; a folder, or its .tar.gz)";

    private const int PixelBytes = 3 * 32 * 32;
    private const int PickledRowBytes = 300;   // of a row's label and file name
    private const int NameFileLimit = 1 << 16;

    // An archive is unpacked as it is read; this bounds the time that one made to waste it can take. The real ones have 186 MB.
    private const long ArchiveLimit = 1L << 30;

    private static readonly Variant[] Variants =
    [
        new("CIFAR-10", "cifar-10-batches-bin", "batches.meta.txt", LabelBytes: 1, Classes: 10, TrainRows: 10_000, TestRows: 10_000,
            Train: ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
            Test: ["test_batch.bin"]),
        new("CIFAR-100", "cifar-100-binary", "fine_label_names.txt", LabelBytes: 2, Classes: 100, TrainRows: 50_000, TestRows: 10_000,
            Train: ["train.bin"], Test: ["test.bin"]),
        new("CIFAR-10", "cifar-10-batches-py", "batches.meta", LabelBytes: 0, Classes: 10, TrainRows: 10_000, TestRows: 10_000,
            Train: ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"], Test: ["test_batch"],
            Labels: "labels", Names: "label_names"),
        new("CIFAR-100", "cifar-100-python", "meta", LabelBytes: 0, Classes: 100, TrainRows: 50_000, TestRows: 10_000,
            Train: ["train"], Test: ["test"], Labels: "fine_labels", Names: "fine_label_names"),
    ];

    // Labels and Names are keys of the pickles of the Python version.
    private sealed record Variant(string Name, string Folder, string NameFile, int LabelBytes, int Classes, int TrainRows, int TestRows,
        string[] Train, string[] Test, string? Labels = null, string? Names = null)
    {
        public string[] Files(DataSplit split) => split == DataSplit.Train ? Train : Test;
        public int Rows(DataSplit split) => split == DataSplit.Train ? TrainRows : TestRows;

        public int RowBytes => LabelBytes + PixelBytes;
    }

    /// <summary>
    /// Reads one split of CIFAR-10 or CIFAR-100 (fine labels), whichever is there: the folder, the folder that holds it, or the .tar.gz of
    /// it. Class names come from the file beside the rows, else they are the classes' numbers. Every file must have the published number
    /// of rows, or the one that is given, so that a file cut at the end of a row is found out as well.
    /// </summary>
    /// <exception cref="DataFileException">A file is missing or not sound.</exception>
    public static ImageDataset Load(string path, DataSplit split, int? rowsPerFile = null)
    {
        if (rowsPerFile < 1) throw new ArgumentOutOfRangeException(nameof(rowsPerFile), rowsPerFile, "Expected a positive number of rows.");
        return Directory.Exists(path) ? LoadFolder(path, split, rowsPerFile) : LoadArchive(path, split, rowsPerFile);
    }

    internal static bool Is(string path) => Directory.Exists(path)
        ? Enum.GetValues<DataSplit>().Any(split => Folders(path, split).Any())
        : File.Exists(path);

    private static IEnumerable<(Variant Variant, string Folder)> Folders(string path, DataSplit split) =>
        from variant in Variants
        from folder in new[] { path, Path.Combine(path, variant.Folder) }
        where variant.Files(split).Any(file => File.Exists(Path.Combine(folder, file)))
        select (variant, folder);

    private static ImageDataset LoadFolder(string path, DataSplit split, int? rowsPerFile)
    {
        var found = Folders(path, split).ToArray();
        if (found.Length == 0) throw new DataFileException(path, 0, $"{Description}, {split} split", "a folder without it");
        if (found.Length > 1)
            throw new DataFileException(path, 0, "one data set", $"{found.Length}: {string.Join(", ", found.Select(f => f.Folder))}");
        var (variant, folder) = found[0];
        using var scope = NewDisposeScope();
        var rows = new Rows(variant, split, rowsPerFile);
        foreach (var file in variant.Files(split))
        {
            var name = Path.Combine(folder, file);
            rows.Read(file, DataFileReader.OpenStream(name), name, new FileInfo(name).Length);
        }
        var names = Path.Combine(folder, variant.NameFile);
        if (File.Exists(names)) rows.ReadNames(DataFileReader.OpenStream(names), names, new FileInfo(names).Length);
        return rows.ToDataset(path);
    }

    private static ImageDataset LoadArchive(string path, DataSplit split, int? rowsPerFile)
    {
        using var scope = NewDisposeScope();
        using var stream = new TarStream(DataFileReader.OpenStream(path), path, ArchiveLimit);
        using var tar = new TarReader(stream);
        Rows? rows = null;
        while (Next(tar, path) is { } entry)
        {
            // Only an entry's last name counts and nothing is written anywhere, so a path that leads elsewhere is harmless.
            var file = entry.Name[(entry.Name.LastIndexOf('/') + 1)..];
            var variant = entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile) ? null
                : Variants.FirstOrDefault(v => (v.NameFile == file || v.Files(split).Contains(file))
                    // The names of CIFAR-100's pickles say little by themselves.
                    && (v.Folder != "cifar-100-python" || entry.Name.Contains($"{v.Folder}/", StringComparison.Ordinal)));
            if (variant is null) continue;
            rows ??= new Rows(variant, split, rowsPerFile);
            if (rows.Variant != variant) throw new DataFileException(path, 0, "one data set", $"{rows.Variant.Name} and {variant.Name}");
            var (contents, name) = (entry.DataStream ?? Stream.Null, $"{path}:{entry.Name}");
            if (file == variant.NameFile) rows.ReadNames(contents, name, entry.Length);
            else rows.Read(file, contents, name, entry.Length);
        }
        stream.CopyTo(Stream.Null);   // only at the very end does gzip compare its checksum
        return rows?.ToDataset(path) ?? throw new DataFileException(path, 0, $"{Description}, {split} split", "an archive without it");
    }

    private static TarEntry? Next(TarReader tar, string path) => Damage.Tell(
        () => tar.GetNextEntry(), exception => exception is not (DataFileException or OutOfMemoryException),
        exception => new(path, 0, "a tar archive, plain or gzip-compressed", $"'{exception.Message}'", exception));

    /// <summary>The rows of all files of a split, which may come in any order.</summary>
    private sealed class Rows(Variant variant, DataSplit split, int? expectedRows)
    {
        private readonly string[] files = variant.Files(split);
        private readonly int rowsPerFile = expectedRows ?? variant.Rows(split);
        private readonly HashSet<string> done = [];
        private readonly long[] labels = new long[(long)variant.Files(split).Length * (expectedRows ?? variant.Rows(split))];
        private Tensor? images;
        private string[]? names;

        public Variant Variant => variant;

        public void Read(string file, Stream contents, string path, long length)
        {
            using var reader = new DataFileReader(contents, path);
            if (!done.Add(file)) throw reader.Fault(0, "every file once", "a second one of this name");
            images ??= empty([labels.Length, 3, 32, 32], dtype: ScalarType.Byte);
            var first = Array.IndexOf(files, file) * rowsPerFile;
            if (variant.Labels is { } key) ReadPickle(key, contents, reader, first, length);
            else ReadRows(reader, first, length);
        }

        private void ReadRows(DataFileReader reader, int first, long length)
        {
            var expected = (long)rowsPerFile * variant.RowBytes;
            if (length != expected)
                throw reader.Fault(
                    Math.Min(length, expected), $"{expected} bytes, {rowsPerFile} rows of {variant.RowBytes}", $"{length} bytes");
            var pixels = images!.bytes;
            Span<byte> label = stackalloc byte[variant.LabelBytes];
            for (var row = 0; row < rowsPerFile; row++)
            {
                reader.Read(label, $"row {row}");
                // The last label byte is the class; CIFAR-100 has the coarse one, of 20, before it.
                if (label[^1] >= variant.Classes)
                    throw reader.Fault(reader.Offset - 1, $"a label from 0 to {variant.Classes - 1} in row {row}", $"{label[^1]}");
                labels[first + row] = label[^1];
                reader.Read(pixels.Slice((first + row) * PixelBytes, PixelBytes), $"row {row}");
            }
            reader.ExpectEnd();
        }

        // {"data": array [rows, 3072] of bytes, "labels" or "fine_labels": list of numbers, and file names}
        private void ReadPickle(string key, Stream contents, DataFileReader reader, int first, long length)
        {
            var values = Dictionary(contents, reader, length, (long)rowsPerFile * (PixelBytes + PickledRowBytes) + NameFileLimit);
            if (Value(values, "data") is not PickledArray { Type: "u1", IsFortran: false, Shape: [var rows, PixelBytes], Bytes: { } bytes }
                || rows != rowsPerFile || bytes.Length != rows * PixelBytes)
                throw reader.Fault(0, $"an array 'data' of bytes [{rowsPerFile},{PixelBytes}]", Found(Value(values, "data")));
            if (Value(values, key) is not List<object?> numbers || numbers.Count != rowsPerFile)
                throw reader.Fault(0, $"a list '{key}' of {rowsPerFile} labels", Found(Value(values, key)));
            for (var row = 0; row < rowsPerFile; row++)
                labels[first + row] = numbers[row] is long label && label >= 0 && label < variant.Classes
                    ? label
                    : throw reader.Fault(0, $"a label from 0 to {variant.Classes - 1} in row {row}", Found(numbers[row]));
            bytes.CopyTo(images!.bytes[(first * PixelBytes)..]);
        }

        private static OrderedDictionary<string, object?> Dictionary(Stream contents, DataFileReader reader, long length, long limit)
        {
            if (length > limit) throw reader.Fault(limit, $"at most {limit} bytes", $"{length}");
            // Not disposed of: the stream is the reader's.
            var unpickler = new Unpickler(new BufferedStream(contents, 1 << 16), reader.Path, 0, length, limit);
            var value = Damage.Tell(
                unpickler.Read, exception => exception is InvalidDataException or EndOfStreamException,
                exception => reader.Fault(0, "sound compressed data", $"'{exception.Message}'", exception));
            return value as OrderedDictionary<string, object?> ?? throw reader.Fault(0, "a dictionary", "another value");
        }

        // Keys are texts or, where the pickle has come through Python 3, bytes.
        private static object? Value(OrderedDictionary<string, object?> values, string key) =>
            values.TryGetValue(key, out var value) || values.TryGetValue($"[b'{key}']", out value) ? value : null;

        private static string Found(object? value) => value switch
        {
            null => "none",
            PickledArray array => $"one of {array.Type} [{string.Join(",", array.Shape ?? [])}]",
            List<object?> list => $"a list of {list.Count}",
            long number => $"{number}",
            _ => "something else",
        };

        public void ReadNames(Stream contents, string path, long length)
        {
            using var reader = new DataFileReader(contents, path);
            if (length > NameFileLimit) throw reader.Fault(NameFileLimit, $"at most {NameFileLimit} bytes of class names", $"{length}");
            names = variant.Names is { } key
                ? Value(Dictionary(contents, reader, length, NameFileLimit), key) is List<object?> list
                    ? [.. list.Select(name => name as string ?? throw reader.Fault(0, "texts as class names", Found(name)))]
                    : throw reader.Fault(0, $"a list '{key}'", "none")
                : Encoding.UTF8.GetString(reader.Read(length, "class names"))
                    .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (names.Length != variant.Classes) throw reader.Fault(0, $"{variant.Classes} class names, one a line", $"{names.Length}");
        }

        public ImageDataset ToDataset(string path)
        {
            if (files.FirstOrDefault(file => !done.Contains(file)) is { } missing)
                throw new DataFileException(path, 0, $"{variant.Name} with {missing}", $"only {string.Join(", ", done.Order())}");
            return new ImageDataset(images!, tensor(labels), names ?? Idx.Numbers(variant.Classes));
        }
    }
}
