using System.IO.Compression;
using System.Text.RegularExpressions;

namespace Ard.Trainers.Data;

/// <summary>
/// Images and labels as NumPy's arrays (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): a .npz archive with all of
/// them, or .npy files in one folder. Arrays of Python's objects, which are pickles, are refused.
/// </summary>
internal static class Npy
{
    /// <summary>The longest (unpacked) array that is read, in bytes: 1 GiB, or what images may take of a larger machine's memory.</summary>
    public static readonly long MaximumLength = Math.Max(1L << 30, ImageCollector.QuarterOfMemory);

    internal const string Description =
        "NumPy arrays of images and labels (a .npz, or a folder of .npy, with train and test in their names)";

    private const int LongestHeader = 1 << 16;
    private const int MaximumEntries = 1000;
    private const int MaximumRank = 32;

    private static readonly (string Code, ScalarType Type)[] Types =
    [
        ("u1", ScalarType.Byte), ("i1", ScalarType.Int8), ("i2", ScalarType.Int16), ("i4", ScalarType.Int32),
        ("i8", ScalarType.Int64), ("f2", ScalarType.Float16), ("f4", ScalarType.Float32), ("f8", ScalarType.Float64),
    ];

    // {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, as NumPy writes it.
    private static readonly Regex HeaderText = new(
        @"^\{'descr': '(?<order>[<>|=])(?<type>[a-zA-Z]\d*)', 'fortran_order': (?<fortran>True|False), "
        + @"'shape': \((?<shape>(\d{1,18}L?(, |,)?)*)\),? *\} *\n$",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);

    private sealed record Header(ScalarType Type, long[] Shape, bool IsFortran);

    // An array that has been listed, not read: its name without .npy, its header, and how to open its file.
    private sealed record Array(string Name, string Path, Header Header, Func<Stream> Open)
    {
        public bool IsImages => Header.Shape.Length is 3 or 4;
        public bool IsLabels => Header.Shape is [_] or [_, 1];
    }

    /// <summary>
    /// Reads one split, by the names of the arrays, as <see cref="ImageDataset.Load"/> says; without a split those with train in their
    /// names, or all where none says train or test. The images become uint8, or float32 in [0,1]. Labels that may be lacking are -1.
    /// </summary>
    /// <exception cref="DataFileException">A file is missing or not sound, or its arrays are no images and labels.</exception>
    public static ImageDataset Load(string path, DataSplit? split, IReadOnlyList<string>? classNames = null, bool mayLackLabels = false)
    {
        using var archive = Directory.Exists(path) || Path.GetExtension(path) != ".npz" ? null : OpenArchive(path);
        var all = archive is null ? List(path) : List(archive, path);
        var word = split == DataSplit.Test ? "test" : "train";
        var isSplit = all.Any(SaysSplit);
        if (!isSplit && split == DataSplit.Train)
            throw new DataFileException(path, 0, "arrays for training, with train in their names", Names(all));
        var single = Path.GetExtension(path) == ".npy" ? Path.GetFileNameWithoutExtension(path) : null;
        var some = isSplit ? [.. all.Where(array => Says(array, word) || (single is not null && array.Name == "labels"))] : all;
        var images = One(some.Where(array => array.IsImages && (single is null || array.Name == single)), "array of images [N,H,W,C]");
        using var scope = NewDisposeScope();
        if (mayLackLabels && !some.Any(array => array.IsLabels))
            return new ImageDataset(Images(images), Full([images.Header.Shape[0]], -1, ScalarType.Int64), classNames!, null);
        var labels = One(some.Where(array => array.IsLabels), "array of labels [N]");
        if (images.Header.Shape[0] != labels.Header.Shape[0])
            throw new DataFileException(
                labels.Path, 0, $"{images.Header.Shape[0]} labels, as many as '{images.Name}' has images", $"{labels.Header.Shape[0]}");

        var numbers = Labels(labels);
        var (least, most) = (numbers.min().item<long>(), numbers.max().item<long>());
        if (classNames is null)
        {
            // The labels of both splits count, so that both have the same classes.
            var further = all.Where(array => isSplit && array.IsLabels && array != labels && SaysSplit(array));
            foreach (var other in further)
            {
                var more = Labels(other);
                (least, most) = (Math.Min(least, more.min().item<long>()), Math.Max(most, more.max().item<long>()));
            }
            if (most >= MaximumClasses) throw new DataFileException(labels.Path, 0, $"labels below {MaximumClasses}", $"{most}");
        }
        var classes = classNames?.Count ?? (int)most + 1;
        if (Idx.CountsWrongly(least, most, classNames) is { } found) throw new DataFileException(labels.Path, 0, "labels from 0", found);
        if (least < 0 || most >= classes)
            throw new DataFileException(labels.Path, 0, $"labels from 0 to {classes - 1}", $"{least} to {most}");
        if (classes < 2) throw new DataFileException(labels.Path, 0, "labels of two classes or more", $"{classes}");
        return new ImageDataset(Images(images), numbers, classNames ?? Idx.Numbers(classes));

        Array One(IEnumerable<Array> found, string what)
        {
            Array[] arrays = [.. found];
            return arrays.Length == 1 ? arrays[0] : throw new DataFileException(
                path, 0, $"one {what}{(isSplit ? $" with {word} in its name" : "")}", arrays.Length == 0 ? Names(all) : Names(arrays));
        }
    }

