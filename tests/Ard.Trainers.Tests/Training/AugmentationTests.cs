namespace Ard.Trainers.Tests.Training;

public sealed class AugmentationTests
{
    [Theory]
    [InlineData(4, true)]
    [InlineData(4, false)]
    [InlineData(0, true)]
    [InlineData(2, true)]
    public void Crop_and_flip_equal_a_naive_loop_with_the_same_draws(int padding, bool flip)
    {
        using var scope = NewDisposeScope();
        const int count = 9, channels = 3, height = 6, width = 5;
        using var values = new Generator(3);
        var images = empty(count, channels, height, width).uniform_(0, 1, values);
        using var generator = new Generator(11);
        using var same = new Generator(11);
        var augmented = new Augmentation(padding, flip).Apply(images, generator);

        long[] Draw(long choices) => randint(0, choices, [count], dtype: ScalarType.Int64, generator: same).data<long>().ToArray();
        var (top, left) = (Draw(2 * padding + 1), Draw(2 * padding + 1));
        var mirrored = flip ? Draw(2) : new long[count];
        var source = images.data<float>().ToArray();
        var found = augmented.data<float>().ToArray();
        Assert.Equal(images.shape, augmented.shape);
        if (flip) Assert.Equal(2, mirrored.Distinct().Count());
        for (var (n, at) = (0, 0); n < count; n++)
            for (var c = 0; c < channels; c++)
                for (var y = 0; y < height; y++)
                    for (var x = 0; x < width; x++, at++)
                    {
                        var row = y + top[n] - padding;
                        var column = (mirrored[n] == 1 ? width - 1 - x : x) + left[n] - padding;
                        var inside = row is >= 0 and < height && column is >= 0 and < width;
                        var expected = inside ? source[((n * channels + c) * height + row) * width + column] : 0;
                        Assert.Equal(expected, found[at]);
                    }
    }

    [Fact]
    public void Offsets_and_mirrorings_are_uniform()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        // One bright pixel in the middle of 9x9: after the crop it stands where the offset has moved it.
        var images = zeros(8100, 1, 9, 9);
        images[.., .., 4, 4] = tensor(1f);
        var places = new Augmentation(1, false).Apply(images, generator).sum([0L]);
        var counts = places[0].data<float>().ToArray().Where(count => count > 0).ToArray();
        Assert.Equal(9, counts.Length);
        Assert.All(counts, count => Assert.InRange(count, 900 - 150, 900 + 150));   // five deviations

        images = zeros(4000, 1, 1, 2);
        images[.., .., .., 0] = tensor(1f);
        var right = new Augmentation(0, true).Apply(images, generator)[.., .., .., 1].sum().item<float>();
        Assert.InRange(right, 2000 - 160, 2000 + 160);
    }

    [Fact]
    public void An_empty_batch_stays_empty()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        Assert.Equal([0, 3, 8, 8], Augmentation.CropAndFlip.Apply(zeros(0, 3, 8, 8), generator).shape);
    }

    [Fact]
    public void None_gives_the_images_and_draws_nothing()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var before = generator.get_state();
        var images = arange(12, ScalarType.Float32).view(1, 1, 3, 4);
        var same = Augmentation.None.Apply(images, generator);
        Assert.Equal(images.data<float>().ToArray(), same.data<float>().ToArray());
        Assert.True(before.bytes.SequenceEqual(generator.get_state().bytes));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void Cutout_blackens_one_square_an_image_and_leaves_the_rest(int size)
    {
        using var scope = NewDisposeScope();
        const int count = 50, height = 9, width = 7;
        using var generator = new Generator(11);
        using var values = new Generator(3);
        var images = empty(count, 2, height, width).uniform_(0.1, 1, values);
        var augmented = (Augmentation.None with { Cutout = size }).Apply(images, generator);
        var whole = 0;
        for (var n = 0; n < count; n++)
        {
            var black = augmented[n].eq(0);
            Assert.True(black[0].eq(black[1]).all().item<bool>(), "the channels differ");
            Assert.True(augmented[n].eq(images[n]).logical_or(black).all().item<bool>(), "a pixel outside has changed");
            // All that is black is one rectangle, no larger than the square, and smaller only where it touches the border.
            var rows = black[0].any(1).nonzero().flatten().data<long>().ToArray();
            var columns = black[0].any(0).nonzero().flatten().data<long>().ToArray();
            Assert.Equal(rows.Length * columns.Length, black[0].sum().item<long>());
            Assert.Equal(rows[^1] - rows[0] + 1, rows.Length);
            Assert.Equal(columns[^1] - columns[0] + 1, columns.Length);
            Assert.True(rows.Length == size || (rows.Length < size && (rows[0] == 0 || rows[^1] == height - 1)));
            Assert.True(columns.Length == size || (columns.Length < size && (columns[0] == 0 || columns[^1] == width - 1)));
            if (rows.Length * columns.Length == size * size) whole++;
        }
        Assert.InRange(whole, 1, count - 1);
    }

    [Fact]
    public void The_centre_of_a_cutout_is_any_pixel_with_the_same_probability()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var counts = (Augmentation.None with { Cutout = 1 }).Apply(ones(9000, 1, 3, 3), generator).eq(0).sum([0L]).data<long>().ToArray();
        Assert.All(counts, count => Assert.InRange(count, 1000 - 150, 1000 + 150));   // five deviations
    }

    [Fact]
    public void Cutout_comes_after_crop_and_flip_and_leaves_their_draws_as_they_were()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        using var same = new Generator(5);
        var images = ones(20, 1, 8, 8).cumsum(3);
        var plain = new Augmentation(2, true).Apply(images, generator);
        var cut = new Augmentation(2, true) { Cutout = 3 }.Apply(images, same);
        Assert.True(cut.eq(plain).logical_or(cut.eq(0)).all().item<bool>());
        Assert.False(cut.eq(plain).all().item<bool>());
        Assert.Equal("crop 2 + flip + cutout 3", $"{new Augmentation(2, true) with { Cutout = 3 }}");
    }
}
