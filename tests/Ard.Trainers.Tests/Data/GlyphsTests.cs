namespace Ard.Trainers.Tests.Data;

public sealed class GlyphsTests
{
    [Fact]
    public void The_same_seed_gives_the_same_bytes_and_a_shorter_set_is_the_beginning_of_a_longer_one()
    {
        using var data = Glyphs.Generate(50, seed: 7);
        using var longer = Glyphs.Generate(80, seed: 7);
        using var other = Glyphs.Generate(50, seed: 8);
        var bytes = data.Images.data<byte>().ToArray();
        Assert.Equal(bytes, longer.Images.data<byte>().ToArray()[..bytes.Length]);
        Assert.NotEqual(bytes, other.Images.data<byte>().ToArray());
        Assert.Equal([50, 1, 16, 16], data.Images.shape);
    }

    [Fact]
    public void The_bytes_are_the_same_on_every_machine()
    {
        using var data = Glyphs.Generate(1000, seed: 1);
        var bytes = data.Images.data<byte>().ToArray();
        // From a second implementation, in Python.
        Assert.Equal([8, 12, 0, 0, 9, 0, 22, 39], bytes[..8]);
        Assert.Equal([199, 185, 199, 158, 186, 183, 196, 187], bytes[^8..]);
        // The last digit of a sine may differ between machines, and with it one byte in very many.
        Assert.InRange(bytes.Sum(value => (long)value), 33_110_575 - 3, 33_110_575 + 3);
    }

    [Fact]
    public void Classes_are_balanced_and_named()
    {
        using var data = Glyphs.Generate(200, seed: 1);
        Assert.Equal(10, data.Classes);
        Assert.All(data.Labels.data<long>().ToArray().CountBy(label => label), count => Assert.Equal(20, count.Value));
    }

    [Fact]
    public void The_fine_grating_tells_the_class_and_is_smaller_than_the_attack()
    {
        // A linear filter bank without any training: the energy at each class's wave vector, taken over the image. It reads the
        // class off the grating, which eps = 0.1 can rewrite: its amplitude is 0.05.
        using var scope = NewDisposeScope();
        using var data = Glyphs.Generate(500, seed: 3);
        var (images, labels) = data.Batch(0, data.Count);
        var flat = images.reshape(-1, 256) - images.reshape(-1, 256).mean([1L], keepdim: true);
        var axis = (arange(16, dtype: ScalarType.Float32) + 0.5) / 16 - 0.5;
        var x = axis.expand(16, 16).reshape(256, 1);
        var y = axis.reshape(16, 1).expand(16, 16).reshape(256, 1);
        var angle = arange(10, dtype: ScalarType.Float32) * (Math.PI / 10);
        var wave = 2 * Math.PI * 5.5 * (x * angle.cos() + y * angle.sin());
        var energy = flat.matmul(wave.cos()).pow(2) + flat.matmul(wave.sin()).pow(2);
        var accuracy = energy.argmax(1).eq(labels).to(ScalarType.Float32).mean().item<float>();
        Assert.InRange(accuracy, 0.5, 1);
    }
}
