using Ard.MLNet.Schema;

namespace Ard.MLNet.Tests.Data;

public sealed class ImageDataTests
{
    private readonly MLContext ml = new MLContext(1);

    [Fact]
    public void Glyphs_have_their_pixels_and_class_names()
    {
        using var glyphs = Glyphs.Generate(12, 7);
        var view = ml.Data.LoadGlyphs(12, 7);

        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 1, 16, 16), view.Schema["Features"].Type);
        Assert.Equal(12, view.GetRowCount());
        var (images, _) = glyphs.Batch(0, 12);
        Assert.Equal(images.data<float>().ToArray(), Tiny.Vectors(view, "Features").SelectMany(pixels => pixels));
        var names = Labels(view);
        Assert.Equal(glyphs.Labels.data<long>().ToArray().Select(label => Glyphs.ClassNames[(int)label]), names);
    }

    [Fact]
    public void Cifar10_is_loaded_from_its_folder()
    {
        var folder = Tiny.Folder();
        var bytes = new byte[10_000 * 3073];
        (bytes[0], bytes[1], bytes[3073], bytes[3074 + 1024]) = (3, 51, 9, 255);
        File.WriteAllBytes(Path.Combine(folder, "test_batch.bin"), bytes);
        var view = ml.Data.TakeRows(ml.Data.LoadImageDataset(folder, DataSplit.Test), 2);

        Assert.Equal(["3", "9"], Labels(view));
        var rows = Tiny.Vectors(view, "Features");
        Assert.Equal(0.2f, rows[0][0]);
        Assert.Equal(1f, rows[1][1024]);
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 3, 32, 32), view.Schema["Features"].Type);
    }

    [Fact]
    public void Idx_files_are_loaded_from_their_folder()
    {
        var folder = Tiny.Folder();
        File.WriteAllBytes(Path.Combine(folder, "t10k-images-idx3-ubyte"),
            [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 51, 102, 255]);
        File.WriteAllBytes(Path.Combine(folder, "t10k-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 2, 1, 0]);
        var view = ml.Data.LoadImageDataset(folder, DataSplit.Test, ["no", "yes"]);

        Assert.Equal([[0f, 0.2f], [0.4f, 1f]], Tiny.Vectors(view, "Features"));
        Assert.Equal(["yes", "no"], Labels(view));
    }

    [Fact]
    public void An_image_folder_gives_paths_and_the_names_of_its_folders_in_order()
    {
        var folder = Tiny.Folder();
        foreach (var file in new[] { "dog/b.png", "dog/a.JPG", "cat/z.png", "cat/notes.txt" })
        {
            Directory.CreateDirectory(Path.Combine(folder, Path.GetDirectoryName(file)!));
            File.WriteAllText(Path.Combine(folder, file), "");
        }
        var view = ml.Data.LoadImageFolder(folder);

        Assert.Equal(["cat", "dog", "dog"], Labels(view));
        Assert.Equal(["z.png", "a.JPG", "b.png"],
            Tiny.Column<ReadOnlyMemory<char>>(view, "ImagePath").Select(path => Path.GetFileName(path.ToString())));
        var fault = Assert.Throws<DataFileException>(() => ml.Data.LoadImageFolder(Path.Combine(folder, "cat")));
        Assert.Contains("expected folders, one a class", fault.Message, StringComparison.Ordinal);
        Assert.Throws<DataFileException>(() => ml.Data.LoadImageFolder(Path.Combine(folder, "none")));
    }

    [Fact]
    public void Of_an_image_folder_hidden_files_are_no_classes_and_deeper_ones_are_read()
    {
        var folder = Tiny.Folder();
        foreach (var file in new[]
        {
            "dog/a.png", "dog/more/deep/b.webp", "dog/._a.png", "dog/.cache/c.png", "cat/z.gif", ".git/x.png", "__MACOSX/dog/y.png",
            "cat/__MACOSX/w.png", ".DS_Store", "cat/Thumbs.db",
        })
        {
            Directory.CreateDirectory(Path.Combine(folder, Path.GetDirectoryName(file)!));
            File.WriteAllText(Path.Combine(folder, file), "");
        }
        var view = ml.Data.LoadImageFolder(folder);
        Assert.Equal(["cat", "dog", "dog"], Labels(view));
        Assert.Equal(["z.gif", "a.png", "b.webp"],
            Tiny.Column<ReadOnlyMemory<char>>(view, "ImagePath").Select(path => Path.GetFileName(path.ToString())));

        // Never without a word.
        File.WriteAllText(Path.Combine(folder, "cat", "photo.TIF"), "");
        var fault = Assert.Throws<DataFileException>(() => ml.Data.LoadImageFolder(folder));
        Assert.Equal(Path.Combine(folder, "cat", "photo.TIF"), fault.Path);
        Assert.Contains("1 of another format", fault.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_that_cannot_be_decoded_is_named_by_row_and_path()
    {
        var folder = Tiny.Folder();
        // A white pixel; one as WebP.
        byte[] png = Convert.FromBase64String(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==");
        byte[] webp = Convert.FromBase64String("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA");
        foreach (var (name, bytes) in new[] { ("cat/a.png", png), ("cat/b.webp", webp), ("dog/c.png", png), ("dog/d.png", png) })
        {
            Directory.CreateDirectory(Path.Combine(folder, Path.GetDirectoryName(name)!));
            File.WriteAllBytes(Path.Combine(folder, name), bytes);
        }
        var data = ml.Data.LoadImageFolder(folder);
        var pipeline = ml.Transforms.LoadImages("Image", null, "ImagePath")
            .Append(ml.Transforms.ResizeImages("Image", 8, 8))
            .Append(ml.Transforms.ExtractPixels("Features", "Image", scaleImage: 1f / 255))
            .Append(ml.Transforms.Conversion.MapValueToKey("Label"));
        var view = pipeline.Fit(data).Transform(data);
        var labels = ClassLabels.Read(view.Schema["Label"]);
        var layout = new ImageLayout { Channels = 3, Height = 8, Width = 8 };
        var format = layout.Resolve("Features", view.Schema["Features"].Type, null);
        using (var sound = ImageReader.Read(view, "Features", "Label", format, labels)) Assert.Equal(4, sound.Count);
        using var model = new ArdTrainer(ml, Tiny.Natural() with { Layout = layout }).Fit(view);
        File.WriteAllBytes(Path.Combine(folder, "dog", "d.png"), png[..20]);
        var named = $"Row 3, image '{Path.Combine(folder, "dog", "d.png")}'";
        var fault = Assert.Throws<InvalidOperationException>(() => ImageReader.Read(view, "Features", "Label", format, labels));
        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
        fault = Assert.Throws<InvalidOperationException>(() => Tiny.Column<uint>(model.Transform(view), "PredictedLabel"));
        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Images_of_8_bits_are_kept_as_bytes_and_others_as_floats()
    {
        var data = Tiny.Glyphs(ml, 2000);
        var labels = ClassLabels.Read(data.Schema["Label"]);
        var format = new ImageLayout().Resolve("Features", data.Schema["Features"].Type, null);
        using var bytes = ImageReader.Read(data, "Features", "Label", format, labels);
        using var glyphs = Glyphs.Generate(2000, 7);
        Assert.Equal(ScalarType.Byte, bytes.Images.dtype);
        Assert.True(bytes.Images.eq(glyphs.Images).all().item<bool>());
        Assert.True(bytes.Labels.eq(glyphs.Labels).all().item<bool>());

        // One value in a late row that no byte gives.
        var rows = Tiny.Images(ml, 2000);
        rows[1500].Features[3] = 0.123456f;
        using var floats = ImageReader.Read(ml.Data.LoadFromEnumerable(rows), "Features", "Label", format, ClassLabels.Unnamed(10));
        Assert.Equal(ScalarType.Float32, floats.Images.dtype);
        Assert.Equal(rows.SelectMany(row => row.Features), floats.Images.data<float>().ToArray());
    }

    private IEnumerable<string> Labels(IDataView view) =>
        Tiny.Column<ReadOnlyMemory<char>>(Tiny.Texts(ml, view), "Label").Select(name => name.ToString());
}
