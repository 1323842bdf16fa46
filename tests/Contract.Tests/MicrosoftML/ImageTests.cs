using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Contract.Tests.MicrosoftML;

public sealed class ImageTests : IDisposable
{
    private readonly MLContext _ml = new(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("contract-images").FullName;

    private sealed class PathRow { public string Path { get; set; } = ""; }
    private sealed class ImageRow { [ImageType(4, 6)] public MLImage Image { get; set; } = null!; }
    private sealed class AnyImageRow { public MLImage Image { get; set; } = null!; }

    public void Dispose() => Directory.Delete(_folder, true);

    /// <summary>6 wide, 4 high; red grows by 40 from left to right, green by 60 from top to bottom, blue is 10x + y.</summary>
    private static MLImage Gradient()
    {
        var pixels = new byte[6 * 4 * 4];
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 6; x++)
            {
                int at = (y * 6 + x) * 4;
                (pixels[at], pixels[at + 1], pixels[at + 2], pixels[at + 3]) = ((byte)(x * 40), (byte)(y * 60), (byte)(x * 10 + y), 255);
            }
        return MLImage.CreateFromPixels(6, 4, MLPixelFormat.Rgba32, pixels);
    }

    private string Write(string name)
    {
        string path = Path.Combine(_folder, name);
        Gradient().Save(path);
        return path;
    }

    private IDataView Paths(params string[] paths) => _ml.Data.LoadFromEnumerable(paths.Select(p => new PathRow { Path = p }).ToList());

    [Fact]
    public void An_image_holds_pixels_of_four_bytes()
    {
        using var image = Gradient();
        Assert.Equal((6, 4, 32, MLPixelFormat.Rgba32), (image.Width, image.Height, image.BitsPerPixel, image.PixelFormat));
        Assert.Equal([40, 0, 10, 255], image.Pixels.Slice(4, 4).ToArray());
        Assert.Equal([0, 0, 0, 10, 0, 40], image.GetBGRPixels[..6]);
        image.Tag = "x";
        Assert.Equal("x", image.Tag);
    }

    [Fact]
    public void Wrong_pixels_are_refused()
    {
        Assert.Throws<ArgumentException>(() => MLImage.CreateFromPixels(6, 4, MLPixelFormat.Rgba32, new byte[3]));
        Assert.Throws<ArgumentException>(() => MLImage.CreateFromPixels(0, 4, MLPixelFormat.Rgba32, []));
        Assert.Throws<ArgumentException>(() => MLImage.CreateFromPixels(1, 1, MLPixelFormat.Unknown, new byte[4]));
    }

    [Fact]
    public void A_disposed_image_has_nothing_to_give()
    {
        var image = Gradient();
        image.Dispose();
        image.Dispose();
        Assert.Throws<InvalidOperationException>(() => image.Width);
        Assert.Throws<InvalidOperationException>(() => image.Pixels.Length);
    }

    [Fact]
    public void Png_keeps_the_pixels_and_jpeg_nearly()
    {
        var png = MLImage.CreateFromFile(Write("a.png"));
        Assert.Equal((6, 4), (png.Width, png.Height));
        Assert.Equal(Gradient().GetBGRPixels, png.GetBGRPixels);
        using var stream = File.OpenRead(Write("b.jpg"));
        var jpeg = MLImage.CreateFromStream(stream);
        var difference = jpeg.GetBGRPixels.Zip(Gradient().GetBGRPixels, (a, b) => Math.Abs(a - b));
        Assert.InRange(difference.Max(), 0, 40);
    }

    [Fact]
    public void Bitmaps_are_read_but_not_written()
    {
        // A bitmap of 2x1 pixels of 24 bits: red and blue, in a row padded to 8 bytes.
        byte[] bitmap =
        [
            (byte)'B', (byte)'M', 62, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0, 0, 0, 0, 0, 8,
            0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0,
        ];
        var image = MLImage.CreateFromStream(new MemoryStream(bitmap));
        Assert.Equal([0, 0, 255, 255, 0, 0], image.GetBGRPixels);
        Assert.Throws<ArgumentException>(() => image.Save(Path.Combine(_folder, "c.bmp")));
    }

