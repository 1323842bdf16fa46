namespace Ard.Trainers.Data;

/// <summary>
/// The IDX format of MNIST and its relatives (http://yann.lecun.com/exdb/mnist, "The IDX file format"): a magic number
/// 0x00000803 for images or 0x00000801 for labels, the sizes as big-endian 32-bit numbers, then bytes. Plain or gzip-compressed.
/// </summary>
internal static class Idx
{
    /// <summary>The longest (unpacked) body that is read, in bytes: 1 GiB. A header that promises more is refused.</summary>
    public const long MaximumLength = 1L << 30;

    internal const string Description = "a folder with the IDX files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-… (or .gz)";
    private const string ImageFile = "images-idx3-ubyte", LabelFile = "labels-idx1-ubyte";
    private const uint ImageMagic = 0x00000803;
    private const uint LabelMagic = 0x00000801;

    public static IReadOnlyList<string> Digits { get; } = Numbers(10);

    /// <summary>
    /// Reads a pair of files as images [N,1,H,W] with their labels. The names of the classes, beyond which a label is a fault, are
    /// <see cref="Digits"/> by default, or numbers to the largest label, of the other split as well, where that is 10 or more.
    /// </summary>
    /// <exception cref="DataFileException">A file is missing or not sound, or the two do not belong together.</exception>
    public static ImageDataset Load(
        string imagesPath, string labelsPath, IReadOnlyList<string>? classNames = null, string? otherLabelsPath = null)
    {
        using var images = DataFileReader.Open(imagesPath);
        using var labels = DataFileReader.Open(labelsPath);
        var size = ReadHeader(images, ImageMagic, "images", 3);
        var count = ReadHeader(labels, LabelMagic, "labels", 1)[0];
        if (count != size[0]) throw labels.Fault(4, $"{size[0]} labels, as many as {imagesPath} has images", $"{count}");

        // The labels first: they are short, and a file that is not what it says is refused before the long one is read.
        var labelBytes = labels.Read(count, "labels");
        labels.ExpectEnd();
        byte[] all = classNames is null && File.Exists(otherLabelsPath) ? [.. labelBytes, .. ReadLabels(otherLabelsPath)] : labelBytes;
        var (least, most) = (all.Min(), all.Max());
        classNames ??= most < Digits.Count ? Digits : null;
        if (CountsWrongly(least, most, classNames) is { } found) throw labels.Fault(8, "labels from 0", found);
        classNames ??= Numbers(most + 1);
        var wrong = Array.FindIndex(labelBytes, label => label >= classNames.Count);
        if (wrong >= 0) throw labels.Fault(8 + wrong, $"a label from 0 to {classNames.Count - 1}", $"{labelBytes[wrong]}");
        var pixels = images.Read(size[0] * size[1] * size[2], "pixels");
        images.ExpectEnd();
        return new ImageDataset(tensor(pixels, [size[0], 1, size[1], size[2]]),
            tensor(Array.ConvertAll(labelBytes, label => (long)label)), classNames);
    }

    /// <summary>
    /// What is wrong with labels that do not begin with 0, as those of EMNIST's letters; null if nothing: of classes that have names, the
    /// first may be missing.
    /// </summary>
    internal static string? CountsWrongly(long least, long most, IReadOnlyList<string>? classNames) =>
        least > 0 && (classNames is null || most == classNames.Count)
            ? $"{least} to {most}: they count from {least}; write a file with {least} less" : null;

    // The names of so many classes of which nothing else is known.
    internal static string[] Numbers(int classes) => [.. Enumerable.Range(0, classes).Select(number => $"{number}")];

    /// <summary>
    /// Reads one split from a folder with the published names, plain or with .gz (the plain file wins). The default of the names goes by
    /// the labels of both splits.
    /// </summary>
    /// <exception cref="DataFileException">A file is missing or not sound, or the two do not belong together.</exception>
    public static ImageDataset LoadFolder(string folder, DataSplit split, IReadOnlyList<string>? classNames = null)
    {
        // Both splits have the same classes, though one of them may lack the last.
        var other = Find(folder, split == DataSplit.Train ? DataSplit.Test : DataSplit.Train, LabelFile);
        return Load(Find(folder, split, ImageFile), Find(folder, split, LabelFile), classNames, other);
    }

    private static byte[] ReadLabels(string path)
    {
        using var labels = DataFileReader.Open(path);
        return labels.Read(ReadHeader(labels, LabelMagic, "labels", 1)[0], "labels");
    }

    internal static bool IsFolder(string folder) =>
        Directory.Exists(folder)
        && Enum.GetValues<DataSplit>().Any(split => File.Exists(Find(folder, split, ImageFile)));

    // By the published names: MNIST's, EMNIST's (emnist-letters-train-images-idx3-ubyte), and with a dot before idx. The plain file wins.
    private static string Find(string folder, DataSplit split, string kind)
    {
        string[] names = split == DataSplit.Train ? ["train"] : ["t10k", "test"];
        var published = Path.Combine(folder, $"{names[0]}-{kind}");
        if (!Directory.Exists(folder)) return published;
        var found = (
            from file in Directory.EnumerateFiles(folder)
            let name = Path.GetFileName(file)
            let unpacked = name.EndsWith(".gz", StringComparison.Ordinal) ? name[..^3] : name
            let plain = unpacked.Replace(".idx", "-idx", StringComparison.Ordinal)
            where !name.StartsWith('.') && names.Any(start => $"-{plain}".EndsWith($"-{start}-{kind}", StringComparison.Ordinal))
            orderby name.EndsWith(".gz", StringComparison.Ordinal), name
            select (file, plain)).ToArray();
        if (found.DistinctBy(file => file.plain).Count() > 1)
            throw new DataFileException(folder, 0, "one data set", string.Join(", ", found.Select(file => Path.GetFileName(file.file))));
        return found.Length > 0 ? found[0].file : published;
    }

    private static long[] ReadHeader(DataFileReader reader, uint magic, string what, int dimensions)
    {
        var found = ReadNumber(reader, "the magic number");
        if (found != magic) throw reader.Fault(0, $"the magic number 0x{magic:x8} of IDX {what}", $"0x{found:x8}");
        var size = new long[dimensions];
        UInt128 length = 1;
        for (var i = 0; i < dimensions; i++)
        {
            size[i] = ReadNumber(reader, "the sizes");
            if (size[i] == 0) throw reader.Fault(4 + 4 * i, "a positive size", "0");
            length *= (UInt128)size[i];
        }
        if (length > MaximumLength) throw reader.Fault(4, $"at most {MaximumLength} bytes of {what}", string.Join(" x ", size));
        return size;
    }

    private static uint ReadNumber(DataFileReader reader, string what)
    {
        Span<byte> bytes = stackalloc byte[4];
        reader.Read(bytes, what);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }
}
