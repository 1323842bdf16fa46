using Ard.Fuzzing;
using Ard.MLNet.Parquet;
using Microsoft.ML.Transforms.Image;
using Parquet;
using Parquet.Schema;

namespace Ard.MLNet.Tests.Data;

public sealed class ParquetTests : IDisposable
{
    private const string Names =
        """{"info": {"features": {"image": {"_type": "Image"}, "label": {"names": ["dark", "grey", "bright"], "_type": "ClassLabel"}}}}""";

    private readonly string folder = Directory.CreateTempSubdirectory("ard-parquet-").FullName;
    private readonly MLContext ml = new MLContext(1);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Images_and_named_classes_come_in_the_order_of_files_row_groups_and_rows_as_often_as_they_are_read()
    {
        await Write("train-00001-of-00002.parquet", [[2, 0]], Names);
        await Write("train-00000-of-00002.parquet", [[0, 1], [2]], Names);

        var view = ml.Data.LoadParquetImages(folder);

        for (var pass = 0; pass < 2; pass++)
        {
            var keys = Tiny.Column<uint>(view, "Label");
            Assert.Equal([1u, 2u, 3u, 3u, 1u], keys);
            var shades = ml.Transforms.ExtractPixels("Pixels", "Features").Append(ml.Transforms.CopyColumns("Key", "Label"));
            var resized = ml.Transforms.ResizeImages("Features", 8, 8).Append(shades).Fit(view).Transform(view);
            Assert.Equal([10f, 130f, 250f, 250f, 10f], Tiny.Vectors(resized, "Pixels").Select(pixels => pixels[0]));
        }
        VBuffer<ReadOnlyMemory<char>> names = default;
        view.Schema["Label"].GetKeyValues(ref names);
        Assert.Equal(["dark", "grey", "bright"], names.DenseValues().Select(name => name.ToString()));
        Assert.IsType<ImageDataViewType>(view.Schema["Features"].Type);
    }

    // Five rows in row groups of three, by Apache Arrow's Rust implementation (parquet-wasm 0.8.0): dictionaries, Snappy, a path missing.
    [Fact]
    public void A_file_of_another_writer_is_read()
    {
        var view = ml.Data.LoadParquetImages(Path.Combine(AppContext.BaseDirectory, "Fixtures", "arrow.parquet"));

        Assert.Equal([1u, 3u, 2u, 3u, 1u], Tiny.Column<uint>(view, "Label"));
        Assert.Equal([(12, 10), (20, 16), (9, 9), (12, 10), (32, 24)], Tiny.Column<MLImage>(view, "Features")
            .Select(image => (image.Width, image.Height)));
        var pixels = ml.Transforms.ResizeImages("Features", 8, 8).Append(ml.Transforms.ExtractPixels("Pixels", "Features"))
            .Fit(view).Transform(view);
        Assert.Equal([10f, 250f, 130f, 250f, 10f], Tiny.Vectors(pixels, "Pixels").Select(values => values[0]));
        VBuffer<ReadOnlyMemory<char>> names = default;
        view.Schema["Label"].GetKeyValues(ref names);
        Assert.Equal(["dark", "grey", "bright"], names.DenseValues().Select(name => name.ToString()));
    }

    // Parquet.Net by itself reads some of these without end.
    [Fact]
    public async Task Every_damaged_byte_of_its_description_is_an_error_or_does_no_harm()
    {
        await Write("train.parquet", [[0, 1], [2]], Names);
        var path = Path.Combine(folder, "train.parquet");
        var bytes = File.ReadAllBytes(path);
        var footer = bytes.Length - 8 - BitConverter.ToInt32(bytes, bytes.Length - 8);
        var refused = 0;
        await Task.Run(() =>
        {
            for (var place = footer; place < bytes.Length; place++)
            {
                var damaged = (byte[])bytes.Clone();
                damaged[place] = 0xFC;
                File.WriteAllBytes(path, damaged);
                try
                {
                    Tiny.Column<MLImage>(ml.Data.LoadParquetImages(path), "Features");
                }
                catch (Exception exception)
                {
                    for (var fault = exception; fault is not FormatException; fault = fault!.InnerException) Assert.NotNull(fault);
                    refused++;
                }
            }
        }).WaitAsync(TimeSpan.FromMinutes(2));
        Assert.InRange(refused, 100, bytes.Length);
    }

