using Ard.MLNet.Data;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Ard.MLNet.Parquet;

/// <summary>A loader of image sets in Parquet files.</summary>
public static class ParquetImageCatalog
{
    /// <summary>
    /// An image set in the layout of Hugging Face's: a column of structures with the bytes of an image file
    /// (<c>image: {bytes, path}</c>) and one of labels, numbers from 0 or texts. Gives the columns Features (the images, as
    /// <c>LoadImages</c> makes them; trainers scale them to the network's size) and Label (a key of the classes: by the names in the file's
    /// own description, else by the numbers, else the texts in ordinal order). Images are decoded row by row, each time the rows are read;
    /// a row group at a time is in memory.
    /// </summary>
    /// <param name="catalog">The catalog, <c>mlContext.Data</c>.</param>
    /// <param name="path">A file, or a folder of files of one split (<c>train-00000-of-00002.parquet</c> …), which are read in ordinal
    /// order.</param>
    /// <param name="imageColumn">The column of images. Default image.</param>
    /// <param name="labelColumn">The column of labels. Default label.</param>
    /// <exception cref="FormatException">A column is missing or of another type, or a label has no class; while rows are read, an image
    /// that cannot be decoded. The message names file, column and row.</exception>
    /// <exception cref="FileNotFoundException">There is no such file, or no .parquet in the folder.</exception>
    public static IDataView LoadParquetImages(
        this DataOperationsCatalog catalog, string path, string imageColumn = "image", string labelColumn = "label")
    {
        ArgumentNullException.ThrowIfNull(catalog);
        string[] files = Directory.Exists(path)
            ? [.. Directory.EnumerateFiles(path, "*.parquet").Order(StringComparer.Ordinal)]
            : File.Exists(path) ? [path] : [];
        if (files.Length == 0) throw new FileNotFoundException($"{path}: expected a .parquet file, or a folder with some.", path);
        var parts = files.Select(file => new ParquetImageFile(file, imageColumn, labelColumn)).ToArray();
        var described = Array.Find(parts, part => part.ClassNames is not null);
        foreach (var part in parts) part.CheckLike(described ?? parts[0]);
        var names = described?.ClassNames;
        // Without a description the labels themselves say what classes there are.
        var labels = parts.Select(part => part.Labels()).ToArray();
        names ??= parts[0].Classes(labels.SelectMany(each => each));
        var places = labels.SelectMany((each, i) => parts[i].Places(each, names)).ToArray();
        if (names.Length == 0) throw new FormatException($"{path}: expected images of some classes, found none.");
        (ParquetImageFile File, int Row)[] rows = [.. parts.SelectMany((part, i) => labels[i].Select((_, row) => (part, row)))];
        return new TableDataView(
            rows.Length,
            TableDataView.Of("Features", new ImageDataViewType(), (int row, ref MLImage value) =>
            {
                // As ML.NET's own getters of images do.
                value?.Dispose();
                value = rows[row].File.Image(rows[row].Row);
            }),
            ImageDataCatalog.Label(names, places));
    }
}
