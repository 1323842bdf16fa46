namespace Ard.Trainers.Tests.Training;

[Collection("global random state")]
public sealed class RandAugmentTests
{
    public static TheoryData<string> Operations => [.. ImageOperations.All.Select(operation => operation.Name)];

    [Theory]
    [MemberData(nameof(Operations))]
    public void Each_operation_is_that_of_torchvision(string name)
    {
        using var scope = NewDisposeScope();
        var recorded = Fixture.Beside("randaugment.safetensors");
        var operation = ImageOperations.All.Single(each => each.Name == name);
        var count = 0;
        foreach (var (rest, expected) in recorded.Under(name + "."))
        {
            // Magnitude, sign, channels.
            var parts = rest.Split('.').Select(int.Parse).ToArray();
            var images = recorded[$"{(name == "equalize" ? "large" : "images")}.{parts[2]}"].to(ScalarType.Float32) / 255;
            var found = operation.Apply(images, parts[0], full(2, parts[1], ScalarType.Float32));
            Compare.Close(expected, found, 2e-6, $"{name} {rest}");
            if (name != "identity" && parts[2] == 3) Assert.False(images.Equals(found), $"{rest} does nothing");
            // Every image has its direction.
            var both = operation.Apply(cat([images, images]), parts[0], tensor(new float[] { parts[1], parts[1], -parts[1], -parts[1] }));
            Compare.Same(found, both[..2], $"{name} {rest} in a larger batch");
            count++;
        }
        Assert.True(count is 4 or 8, $"{count} recordings");
    }

    [Fact]
    public void Every_operation_comes_as_often_as_the_others()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        const int Count = 2800;
        var image = Fixture.Beside("randaugment.safetensors")["large.3"][0..1].to(ScalarType.Float32) / 255;
        var augment = new RandAugment { Operations = 1, Magnitude = 20 };
        var made = augment.Apply(image.expand(Count, 3, 26, 22), generator, new(ProcessGroup.Alone, Count));
        var counts = ImageOperations.All.Select(operation =>
        {
            var ways = operation.Apply(image.expand(2, 3, 26, 22), 20, tensor(new[] { 1f, -1f }));
            return made.sub(ways[0]).abs().amax([1, 2, 3]).lt(1e-6)
                .logical_or(made.sub(ways[1]).abs().amax([1, 2, 3]).lt(1e-6)).sum().item<long>();
        }).ToArray();
        // 200 each, whose deviation is 13.6.
        Assert.All(counts, count => Assert.InRange(count, 130, 270));
        Assert.Equal(Count, counts.Sum());
    }

    [Fact]
    public void The_augmentation_with_it_is_drawn_from_the_generator_and_stays_an_image()
    {
        using var scope = NewDisposeScope();
        var images = (Fixture.Beside("randaugment.safetensors")["images.3"].to(ScalarType.Float32) / 255).repeat(20, 1, 1, 1);
        var augmentation = new Augmentation(2, true) { RandAugment = new() { Operations = 3, Magnitude = 30 }, Cutout = 3 };
        Assert.Equal("crop 2 + flip + randaugment 3x30 + cutout 3", $"{augmentation}");
        Assert.Null((Augmentation.None with { RandAugment = new() }).Variants);
        Tensor Made(ulong seed)
        {
            using var generator = new Generator(seed);
            return augmentation.Apply(images, generator);
        }
        var made = Made(5);
        Assert.Equal(images.shape, made.shape);
        Assert.True(made.ge(0).logical_and(made.le(1)).all().item<bool>());
        Compare.Same(made, Made(5), "with the same seed");
        Assert.False(made.Equals(Made(6)));
    }

    [Fact]
    public void Images_of_two_channels_and_settings_out_of_range_are_refused()
    {
        using var data = new Trainers.Data.ImageDataset(zeros(9, 2, 8, 8), zeros(9, ScalarType.Int64), ["a", "b", "c"]);
        using var student = (TrainerTests.Spec with { InputChannels = 2 }).Build(3);
        var options = TrainerTests.Options with { Augmentation = Augmentation.None with { RandAugment = new() } };
        Assert.Contains("Augmentation has RandAugment, and the images 2 channels, expected 1 or 3",
            Assert.Throws<ArgumentException>(() => Trainer.Fit(student, new Natural(), data, options)).Message);
        var wrong = options with { Augmentation = Augmentation.None with { RandAugment = new() { Operations = 0, Magnitude = 31 } } };
        Assert.Contains("Augmentation.RandAugment.Operations is 0, expected 1 to 100; "
            + "Augmentation.RandAugment.Magnitude is 31, expected 0 to 30", Assert.Throws<ArgumentException>(wrong.Validate).Message);
    }
}
