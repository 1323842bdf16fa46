namespace Ard.Trainers.Tests.Attacks;

public sealed class L1BallTests
{
    [Property(MaxTest = 60)]
    public void The_projection_is_the_nearest_point_of_ball_and_box(byte values, byte budget, int seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(unchecked((ulong)seed));
        long[] shape = [8, 1 + values % 30];
        var images = empty(shape, dtype: ScalarType.Float64).uniform_(-0.2, 1.2, generator).clamp_(0, 1);
        var points = images + empty(shape, dtype: ScalarType.Float64).normal_(0, 1, generator);
        var epsilon = 0.001 + budget / 255.0 * 5;
        var found = ThreatModel.L1(epsilon).Project(points, images);
        Compare.Close(Bisected(points, images, epsilon), found, 1e-9, "projection");
        Assert.True(ThreatModel.L1(epsilon).Size(found, images).le(epsilon + 1e-9).all().item<bool>());
        Compare.Close(found, ThreatModel.L1(epsilon).Project(found, images), 1e-12, "projected again");
    }

    [Fact]
    public void A_budget_that_a_place_of_the_search_meets_exactly_is_kept()
    {
        // Both values run into the box, after 0.25 each; at the cut of 0.75 the second has stopped and just the budget is left.
        var images = tensor(new[] { 0.75, 0.75 }).reshape(1, 2);
        var found = ThreatModel.L1(0.25).Project(tensor(new[] { 1.75, 1.5 }).reshape(1, 2), images);
        Compare.Close(tensor(new[] { 1.0, 0.75 }), found, 1e-12, "projection");
    }

    [Fact]
    public void Values_that_the_projection_does_not_move_keep_their_bits()
    {
        using var generator = new Generator(5);
        var images = empty([1, 100]).uniform_(0, 1, generator);
        var found = ThreatModel.L1(0.5).Project(images + empty([1, 100]).normal_(0, 1, generator), images);
        Assert.InRange(found.ne(images).sum().item<long>(), 1, 10);
    }

    [Fact]
    public void The_sparse_direction_takes_equal_steps_along_the_largest_gradients()
    {
        var gradient = tensor(new[] { 3.0, -4, 1, 0.5, 0, 0, 0, 0 }).reshape(2, 2, 2);
        var half = tensor(new[] { 0.5, 0.5 });
        Compare.Close(tensor(new[] { 0.5, -0.5, 0, 0, 0, 0, 0, 0 }), L1Ball.SparseAscent(gradient, half), 0, "half of the values");
        Compare.Close(tensor(new[] { 0, -1.0, 0, 0, 0, 0, 0, 0 }), ThreatModel.L1(1).SteepestAscent(gradient), 0, "the largest only");
        var all = tensor(new[] { 1.0, 1.0 });
        Compare.Close(tensor(new[] { 0.25, -0.25, 0.25, 0.25, 0, 0, 0, 0 }), L1Ball.SparseAscent(gradient, all), 0, "all values");
    }

    [Fact]
    public void Random_L1_perturbations_fill_the_ball()
    {
        using var generator = new Generator(3);
        var images = full([4000, 2], 0.5, dtype: ScalarType.Float64);
        var change = ThreatModel.L1(0.2).RandomPerturbation(images, new GeneratorNoise(generator));
        var sizes = change.abs().sum(1);
        Assert.True(sizes.max().item<double>() <= 0.2);
        // Uniform in a square on its corner: a quarter of the points within half of the radius, the mean at the centre.
        Assert.InRange(sizes.lt(0.1).to(ScalarType.Float64).mean().item<double>(), 0.22, 0.28);
        Assert.InRange(change.mean().item<double>(), -0.005, 0.005);
    }

    // Halves an interval around the cut until it is found.
    private static Tensor Bisected(Tensor points, Tensor images, double epsilon)
    {
        var change = points - images;
        var (low, high) = (zeros([points.shape[0], 1], dtype: ScalarType.Float64), change.abs().amax([1], keepdim: true));
        if (At(low).abs().sum(1).le(epsilon).all().item<bool>()) return images + At(low);
        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            var tooMuch = At(middle).abs().sum(1, keepdim: true).gt(epsilon);
            (low, high) = (where(tooMuch, middle, low), where(tooMuch, high, middle));
        }
        return images + where(At(zeros_like(low)).abs().sum(1, keepdim: true).le(epsilon), At(zeros_like(low)), At(high));

        Tensor At(Tensor cut) => change.sign() * (change.abs() - cut).clamp_min(0).minimum(where(change.gt(0), 1 - images, images));
    }
}
