namespace Ard.Trainers.Tests.Attacks;

public sealed class ThreatModelTests
{
    [Fact]
    public void Projection_onto_the_Linf_ball_clips_each_value_to_ball_and_box()
    {
        var images = tensor(new[] { 0f, 0.5f, 1f, 0.95f }).reshape(1, 4);
        var moved = tensor(new[] { -1f, 0.55f, 2f, 1.2f }).reshape(1, 4);
        Compare.Close(tensor(new[] { 0, 0.55, 1, 1 }), ThreatModel.Linf(0.1).Project(moved, images), 1e-6, "projection");
        Compare.Close(tensor(new[] { 0, 0.52, 1, 0.97 }), ThreatModel.Linf(0.02).Project(moved, images), 1e-6, "projection");
    }

    [Fact]
    public void Projection_onto_the_L2_ball_shortens_the_change_then_clips_to_the_box()
    {
        var images = tensor(new[] { 0.5, 0.5, 0.5, 1.0 }).reshape(2, 2);
        var moved = tensor(new[] { 0.8, 0.9, 0.5, 1.4 }).reshape(2, 2);
        // The first change (0.3, 0.4) has length 0.5; the second would leave the box.
        Compare.Close(tensor(new[] { 0.56, 0.58, 0.5, 1.0 }), ThreatModel.L2(0.1).Project(moved, images), 1e-12, "projection");
        Compare.Same(moved.clamp(0, 1), ThreatModel.L2(0.6).Project(moved, images), "a point inside stays");
    }

    [Fact]
    public void Steepest_ascent_is_the_sign_or_the_unit_vector_and_zero_where_the_gradient_is()
    {
        var gradient = tensor(new[] { 3f, -4f, 0f, 0f, 3e-30f, 4e-30f }).reshape(3, 2);
        Compare.Close(tensor(new[] { 1.0, -1, 0, 0, 1, 1 }), ThreatModel.Linf(1).SteepestAscent(gradient), 0, "sign");
        Compare.Close(tensor(new[] { 0.6, -0.8, 0, 0, 0.6, 0.8 }), ThreatModel.L2(1).SteepestAscent(gradient), 1e-6, "unit vector");
    }

    [Fact]
    public void Sizes_are_one_norm_a_point()
    {
        var images = zeros([2, 1, 1, 2]);
        var moved = tensor(new[] { 0.3f, 0.4f, 0f, 0.1f }).reshape(2, 1, 1, 2);
        Compare.Close(tensor(new[] { 0.4, 0.1 }), ThreatModel.Linf(1).Size(moved, images), 1e-7, "Linf");
        Compare.Close(tensor(new[] { 0.5, 0.1 }), ThreatModel.L2(1).Size(moved, images), 1e-7, "L2");
    }

    [Fact]
    public void Random_L2_perturbations_fill_the_ball()
    {
        using var generator = new Generator(3);
        var images = full([4000, 2], 0.5, dtype: ScalarType.Float64);
        var change = ThreatModel.L2(0.2).RandomPerturbation(images, new GeneratorNoise(generator));
        var sizes = change.square().sum(1).sqrt();
        Assert.True(sizes.max().item<double>() <= 0.2);
        // Uniform in a disc: a quarter of the points within half of the radius, the mean at the centre.
        Assert.InRange(sizes.lt(0.1).to(ScalarType.Float64).mean().item<double>(), 0.22, 0.28);
        Assert.InRange(change.mean().item<double>(), -0.005, 0.005);
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void An_epsilon_that_is_negative_or_not_finite_is_refused(double epsilon) =>
        Assert.Contains("Epsilon", Assert.Throws<ArgumentOutOfRangeException>(() => ThreatModel.Linf(epsilon)).Message);

    [Fact]
    public void Verify_names_the_worst_point_the_range_the_shape_and_a_NaN()
    {
        var images = full([3, 2], 0.5);
        var threat = ThreatModel.Linf(0.1);
        threat.Verify(images + 0.1, images, "a");
        var far = images.clone();
        far[1, 0] = 0.7;
        Assert.Contains("point 1 by 0.1999999", Assert.Throws<InvalidOperationException>(() => threat.Verify(far, images, "a")).Message);
        far[1, 0] = 1.5;
        Assert.Contains("to 1.5, expected [0,1]", Assert.Throws<InvalidOperationException>(() => threat.Verify(far, images, "a")).Message);
        far[1, 0] = double.NaN;
        Assert.Contains("NaN", Assert.Throws<InvalidOperationException>(() => threat.Verify(far, images, "a")).Message);
        var fewer = images.narrow(0, 0, 2);
        Assert.Contains("[2,2]", Assert.Throws<InvalidOperationException>(() => threat.Verify(fewer, images, "a")).Message);
    }
}
