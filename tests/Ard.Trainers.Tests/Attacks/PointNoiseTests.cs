namespace Ard.Trainers.Tests.Attacks;

public sealed class PointNoiseTests
{
    [Fact]
    public void A_points_numbers_do_not_depend_on_the_batch_that_it_is_in()
    {
        var whole = new PointNoise(5, [0, 1, 2, 3]);
        var part = new PointNoise(5, [3, 1]);
        var (first, firstPart) = (whole.Uniform(empty([4, 3, 2])), part.Uniform(empty([2, 3, 2])));
        Compare.Same(first[3], firstPart[0], "point 3");
        Compare.Same(first[1], firstPart[1], "point 1");
        // The next draw goes on where each point stands, also for those selected.
        var rest = whole.Select([2]);
        var second = whole.Normal(empty([4, 3, 2]));
        Compare.Same(second[2], rest.Normal(empty([1, 3, 2]))[0], "point 2");
        Assert.False(second.allclose(whole.Normal(empty([4, 3, 2]))), "draws repeat");
    }

    [Fact]
    public void Points_and_seeds_give_unrelated_numbers()
    {
        var like = empty([2, 1000]);
        var numbers = new PointNoise(0, [0, 1]).Uniform(like);
        var others = new PointNoise(1, [0, 1]).Uniform(like);
        foreach (var product in new[] { numbers[0] * numbers[1], numbers[0] * others[0], numbers[0] * others[1] })
            Assert.InRange(product.mean().item<float>(), -0.05, 0.05);
    }

    [Fact]
    public void Numbers_have_the_distribution_that_is_named()
    {
        var noise = new PointNoise(7, [11]);
        var uniform = noise.Uniform(empty([1, 100_000]));
        Assert.InRange(uniform.min().item<float>(), -1, -0.999);
        Assert.InRange(uniform.max().item<float>(), 0.999, 0.9999999);
        Assert.InRange(uniform.mean().item<float>(), -0.01, 0.01);
        Assert.InRange(uniform.square().mean().item<float>(), 0.33, 0.337);
        var normal = noise.Normal(empty([1, 100_000]));
        Assert.InRange(normal.mean().item<float>(), -0.015, 0.015);
        Assert.InRange(normal.square().mean().item<float>(), 0.98, 1.02);
        Assert.InRange(normal.pow(4).mean().item<float>(), 2.85, 3.15);
    }

    [Fact]
    public void Float64_gets_the_numbers_of_float32() => Compare.Same(
        new PointNoise(1, [4]).Uniform(empty([1, 50])).to(ScalarType.Float64),
        new PointNoise(1, [4]).Uniform(empty([1, 50], dtype: ScalarType.Float64)),
        "numbers");

    [Fact]
    public void Another_count_of_points_is_refused() => Assert.Contains(
        "2 points was asked for 3", Assert.Throws<ArgumentException>(() => new PointNoise(0, [0, 1]).Uniform(empty([3, 1]))).Message);
}
