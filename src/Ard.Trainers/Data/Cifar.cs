using static TorchSharp.torch;

namespace Ard.Trainers.Data;

/// <summary>
/// The binary version of CIFAR-10 and CIFAR-100 (Krizhevsky, 2009; https://www.cs.toronto.edu/~kriz/cifar.html): a row is one label
/// byte (CIFAR-100: coarse, then fine) and 3072 bytes, the red, green and blue planes of 32x32 pixels.
/// </summary>
public static class Cifar
{
    internal const string Description =
        "the binary version of CIFAR-10 or CIFAR-100 (data_batch_1.bin … or train.bin; a folder, or its .tar.gz)";

    private const int PixelBytes = 3 * 32 * 32;
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
    ];

    private sealed record Variant(string Name, string Folder, string NameFile, int LabelBytes, int Classes, int TrainRows, int TestRows,
        string[] Train, string[] Test)
    {
        public string[] Files(DataSplit split) => split == DataSplit.Train ? Train : Test;

        public int Rows(DataSplit split) => split == DataSplit.Train ? TrainRows : TestRows;

        public int RowBytes => LabelBytes + PixelBytes;
    }

    /// <summary>
    /// Reads one split of CIFAR-10 or CIFAR-100 (fine labels), whichever is there. Class names come from the text file beside the rows
    /// when it is there, else they are the classes' numbers.
    /// </summary>
    /// <param name="path">The folder cifar-10-batches-bin or cifar-100-binary, the folder that holds it, or the .tar.gz of it.</param>
    /// <param name="split">Which of the two splits.</param>
    /// <param name="rowsPerFile">Rows that every file must have. Default: the published number, 10,000 (the training file of CIFAR-100:
    /// 50,000), so that a file cut at the end of a row is found out as well.</param>
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
        using var rows = new Rows(variant, split, rowsPerFile);
        foreach (var file in variant.Files(split))
        {
            var name = Path.Combine(folder, file);
            using var reader = DataFileReader.Open(name);
            rows.Read(file, reader, new FileInfo(name).Length);
        }
        var names = Path.Combine(folder, variant.NameFile);
        if (File.Exists(names))
        {
            using var reader = DataFileReader.Open(names);
            rows.ReadNames(reader, new FileInfo(names).Length);
        }
        return rows.ToDataset(path);
    }

    private static ImageDataset LoadArchive(string path, DataSplit split, int? rowsPerFile)
    {
        Rows? rows = null;
        try
        {
            using var tar = new TarArchive(DataFileReader.OpenStream(path), path, ArchiveLimit);
            Variant? named = null;
            while (tar.MoveNext())
            {
                // Only an entry's last name counts and nothing is written anywhere, so a path that leads elsewhere is harmless.
                var file = tar.Name[(tar.Name.LastIndexOf('/') + 1)..];
                var variant = Variants.FirstOrDefault(v => v.NameFile == file || v.Files(split).Contains(file));
                if (variant is null) continue;
                if (named is not null && named != variant)
                    throw new DataFileException(path, 0, "one data set", $"{named.Name} and {variant.Name}");
                named = variant;
                rows ??= new Rows(variant, split, rowsPerFile);
                using var reader = new DataFileReader(tar.Contents(), $"{path}:{tar.Name}");
                if (file == variant.NameFile) rows.ReadNames(reader, tar.Length);
                else rows.Read(file, reader, tar.Length);
            }
            if (rows is null) throw new DataFileException(path, 0, $"{Description}, {split} split", "an archive without it");
            return rows.ToDataset(path);
        }
        finally
        {
            rows?.Dispose();
        }
    }

    /// <summary>The rows of all files of a split, which may come in any order.</summary>
    private sealed class Rows : IDisposable
    {
        private readonly Variant variant;
        private readonly string[] files;
        private readonly int rowsPerFile;
        private readonly HashSet<string> done = [];
        private Tensor? images;
        private readonly long[] labels;
        private string[]? names;

        public Rows(Variant variant, DataSplit split, int? rowsPerFile)
        {
            this.variant = variant;
            this.rowsPerFile = rowsPerFile ?? variant.Rows(split);
            files = variant.Files(split);
            labels = new long[(long)files.Length * this.rowsPerFile];
        }

        public void Read(string file, DataFileReader reader, long length)
        {
            var expected = (long)rowsPerFile * variant.RowBytes;
            if (length != expected)
            {
                throw reader.Fault(Math.Min(length, expected), $"{expected} bytes, {rowsPerFile} rows of {variant.RowBytes}",
                    $"{length} bytes");
            }
            if (!done.Add(file)) throw reader.Fault(0, "every file once", "a second one of this name");
            images ??= empty([labels.Length, 3, 32, 32], dtype: ScalarType.Byte).DetachFromDisposeScope();
            var first = Array.IndexOf(files, file) * rowsPerFile;
            var pixels = images.bytes;
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

        public void ReadNames(DataFileReader reader, long length)
        {
            if (length > NameFileLimit) throw reader.Fault(NameFileLimit, $"at most {NameFileLimit} bytes of class names", $"{length}");
            var text = System.Text.Encoding.UTF8.GetString(reader.Read(length, "class names"));
            names = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (names.Length != variant.Classes) throw reader.Fault(0, $"{variant.Classes} class names, one a line", $"{names.Length}");
        }

        public ImageDataset ToDataset(string path)
        {
            if (files.FirstOrDefault(file => !done.Contains(file)) is { } missing)
                throw new DataFileException(path, 0, $"{variant.Name} with {missing}", $"only {string.Join(", ", done.Order())}");
            var dataset = new ImageDataset(images!, tensor(labels), names ?? [.. Enumerable.Range(0, variant.Classes).Select(i => $"{i}")]);
            images = null;
            return dataset;
        }

        public void Dispose() => images?.Dispose();
    }
}
