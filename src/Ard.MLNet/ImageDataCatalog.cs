namespace Ard.MLNet;

/// <summary>
/// Loaders of image data sets. All but <see cref="LoadImageFolder"/> give the columns Features (vector of floats in [0,1], planes
/// [channels, height, width]) and Label (a key of the classes, with their names).
/// </summary>
public static class ImageDataCatalog
{
    private static readonly string[] ImageExtensions = [".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"];

    // Images that ML.NET does not decode.
    private static readonly string[] OtherExtensions =
        [".tif", ".tiff", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".ppm", ".pgm", ".pbm", ".svg", ".psd", ".dcm"];

    private const int DeepestFolder = 16;

    /// <summary>
    /// A published data set: CIFAR, MNIST and its relatives (IDX), NumPy's arrays; what <see cref="ImageDataset.Load"/> reads. One byte a
    /// pixel value is kept in memory, of floating-point arrays four.
    /// </summary>
    /// <param name="catalog">The catalog, <c>mlContext.Data</c>.</param>
    /// <param name="path">The file or folder.</param>
    /// <param name="split">Which of the two splits. Default the training images.</param>
    /// <param name="classNames">One name a class. Default: as the file says, else numbers.</param>
    /// <exception cref="DataFileException">It is missing or not sound.</exception>
    public static IDataView LoadImageDataset(
        this DataOperationsCatalog catalog, string path, DataSplit split = DataSplit.Train, IReadOnlyList<string>? classNames = null)
    {
        using var dataset = ImageDataset.Load(path, split, classNames: classNames);
        return catalog.LoadImageDataset(dataset);
    }

    /// <summary>The built-in data set, ten drawn shapes of 1x16x16 pixels: see <see cref="Glyphs"/>. Nothing is downloaded.</summary>
    /// <param name="catalog">The catalog, <c>mlContext.Data</c>.</param>
    /// <param name="count">How many images.</param>
    /// <param name="seed">The same seed gives the same images.</param>
    public static IDataView LoadGlyphs(this DataOperationsCatalog catalog, int count, ulong seed)
    {
        using var dataset = Glyphs.Generate(count, seed);
        return catalog.LoadImageDataset(dataset);
    }

    /// <summary>Images that are tensors already. They are copied; the data set stays the caller's.</summary>
    /// <param name="catalog">The catalog, <c>mlContext.Data</c>.</param>
    /// <param name="dataset">The images.</param>
    public static IDataView LoadImageDataset(this DataOperationsCatalog catalog, ImageDataset dataset)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(dataset);
        using var scope = NewDisposeScope();
        var (channels, height, width) = (dataset.Channels, dataset.Height, dataset.Width);
        var size = channels * height * width;
        var rows = checked((int)dataset.Count);
        var type = new VectorDataViewType(NumberDataViewType.Single, channels, height, width);
        var labels = dataset.Labels.cpu().data<long>().ToArray();
        var images = dataset.Images.cpu().contiguous();
        var features = images.dtype == ScalarType.Byte
            ? Vectors(row => row.bytes.ToArray(), UnitPixels.From)
            : Vectors(row => row.data<float>().ToArray(), (values, pixels) => values.CopyTo(pixels));
        return new TableDataView(rows, features, Label(dataset.ClassNames, labels));

        // An array a row: one array, or a span of all pixels, has 2^31 - 1 of them at most.
        TableDataView.Column Vectors<T>(Func<Tensor, T[]> copy, Action<ReadOnlySpan<T>, Span<float>> read)
        {
            var all = new T[rows][];
            for (var row = 0; row < rows; row++)
            {
                using var image = images.select(0, row);
                all[row] = copy(image);
            }
            return TableDataView.Vectors<float>("Features", type, size, (row, pixels) => read(all[row], pixels));
        }
    }

    /// <summary>
    /// The image files of a folder with one folder a class, such as <c>train/cat/1.png</c> or <c>train/cat/more/1.png</c>: columns
    /// ImagePath (for LoadImages) and Label (a key of the classes, with the names of their folders), in the ordinal order of folders and
    /// files. Hidden files and folders and <c>__MACOSX</c> are passed over. The files are not opened. ML.NET's LoadImages does not turn
    /// them as their EXIF orientation says, so that photographs are to be turned before, and it decodes a file that is cut short as far
    /// as it goes, without an error.
    /// </summary>
    /// <param name="catalog">The catalog, <c>mlContext.Data</c>.</param>
    /// <param name="folder">The folder.</param>
    /// <exception cref="DataFileException">There is no such folder, no image in a folder of it, or images of a format that ML.NET does not
    /// decode.</exception>
    public static IDataView LoadImageFolder(this DataOperationsCatalog catalog, string folder)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        if (!Directory.Exists(folder)) throw new DataFileException(folder, "a folder", "none");
        // Of names that begin with a dot, too, where that alone does not hide them.
        var visible = new EnumerationOptions
        {
            AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
            IgnoreInaccessible = false,
        };
        var inside = new EnumerationOptions
        {
            AttributesToSkip = visible.AttributesToSkip,
            IgnoreInaccessible = false,
            RecurseSubdirectories = true,
            MaxRecursionDepth = DeepestFolder,
        };
        var all = (
            from path in Directory.EnumerateDirectories(folder, "*", visible).Order(StringComparer.Ordinal)
            where !IsHidden(Path.GetFileName(path))
            from file in Directory.EnumerateFiles(path, "*", inside).Order(StringComparer.Ordinal)
            where !Path.GetRelativePath(path, file).Split('/', '\\').Any(IsHidden)
            select (File: file, Class: Path.GetFileName(path))).ToArray();
        var others = all.Where(image => Has(image.File, OtherExtensions)).ToArray();
        if (others.Length > 0)
            throw new DataFileException(
                others[0].File, 0, $"images that ML.NET decodes ({string.Join(", ", ImageExtensions)})",
                $"{others.Length} of another format, this one first: convert them, or take them out of the folder");
        var files = (
            from image in all
            where Has(image.File, ImageExtensions)
            select (Path: Path.GetFullPath(image.File).AsMemory(), image.Class)).ToArray();
        if (files.Length == 0)
            throw new DataFileException(
                folder, $"folders, one a class, with images ({string.Join(", ", ImageExtensions)})",
                Directory.EnumerateFiles(folder).Any(file => Has(file, ImageExtensions)) ? "images in the folder itself" : "none");
        string[] classes = [.. files.Select(file => file.Class).Distinct()];
        return new TableDataView(
            files.Length,
            TableDataView.Of("ImagePath", TextDataViewType.Instance, (int row, ref ReadOnlyMemory<char> value) => value = files[row].Path),
            Label(classes, [.. files.Select(file => (long)Array.IndexOf(classes, file.Class))]));

        static bool IsHidden(string name) => name.StartsWith('.') || name == "__MACOSX";

        static bool Has(string file, string[] extensions) => extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase);
    }

    internal static TableDataView.Column Label(IReadOnlyList<string> classes, long[] labels) =>
        TableDataView.Keys("Label", ClassLabels.Texts(classes), row => labels[row] + 1);
}