    [Fact]
    public void Files_that_are_no_images_are_refused()
    {
        string text = Path.Combine(_folder, "bad.png");
        File.WriteAllText(text, "no image");
        Assert.Throws<ArgumentException>(() => MLImage.CreateFromFile(text));
        Assert.Throws<ArgumentException>(() => MLImage.CreateFromFile(Path.Combine(_folder, "none.png")));
        Assert.Throws<ArgumentException>(() => MLImage.CreateFromStream(new MemoryStream(new byte[10])));
    }

    [Fact]
    public void Files_become_images_become_vectors()
    {
        Write("a.png");
        var data = Paths("a.png", Write("b.png"));
        var pipeline = _ml.Transforms.LoadImages("Image", _folder, "Path")
            .Append(_ml.Transforms.ResizeImages("Small", 3, 2, "Image"))
            .Append(_ml.Transforms.ExtractPixels("Planes", "Small"))
            .Append(_ml.Transforms.ExtractPixels("Mixed", "Small", interleavePixelColors: true, offsetImage: 10, scaleImage: 0.5f))
            .Append(_ml.Transforms.ExtractPixels("Bytes", "Small", outputAsFloatArray: false,
                colorsToExtract: ImagePixelExtractingEstimator.ColorBits.All,
                orderOfExtraction: ImagePixelExtractingEstimator.ColorsOrder.ABGR));
        Assert.Equal("Path Scalar String; Image Scalar Image; Small Scalar Image<2, 3>; "
            + "Planes Vector Single; Mixed Vector Single; Bytes Vector Byte",
            Describe.Text(pipeline.GetOutputSchema(Describe.Shape(data.Schema))));
        var model = pipeline.Fit(data);
        var result = model.Transform(data);
        const string schema = "Path: String; Image: Image; Small: Image<2, 3>; "
            + "Planes: Vector<Single, 3, 2, 3>; Mixed: Vector<Single, 2, 3, 3>; Bytes: Vector<Byte, 4, 2, 3>";
        Assert.Equal(schema, Describe.Text(result.Schema));
        Assert.Equal(2, result.GetColumn<float[]>("Planes").Count());
        Assert.Equal([20, 100, 180, 20, 100, 180, 30, 30, 30, 150, 150, 150], result.GetColumn<float[]>("Planes").First()[..12]);
        Assert.Equal([5, 10], result.GetColumn<float[]>("Mixed").First()[..2]);
        Assert.Equal([255, 255, 255, 255, 255, 255], result.GetColumn<byte[]>("Bytes").First()[..6]);
        Assert.Equal([20, 100, 180, 20, 100, 180], result.GetColumn<byte[]>("Bytes").First()[18..]);
        Assert.Equal(Path.Combine(_folder, "a.png"), result.GetColumn<MLImage>("Image").Select(i => i.Tag).First());

        using var file = new MemoryStream();
        _ml.Model.Save(model, data.Schema, file);
        file.Position = 0;
        var loaded = new MLContext().Model.Load(file, out var loadedSchema);
        Assert.Equal(schema, Describe.Text(loaded.GetOutputSchema(loadedSchema)));
        Assert.Equal(result.GetColumn<float[]>("Mixed"), loaded.Transform(data).GetColumn<float[]>("Mixed"));
    }

    private float[][] Resize(int width, int height, ImageResizingEstimator.ResizingKind kind,
        ImageResizingEstimator.Anchor anchor = ImageResizingEstimator.Anchor.Center)
    {
        var data = Paths(Write("r.png"));
        var pixels = _ml.Transforms.LoadImages("Image", null, "Path")
            .Append(_ml.Transforms.ResizeImages("Small", width, height, "Image", kind, anchor))
            .Append(_ml.Transforms.ExtractPixels("P", "Small")).Fit(data).Transform(data).GetColumn<float[]>("P").Single();
        return [pixels[..(width * height)], pixels[(width * height)..(2 * width * height)]];
    }

