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
        var names = parts.Select(part => part.ClassNames()).FirstOrDefault(found => found is not null);
        // Without a description the labels themselves say what classes there are.
        var labels = parts.Select(part => part.Labels()).ToArray();
        var all = labels.SelectMany(each => each).ToArray();
        names ??= long.TryParse(all.FirstOrDefault(), out _)
            ? [.. Enumerable.Range(0, all.Select(int.Parse).DefaultIfEmpty(-1).Max() + 1).Select(k => $"{k}")]
            : [.. all.Distinct().Order(StringComparer.Ordinal)];
        var keys = labels.Select((each, i) => parts[i].Keys(each, names)).ToArray();

        var schema = SchemaDefinition.Create(typeof(LabelledImage));
        schema[nameof(LabelledImage.Features)].ColumnType = new ImageDataViewType();
        schema[nameof(LabelledImage.Label)].ColumnType = new KeyDataViewType(typeof(uint), names.Length);
        schema[nameof(LabelledImage.Label)].AddAnnotation(
            "KeyValues", new VBuffer<ReadOnlyMemory<char>>(names.Length, [.. names.Select(name => name.AsMemory())]),
            new VectorDataViewType(TextDataViewType.Instance, names.Length));
        return catalog.LoadFromEnumerable(Rows(), schema);

        IEnumerable<LabelledImage> Rows() => parts.Zip(keys).SelectMany(part => part.First.Images(part.Second));
    }

    /// <summary>A row.</summary>
    internal sealed class LabelledImage
    {
        public MLImage Features { get; set; } = null!;

        public uint Label { get; set; }
    }
}
