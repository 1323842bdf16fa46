using Ard.Trainers.Training;
using static TorchSharp.torch;

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
}