    private static void Near(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++) Assert.InRange(actual[i], expected[i] - 2, expected[i] + 2);
    }

    [Fact]
    public void Cropping_keeps_proportions_and_the_anchored_part()
    {
        var center = Resize(2, 2, ImageResizingEstimator.ResizingKind.IsoCrop);
        Near([20, 100, 20, 100], center[0]);
        Near([30, 30, 150, 150], center[1]);
        Near([100, 180, 100, 180], Resize(2, 2, ImageResizingEstimator.ResizingKind.IsoCrop, ImageResizingEstimator.Anchor.Right)[0]);
        Near([40, 80, 120, 160], Resize(4, 4, ImageResizingEstimator.ResizingKind.IsoCrop)[0][..4]);
        Near([0, 40, 80, 120], Resize(4, 4, ImageResizingEstimator.ResizingKind.IsoCrop, ImageResizingEstimator.Anchor.Left)[0][..4]);
        Near([80, 120, 160, 200], Resize(4, 4, ImageResizingEstimator.ResizingKind.IsoCrop, ImageResizingEstimator.Anchor.Right)[0][..4]);
        Near([4, 52, 100, 148, 196], Resize(5, 3, ImageResizingEstimator.ResizingKind.IsoCrop)[0][..5]);
        var larger = Resize(12, 8, ImageResizingEstimator.ResizingKind.IsoCrop);
        Near([0, 9, 29, 50, 70, 90, 110, 130, 150, 171, 191, 201], larger[0][..12]);
        Near([14], larger[1][12..13]);
    }

    [Fact]
    public void Padding_puts_the_whole_image_at_the_left_and_top()
    {
        var padded = Resize(4, 4, ImageResizingEstimator.ResizingKind.IsoPad);
        Near([20, 70, 130, 180, 20, 70, 130, 180, 0, 0, 0, 0, 0, 0, 0, 0], padded[0]);
        Near([30, 30, 30, 30, 150, 150, 150, 150, 0, 0, 0, 0, 0, 0, 0, 0], padded[1]);
        Near([10, 70, 130, 190, 0], Resize(5, 3, ImageResizingEstimator.ResizingKind.IsoPad)[0][..5]);
    }

    [Fact]
    public void Filling_takes_the_nearest_pixels()
    {
        Assert.Equal([40, 160, 40, 160], Resize(2, 2, ImageResizingEstimator.ResizingKind.Fill)[0]);
        Assert.Equal([0, 0, 120, 120], Resize(2, 2, ImageResizingEstimator.ResizingKind.Fill)[1]);
        Assert.Equal([0, 40, 80, 160, 200], Resize(5, 3, ImageResizingEstimator.ResizingKind.Fill)[0][..5]);
        Assert.Equal([0, 80, 120, 200], Resize(4, 4, ImageResizingEstimator.ResizingKind.Fill)[0][..4]);
    }

    [Fact]
    public void Reducing_averages_and_enlarging_interpolates()
    {
        // Values of the real library's backend, for pixels of noise.
        var pixels = new byte[50 * 40 * 4];
        new Random(1).NextBytes(pixels);
        for (int i = 3; i < pixels.Length; i += 4) pixels[i] = 255;
        string path = Path.Combine(_folder, "noise.png");
        MLImage.CreateFromPixels(50, 40, MLPixelFormat.Rgba32, pixels).Save(path);
        float[] Row(int width, int height)
        {
            var data = Paths(path);
            return _ml.Transforms.LoadImages("Image", null, "Path").Append(_ml.Transforms.ResizeImages("Small", width, height, "Image"))
                .Append(_ml.Transforms.ExtractPixels("P", "Small")).Fit(data).Transform(data).GetColumn<float[]>("P").Single()[..6];
        }
        Near([44, 147, 169, 108, 91, 107], Row(32, 32));
        Near([56, 135, 97, 137, 99, 130], Row(25, 20));
        Near([105, 100, 123, 144, 130, 125], Row(12, 10));
        Near([107, 113, 134, 133, 125, 124], Row(10, 8));
        Near([70, 68, 64, 86, 130, 139], Row(100, 80));
    }

    [Fact]
    public void An_image_of_the_right_size_is_not_changed()
    {
        foreach (var kind in Enum.GetValues<ImageResizingEstimator.ResizingKind>())
            Assert.Equal([0, 40, 80, 120, 160, 200], Resize(6, 4, kind)[0][..6]);
    }

    [Fact]
    public void Objects_may_hold_images()
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new ImageRow { Image = Gradient() } });
        Assert.Equal("Image: Image<4, 6>", Describe.Text(data.Schema));
        Assert.Equal(6, data.GetColumn<MLImage>("Image").Single().Width);
        Assert.Equal([0, 40, 80, 120, 160, 200], _ml.Transforms.ExtractPixels("P", "Image").Fit(data).Transform(data)
            .GetColumn<float[]>("P").Single()[..6]);
        Assert.Contains("member Image",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable(new[] { new AnyImageRow() })).Message);
        Assert.True(new ImageDataViewType(4, 5).Equals(new ImageDataViewType(4, 5)));
        Assert.False(new ImageDataViewType(4, 5).Equals(new ImageDataViewType()));
    }

    [Fact]
    public void An_empty_path_gives_no_image_and_black_pixels()
    {
        var data = Paths("");
        var result = _ml.Transforms.LoadImages("Image", _folder, "Path").Append(_ml.Transforms.ResizeImages("Small", 2, 2, "Image"))
            .Append(_ml.Transforms.ExtractPixels("P", "Small")).Fit(data).Transform(data);
        Assert.Null(result.GetColumn<MLImage>("Image").Single());
        Assert.Null(result.GetColumn<MLImage>("Small").Single());
        Assert.Equal(new float[12], result.GetColumn<float[]>("P").Single());
    }

    [Fact]
    public void Files_that_cannot_be_read_give_their_errors_when_the_row_is_read()
    {
        File.WriteAllText(Path.Combine(_folder, "bad.png"), "no image");
        IEnumerable<MLImage> Load(string path)
        {
            var data = Paths(path);
            return _ml.Transforms.LoadImages("Image", _folder, "Path").Fit(data).Transform(data).GetColumn<MLImage>("Image");
        }
        Assert.Throws<FileNotFoundException>(() => Load("none.png").ToList());
        Assert.Throws<ArgumentException>(() => Load("bad.png").ToList());
    }

    [Fact]
    public void Columns_of_other_types_are_refused()
    {
        var data = Paths("a.png");
        var shape = Describe.Shape(data.Schema);
        const string expected = "Schema mismatch for input column 'Path': expected";
        Assert.Contains($"{expected} image, got String",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.ExtractPixels("P", "Path").Fit(data)).Message);
        Assert.Contains($"{expected} Image, got String",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.ExtractPixels("P", "Path").GetOutputSchema(shape)).Message);
        Assert.Contains($"{expected} image, got String",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.ResizeImages("P", 2, 2, "Path").Fit(data)).Message);
        Assert.Contains($"{expected} Image, got String",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.ResizeImages("P", 2, 2, "Path")
            .GetOutputSchema(shape)).Message);
        var images = _ml.Data.LoadFromEnumerable(new[] { new ImageRow { Image = Gradient() } });
        Assert.Contains("expected String, got Image<4, 6>",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.LoadImages("P", null, "Image").Fit(images)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.ResizeImages("P", 0, 2, "Path"));
        var unsized = _ml.Transforms.LoadImages("Image", null, "Path").Append(_ml.Transforms.ExtractPixels("P", "Image"));
        Assert.Throws<ArgumentOutOfRangeException>(() => unsized.Fit(data));
    }
}
