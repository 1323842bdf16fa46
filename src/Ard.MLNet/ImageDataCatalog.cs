using Ard.MLNet.Data;
using Ard.Trainers.Data;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Ard.MLNet;

/// <summary>
/// Loaders of image data sets. All but <see cref="LoadImageFolder"/> give the columns Features (vector of floats in [0,1], planes
/// [channels, height, width]) and Label (text, the class's name; MapValueToKey makes the key that trainers expect).
/// </summary>
public static class ImageDataCatalog
{
    private static readonly string[] ImageExtensions = [".png", ".jpg", ".jpeg", ".bmp", ".gif"];

    /// <summary>CIFAR-10 in its binary version. One byte a pixel value is kept in memory.</summary>
    /// <param name="catalog">The catalog, <c>mlContext.Data</c>.</param>
    /// <param name="path">The folder cifar-10-batches-bin, the folder that holds it, or the .tar.gz of it; CIFAR-100 is understood as
    /// well.</param>
    /// <param name="split">Which of the two splits. Default the training images.</param>
    /// <exception cref="DataFileException">A file is missing or not sound.</exception>
    public static IDataView LoadCifar10(this DataOperationsCatalog catalog, string path, DataSplit split = DataSplit.Train) =>
        View(catalog, Cifar.Load(path, split));

    /// <summary>MNIST, Fashion-MNIST or what else comes as a folder of IDX files. One byte a pixel value is kept in memory.</summary>
    /// <param name="catalog">The catalog, <c>mlContext.Data</c>.</param>
    /// <param name="folder">The folder with train-images-idx3-ubyte, train-labels-idx1-ubyte or t10k-…, plain or with .gz.</param>
    /// <param name="split">Which of the two splits. Default the training images.</param>
    /// <param name="classNames">One name a class. Default the digits.</param>
    /// <exception cref="DataFileException">A file is missing or not sound.</exception>
    public static IDataView LoadIdx(
        this DataOperationsCatalog catalog, string folder, DataSplit split = DataSplit.Train, IReadOnlyList<string>? classNames = null) =>
        View(catalog, Idx.LoadFolder(folder, split, classNames));

    /// <summary>The built-in data set, ten drawn shapes of 1x16x16 pixels: see <see cref="Glyphs"/>. Nothing is downloaded.</summary>
    /// <param name="catalog">The catalog, <c>mlContext.Data</c>.</param>
    /// <param name="count">How many images.</param>
    /// <param name="seed">The same seed gives the same images.</param>
    public static IDataView LoadGlyphs(this DataOperationsCatalog catalog, int count, ulong seed) =>
        View(catalog, Glyphs.Generate(count, seed));

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
        var names = dataset.ClassNames.Select(name => name.AsMemory()).ToArray();
        var labels = dataset.Labels.cpu().data<long>().ToArray();
        var images = dataset.Images.cpu().contiguous();
        var features = images.dtype == ScalarType.Byte
            ? Bytes(images.bytes.ToArray())
            : TableDataView.Vectors("Features", type, images.data<float>().ToArray(), size);
        return new TableDataView(
            rows, features, TableDataView.Of(
                "Label", TextDataViewType.Instance, (int row, ref ReadOnlyMemory<char> value) => value = names[labels[row]]));

        TableDataView.Column Bytes(byte[] all) => TableDataView.Of("Features", type, (int row, ref VBuffer<float> value) =>
        {
            var editor = VBufferEditor.Create(ref value, size);
            UnitPixels.From(all.AsSpan(row * size, size), editor.Values);
            value = editor.Commit();
        });
    }

    /// <summary>
    /// The image files of a folder with one folder a class, such as <c>train/cat/1.png</c>: columns ImagePath (for LoadImages) and Label
    /// (text, the folder's name), in the ordinal order of folders and files. The files are not opened.
    /// </summary>
    /// <param name="catalog">The catalog, <c>mlContext.Data</c>.</param>
    /// <param name="folder">The folder.</param>
    /// <exception cref="DataFileException">There is no such folder, or no image in a folder of it.</exception>
    public static IDataView LoadImageFolder(this DataOperationsCatalog catalog, string folder)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        if (!Directory.Exists(folder)) throw new DataFileException(folder, 0, "a folder", "none");
        var files = (
            from path in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal)
            from file in Directory.EnumerateFiles(path).Order(StringComparer.Ordinal)
            where ImageExtensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase)
            select (Path: Path.GetFullPath(file).AsMemory(), Label: Path.GetFileName(path).AsMemory())).ToArray();
        if (files.Length == 0)
            throw new DataFileException(folder, 0, $"folders, one a class, with images ({string.Join(", ", ImageExtensions)})", "none");
        return new TableDataView(
            files.Length,
            TableDataView.Of("ImagePath", TextDataViewType.Instance, (int row, ref ReadOnlyMemory<char> value) => value = files[row].Path),
            TableDataView.Of("Label", TextDataViewType.Instance, (int row, ref ReadOnlyMemory<char> value) => value = files[row].Label));
    }

    private static IDataView View(DataOperationsCatalog catalog, ImageDataset dataset)
    {
        using (dataset) return catalog.LoadImageDataset(dataset);
    }
}