    [Fact]
    public void Numbers_of_the_head_of_a_page_are_found_by_their_fields()
    {
        var (numbers, length) = ThriftStructure.Read([0x15, 0x04, 0x15, 0xD0, 0x0F, 0x15, 0x02, 0x4C, 0x15, 0x14, 0x11, 0x00, 0x00, 0xFF]);
        Assert.Equal(13, length);
        Assert.Equal((2, 1000, 1), (numbers[(0, 1)], numbers[(0, 2)], numbers[(0, 3)]));
        // In the fourth field behind the third: a number, and what is true.
        Assert.Equal((10, 1), (numbers[(7, 1)], numbers[(7, 2)]));
        Assert.Equal(1u << 20, (uint)ThriftStructure.ReadNumber([0x80, 0x80, 0x40]));
    }

    [Fact]
    public Task Damaged_files() => Damaged(300);

    [Fact]
    [Trait("Category", "Long")]
    public Task A_hundred_thousand_damaged_files() => Damaged(100_000);

    private async Task Damaged(int count)
    {
        await Write("sound.parquet", [[0, 1], [2]], Names);
        byte[][] files =
        [
            File.ReadAllBytes(Path.Combine(folder, "sound.parquet")),
            File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", "arrow.parquet")),
        ];
        var path = Path.Combine(folder, "damaged.parquet");
        var (good, refused) = await Task.Run(() => Fuzz.Run(files, count, Read, IsRefusal)).WaitAsync(TimeSpan.FromSeconds(60 + count));
        Assert.Equal(count, good + refused);
        Assert.True(refused > count / 8, $"{refused} refused");

        void Read(byte[] bytes)
        {
            File.WriteAllBytes(path, bytes);
            foreach (var image in Tiny.Column<MLImage>(ml.Data.LoadParquetImages(path), "Features")) image.Dispose();
        }

        static bool IsRefusal(Exception? fault) => fault is FormatException || (fault is not null && IsRefusal(fault.InnerException));
    }

    [Fact]
    public async Task A_network_is_trained_on_them()
    {
        await Write("train.parquet", [[.. Enumerable.Range(0, 24).Select(i => i % 3)]], description: null);
        var options = Tiny.Natural() with { Layout = new() { Channels = 3, Height = 8, Width = 8 } };
        var view = ml.Data.LoadParquetImages(Path.Combine(folder, "train.parquet"));
        using var model = new ArdTrainer(ml, options).Fit(view);
        Assert.Equal(["0", "1", "2"], model.ClassNames);
        Assert.Equal(24, Tiny.Column<uint>(model.Transform(view), "PredictedLabel").Count);
    }

