namespace Ard.MLNet.Tests.Data;

public sealed class ImageLayoutTests
{
    private static DataViewType Vector(params int[] dimensions) => new VectorDataViewType(NumberDataViewType.Single, dimensions);

    [Theory]
    [InlineData(new[] { 3, 4, 5 }, false, 3, 4, 5)]
    [InlineData(new[] { 4, 5, 3 }, true, 3, 4, 5)]
    [InlineData(new[] { 192 }, false, 3, 8, 8)]
    [InlineData(new[] { 256 }, false, 1, 16, 16)]
    [InlineData(new[] { 12, 1, 128 }, false, 12, 1, 128)]
    public void The_column_says_the_shape_of_its_images(int[] dimensions, bool interleaved, int channels, int height, int width)
    {
        var format = new ImageLayout { Interleaved = interleaved }.Resolve("Features", Vector(dimensions), null);
        Assert.Equal((channels, height, width), (format.Channels, format.Height, format.Width));
    }

    [Theory]
    [InlineData(new[] { 16, 16, 3 }, false, 16)]
    [InlineData(new[] { 28, 28, 1 }, false, 28)]
    [InlineData(new[] { 3, 32, 32 }, true, 32)]
    public void A_column_that_looks_the_other_way_round_is_refused_unless_its_channels_are_named(
        int[] dimensions, bool interleaved, int channels)
    {
        var layout = new ImageLayout { Interleaved = interleaved };
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => layout.Resolve("Features", Vector(dimensions), null));
        Assert.Contains($"Layout = new() {{ Interleaved = {(interleaved ? "false" : "true")} }}", fault.Message, StringComparison.Ordinal);
        Assert.Equal(channels, (layout with { Channels = channels }).Resolve("Features", Vector(dimensions), null).Channels);
    }

    [Fact]
    public void The_networks_specification_says_it_for_a_column_without_dimensions()
    {
        // 4x4x4 is also 1x8x8.
        var spec = NetworkSpec.Parse("tinycnn") with { InputChannels = 4, ImageSize = 4 };
        Assert.Equal(4, new ImageLayout().Resolve("Features", Vector(64), spec).Channels);
        Assert.Equal(1, new ImageLayout().Resolve("Features", Vector(64), null).Channels);
        Assert.Equal(2, new ImageLayout { Channels = 2, Height = 8, Width = 4 }.Resolve("Features", Vector(64), spec).Channels);
    }

    [Fact]
    public void Values_become_planes_and_come_back()
    {
        var format = new ImageLayout { Channels = 2, Height = 1, Width = 3, Interleaved = true, Scale = 0.5, Offset = -1 }.Resolve(
            "Features", Vector(6), null);
        float[] values = [0, 1, -1, 0.5f, 0.25f, 0.75f];
        var image = new float[6];
        format.Read(new VBuffer<float>(6, values), image, "Features", 0);
        // (v + 1) / 2, first the even places, then the odd ones.
        Assert.Equal([0.5f, 0f, 0.625f, 1f, 0.75f, 0.875f], image);

        var back = new float[6];
        format.FromImage(image, back);
        Assert.Equal(values, back);
    }

    [Fact]
    public void Sparse_vectors_are_read_like_dense_ones()
    {
        foreach (var layout in new[] { new ImageLayout(), new ImageLayout { Offset = -0.5 },
            new ImageLayout { Interleaved = true, Channels = 2, Height = 2, Width = 2 } })
        {
            var format = layout.Resolve("Features", Vector(8), NetworkSpec.Parse("tinycnn") with { InputChannels = 2, ImageSize = 2 });
            var (sparse, dense) = (new float[8], new float[8]);
            format.Read(new VBuffer<float>(8, 2, [0.25f, 0.5f], [1, 6]), sparse, "Features", 0);
            format.Read(new VBuffer<float>(8, [0, 0.25f, 0, 0, 0, 0, 0.5f, 0]), dense, "Features", 0);
            Assert.Equal(dense, sparse);
        }
    }

    [Fact]
    public void What_extract_pixels_makes_is_read_by_the_layouts_that_the_documentation_names()
    {
        var ml = new MLContext(1);
        var folder = Tiny.Folder();
        // 3x2 pixels of red, green, blue and alpha.
        byte[] pixels = [255, 0, 51, 255, 1, 2, 3, 255, 10, 20, 30, 255, 100, 110, 120, 255, 200, 210, 220, 255, 5, 6, 7, 255];
        var path = Path.Combine(folder, "one.png");
        using (var image = MLImage.CreateFromPixels(3, 2, MLPixelFormat.Rgba32, pixels)) image.Save(path);
        var files = ml.Data.LoadFromEnumerable([new PathRow { ImagePath = path }]);
        var expected = Enumerable.Range(0, 3)
            .SelectMany(channel => Enumerable.Range(0, 6).Select(pixel => pixels[4 * pixel + channel] / 255f)).ToArray();

        void Reads(ImageLayout layout, IEstimator<ITransformer> extract)
        {
            var view = ml.Transforms.LoadImages("Image", folder, "ImagePath").Append(ml.Transforms.ResizeImages("Image", 3, 2))
                .Append(extract).Fit(files).Transform(files);
            var format = layout.Resolve("Features", view.Schema["Features"].Type, null);
            var image = new float[18];
            format.Read(Tiny.Column<VBuffer<float>>(view, "Features")[0], image, "Features", 0);
            Assert.Equal((3, 2, 3), (format.Channels, format.Height, format.Width));
            for (var i = 0; i < 18; i++) Assert.Equal(expected[i], image[i], 1e-6f);
        }

        Reads(new ImageLayout(), ml.Transforms.ExtractPixels("Features", "Image", scaleImage: 1f / 255));
        Reads(new ImageLayout { Scale = 1.0 / 255 }, ml.Transforms.ExtractPixels("Features", "Image"));
        Reads(new ImageLayout { Interleaved = true },
            ml.Transforms.ExtractPixels("Features", "Image", interleavePixelColors: true, scaleImage: 1f / 255));
        Reads(
            new ImageLayout { Scale = 1 / (255 * 0.01), Offset = -117 * 0.01 },
            ml.Transforms.ExtractPixels("Features", "Image", offsetImage: 117, scaleImage: 0.01f));
    }

    private sealed class PathRow
    {
        public string ImagePath { get; set; } = "";
    }
}