    private const int MaximumClasses = 100_000;

    internal static bool Is(string path) => Directory.Exists(path)
        ? Directory.EnumerateFiles(path, "*.npy").Any()
        : File.Exists(path) && Path.GetExtension(path) is ".npz" or ".npy";

    // As a word of its own, such as in x_train, xtrain, testImages or training-labels, but not in latest.
    private static bool Says(Array array, string split) => Regex.Matches(array.Name, "[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
        .Any(word => Regex.IsMatch(word.Value, $"^[xy]?{split}(ing)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant));

    private static bool SaysSplit(Array array) => Says(array, "train") || Says(array, "test");

    private static string Names(IReadOnlyCollection<Array> arrays) => arrays.Count == 0 ? "none" : string.Join(
        ", ", arrays.Take(20).Select(array => $"'{PickledText.Shown(array.Name)}' [{string.Join(",", array.Header.Shape)}]"));

    private static List<Array> List(string path)
    {
        var folder = Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        string[] files = Directory.Exists(path) ? [.. Directory.EnumerateFiles(path, "*.npy").Order(StringComparer.Ordinal)]
            : [path, Path.Combine(folder, "labels.npy")];
        if (files.Length > MaximumEntries) throw new DataFileException(path, 0, $"at most {MaximumEntries} arrays", $"{files.Length}");
        return [.. from file in files
                   where !Path.GetFileName(file).StartsWith('.')
                   select Listed(Path.GetFileNameWithoutExtension(file), file, () => DataFileReader.OpenStream(file))];
    }

    private static List<Array> List(ZipArchive archive, string path) =>
    [
        .. from entry in archive.Entries
           where entry.FullName.EndsWith(".npy", StringComparison.Ordinal)
           select Listed(entry.FullName[..^4], $"{path}:{PickledText.Shown(entry.FullName)}", entry.Open),
    ];

    private static Array Listed(string name, string path, Func<Stream> open)
    {
        using var reader = Reader(path, open);
        return new Array(name, path, ReadHeader(reader), open);
    }

    private static ZipArchive OpenArchive(string path) => Damage.TellZip(path, "a sound zip archive", () =>
        DataFileReader.OpenFile(path).OrDispose(file =>
        {
            var archive = new ZipArchive(file, ZipArchiveMode.Read);
            return archive.Entries.Count <= MaximumEntries ? archive
                : throw new DataFileException(path, 0, $"at most {MaximumEntries} arrays", $"{archive.Entries.Count}");
        }));

    private static DataFileReader Reader(string path, Func<Stream> open) =>
        new(Damage.TellZip(path, "an entry of a sound zip archive", open), path);

    private static Header ReadHeader(DataFileReader reader)
    {
        var magic = reader.Read(8, "the beginning of an array");
        if (!magic.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y']))
            throw reader.Fault(0, "an array of NumPy, which begins with \\x93NUMPY", Convert.ToHexStringLower(magic));
        if (magic[6] is not (>= 1 and <= 3)) throw reader.Fault(6, "version 1, 2 or 3", $"{magic[6]}");
        long length = BitConverter.ToUInt16(reader.Read(2, "a header's length"));
        if (magic[6] > 1) length |= (long)BitConverter.ToUInt16(reader.Read(2, "a header's length")) << 16;
        if (length > LongestHeader) throw reader.Fault(8, $"a header of at most {LongestHeader} bytes", $"{length}");
        var text = Encoding.Latin1.GetString(reader.Read(length, "a header"));
        var match = HeaderText.Match(text);
        if (!match.Success)
            throw reader.Fault(
                10, "a header that says descr, fortran_order and shape of one array of numbers", PickledText.Shown(text.Trim()));
        var (order, code) = (match.Groups["order"].Value, match.Groups["type"].Value);
        var (known, type) = Types.FirstOrDefault(type => type.Code == code);
        if (known is null || (order == ">" && TensorBytes.SizeOf(type) > 1))
            throw reader.Fault(10, $"elements of one of {string.Join(", ", Types.Select(each => each.Code))}, little-endian",
                code == "O" ? "Python's objects, which only Python could make" : $"'{order}{code}'");
        long[] shape = [.. match.Groups["shape"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(size => long.Parse(size.TrimEnd('L'), CultureInfo.InvariantCulture))];
        var sizes = string.Join(",", shape);
        if (shape.Length > MaximumRank || shape.Contains(0))
            throw reader.Fault(10, $"at most {MaximumRank} sizes, all positive", $"[{PickledText.Shown(sizes)}]");
        Int128 bytes = TensorBytes.SizeOf(type);
        foreach (var size in shape)
            if ((bytes *= size) > MaximumLength) throw reader.Fault(10, $"at most {MaximumLength} bytes", $"[{sizes}] of {code}");
        return new Header(type, shape, match.Groups["fortran"].Value == "True");
    }

    private static Tensor Read(Array array)
    {
        using var reader = Reader(array.Path, array.Open);
        var header = ReadHeader(reader);
        var values = empty(header.IsFortran ? [.. header.Shape.Reverse()] : header.Shape, header.Type);
        foreach (var chunk in TensorBytes.Chunks(values))
            using (chunk) reader.Read(chunk.bytes, "elements");
        reader.ExpectEnd();
        return header.IsFortran && header.Shape.Length > 1
            ? values.permute([.. Enumerable.Range(0, header.Shape.Length).Reverse().Select(axis => (long)axis)]).contiguous()
            : values;
    }

    private static Tensor Labels(Array array)
    {
        var values = Read(array).reshape(-1);
        if (values.is_floating_point() && !values.to(ScalarType.Int64).to(values.dtype).eq(values).all().item<bool>())
            throw new DataFileException(array.Path, 0, "whole numbers as labels", "others");
        return values.to(ScalarType.Int64);
    }

    private static Tensor Images(Array array)
    {
        var shape = array.Header.Shape;
        DataFileException Fault(string expected, string found) => new(array.Path, 0, expected, found);

        var (first, last) = shape is [_, var a, _, var b] ? (a is 1 or 3, b is 1 or 3) : (false, false);
        if (shape.Length == 4 && first == last)
            throw Fault("images [N,H,W], [N,H,W,C] or [N,C,H,W] with 1 or 3 channels", $"[{string.Join(",", shape)}]");
        var values = Read(array);
        if (shape.Length == 3) values = values.unsqueeze(1);
        else if (last) values = values.permute(0, 3, 1, 2).contiguous();
        if (values.dtype != ScalarType.Byte && values.dtype != ScalarType.Float32)
            values = values.to(values.is_floating_point() ? ScalarType.Float32 : ScalarType.Int64);
        var (low, high) = (values.min().to(ScalarType.Float64).item<double>(), values.max().to(ScalarType.Float64).item<double>());
        var range = string.Create(CultureInfo.InvariantCulture, $"{low:R} to {high:R}");
        if (values.is_floating_point())
        {
            // Written so that a value that is not a number fails as well.
            if (!(low >= 0 && high <= 1)) throw Fault("pixels of floating point in [0,1]", range);
        }
        else if (low < 0 || high > 255)
        {
            throw Fault("whole pixels from 0 to 255", range);
        }
        return values.is_floating_point() ? values : values.to(ScalarType.Byte);
    }
}