    [Fact]
    public async Task What_is_wrong_with_a_file_is_said_with_its_column_and_row()
    {
        await Write("train.parquet", [[0, 3]], Names);
        var path = Path.Combine(folder, "train.parquet");
        Says("row 1 has the label '3' in label, expected one of 3 classes", () => ml.Data.LoadParquetImages(path));
        Says("expected a column picture/bytes of bytes, found image/bytes", () => ml.Data.LoadParquetImages(path, "picture"));
        Says("expected a column image of whole numbers or texts, found", () => ml.Data.LoadParquetImages(path, labelColumn: "image"));
        await Write("train.parquet", [[0, 1]], Names, [1, 2, 3]);
        Says(
            "row 0 has no image that ML.NET decodes, found 3 bytes",
            () => Tiny.Column<MLImage>(ml.Data.LoadParquetImages(path), "Features"));
        File.WriteAllText(path, "no Parquet at all");
        Says("expected a Parquet file", () => ml.Data.LoadParquetImages(path));
        await Write("train.parquet", [[0, -1]], description: null);
        Says("row 1 has the label -1 in label, expected a number of a class from 0", () => ml.Data.LoadParquetImages(path));
        await Write("train.parquet", [[0, int.MaxValue]], description: null);
        Says("row 1 has the label 2147483647", () => ml.Data.LoadParquetImages(path));
        await Write("train.parquet", [[1, 26]], description: null);
        Says("expected labels from 0 in label, found 1 to 26: they count from 1", () => ml.Data.LoadParquetImages(path));
        Assert.Throws<FileNotFoundException>(() => ml.Data.LoadParquetImages(Path.Combine(folder, "none")));

        static void Says(string expected, Action act)
        {
            var fault = Record.Exception(act);
            while (fault is { InnerException: { } inner } and not FormatException) fault = inner;
            Assert.Contains(expected, Assert.IsType<FormatException>(fault).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Files_whose_labels_do_not_mean_the_same_are_refused()
    {
        await Write("train-0.parquet", [[0, 1]], Names);
        await Write("train-1.parquet", [[0, 1]], Names.Replace("dark", "x").Replace("grey", "dark").Replace("\"x", "\"grey"));
        var names = Assert.Throws<FormatException>(() => ml.Data.LoadParquetImages(folder));
        Assert.Contains("train-1.parquet: expected the classes [dark, grey, bright] as in", names.Message, StringComparison.Ordinal);
        Assert.Contains("found [grey, dark, bright]", names.Message, StringComparison.Ordinal);

        await Write("train-0.parquet", [[0, 2]], description: null, texts: true);
        await Write("train-1.parquet", [[0, 1]], description: null);
        var kinds = Assert.Throws<FormatException>(() => ml.Data.LoadParquetImages(folder));
        Assert.Contains("train-1.parquet: expected texts in label as in", kinds.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_image_is_freed_where_the_next_takes_its_place(bool behindClassifier)
    {
        await Write("train.parquet", [[0, 1]], Names);
        var view = ml.Data.LoadParquetImages(folder);
        if (behindClassifier) view = Tiny.Classifier.Transform(view);
        using var cursor = view.GetRowCursor([view.Schema["Features"]]);
        var get = cursor.GetGetter<MLImage>(view.Schema["Features"]);
        MLImage image = null!;
        cursor.MoveNext();
        get(ref image);
        var first = image;
        cursor.MoveNext();
        get(ref image);
        Assert.Throws<InvalidOperationException>(() => first.Width);
        Assert.Equal(12, image.Width);
    }

    // One list of labels a row group; the image of a label is of one shade.
    private async Task Write(string name, int[][] groups, string? description, byte[]? image = null, bool texts = false)
    {
        var (bytes, path) = (new DataField<byte[]>("bytes"), new DataField<string>("path"));
        DataField label = texts ? new DataField<string>("label") : new DataField<long>("label");
        var schema = new ParquetSchema(new StructField("image", bytes, path), label);
        await using var stream = File.Create(Path.Combine(folder, name));
        await using var writer = await ParquetWriter.CreateAsync(schema, stream);
        if (description is not null) writer.CustomMetadata = new Dictionary<string, string> { ["huggingface"] = description };
        foreach (var labels in groups)
        {
            using var group = writer.CreateRowGroup();
            await group.WriteAsync(bytes, labels.Select(each => image ?? Png(each)).ToArray());
            await group.WriteAsync(path, labels.Select(each => $"{each}.png").ToArray());
            if (texts) await group.WriteAsync(label, labels.Select(each => $"{each}").ToArray());
            else await group.WriteAsync<long>(label, labels.Select(each => (long)each).ToArray());
            group.CompleteValidate();
        }
    }

    private byte[] Png(int label)
    {
        var shade = (byte)(10 + 120 * label);
        var pixels = Enumerable.Range(0, 12 * 10).SelectMany(_ => new byte[] { shade, shade, shade, 255 }).ToArray();
        using var picture = MLImage.CreateFromPixels(12, 10, MLPixelFormat.Rgba32, pixels);
        var file = Path.Combine(folder, $"{Guid.NewGuid()}.png");
        picture.Save(file);
        var bytes = File.ReadAllBytes(file);
        File.Delete(file);
        return bytes;
    }
}
