namespace Ard.Trainers.Tests.Attacks;

public sealed class HyperplaneProjectionTests
{
    [Property(MaxTest = 40)]
    public void The_step_ends_on_the_hyperplane_in_the_box_and_no_allowed_step_is_shorter(byte count, byte seed, byte norms)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(seed);
        var norm = (Norm)(norms % 3);
        var (points, normal, offset) = Problem(1 + count % 6, 1 + count / 6 % 30, generator);
        var reach = Reach(points, normal, offset);
        var step = HyperplaneProjection.Step(points, normal, offset, norm);
        Assert.InRange((points + step).min().item<double>(), -1e-12, 1 + 1e-12);
        Assert.InRange((points + step).max().item<double>(), -1e-12, 1 + 1e-12);
        // As far as the box allows, where the hyperplane lies beyond it.
        Compare.Close(offset.sign() * offset.abs().minimum(reach), (normal * step).sum(1), 1e-9, "rise");

        var level = (normal * points).sum(1) + offset;
        var length = Length(step, norm);
        for (var attempt = 0; attempt < 6; attempt++)
        {
            // Other allowed points of the hyperplane: random ones, moved along the normal until they lie on it.
            var from = attempt == 0 ? points : empty_like(points).uniform_(0, 1, generator);
            var (others, onHyperplane) = OnHyperplane(from, normal, level);
            var its = Length(others - points, norm);
            var shorter = its.lt(length - 1e-9).logical_and(onHyperplane);
            Assert.False(shorter.any().item<bool>(), $"{norm}: there is a shorter step");
            // From the points themselves that is the L2 projection.
            if (attempt > 0 || norm != Norm.L2) continue;
            Compare.Close(its * onHyperplane, length * onHyperplane, 1e-7, "length");
        }
    }

    [Property(MaxTest = 40)]
    public void In_Linf_every_value_moves_as_far_as_the_shortest_length_and_the_box_allow(byte count, byte seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(seed);
        var (points, normal, offset) = Problem(1 + count % 5, 1 + count % 40, generator);
        offset = offset.sign() * offset.abs().minimum(Reach(points, normal, offset) * 0.99);
        var step = HyperplaneProjection.Step(points, normal, offset, Norm.Linf);
        // Bisection for the length at which all values together just reach the hyperplane.
        var (low, high) = (zeros([points.shape[0], 1], dtype: ScalarType.Float64), ones([points.shape[0], 1], dtype: ScalarType.Float64));
        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            var ends = (points + normal.sign() * offset.sign().unsqueeze(1) * middle).clamp(0, 1);
            var enough = ((ends - points) * normal).sum(1).abs().ge(offset.abs()).unsqueeze(1);
            (low, high) = (where(enough, low, middle), where(enough, middle, high));
        }
        Compare.Close(high.flatten(), step.abs().amax([1]), 1e-9, "length");
    }

    [Property(MaxTest = 40)]
    public void In_L1_the_step_is_as_short_as_the_dual_problem_allows(byte count, byte seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(seed);
        var (points, normal, offset) = Problem(1 + count % 5, 1 + count % 40, generator);
        offset = offset.sign() * offset.abs().minimum(Reach(points, normal, offset) * 0.99);
        var step = HyperplaneProjection.Step(points, normal, offset, Norm.L1);
        // The least Σ s with Σ w s = b and 0 ≤ s ≤ r is the most of λ b - Σ r max(λ w - 1, 0), which is where some λ w is 1.
        var ascent = normal * offset.sign().unsqueeze(1);
        var (weight, room) = (ascent.abs().unsqueeze(1), where(ascent.gt(0), 1 - points, points).unsqueeze(1));
        var multiplier = (1 / ascent.abs().clamp_min(1e-6)).unsqueeze(2);
        var bound = multiplier.squeeze(2) * offset.abs().unsqueeze(1) - (room * (multiplier * weight - 1).clamp_min(0)).sum(2);
        Compare.Close(bound.amax([1]).clamp_min(0), step.abs().sum(1), 1e-9, "length");
    }

    [Fact]
    public void Float32_with_tiny_huge_and_zero_normals_stays_finite_and_in_the_box()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        foreach (var norm in Enum.GetValues<Norm>())
        {
            foreach (var size in new[] { 0, 1e-42, 1e-30, 1e-12, 1, 1e20 })
            {
                var points = empty([5, 200]).uniform_(-0.2, 1.2, generator).clamp_(0, 1);
                var normal = empty([5, 200]).normal_(0, 1, generator) * size;
                foreach (var offset in new[] { 0, -1e-6, 0.1, 1e6 })
                {
                    var step = HyperplaneProjection.Step(points, normal, full([5], offset), norm);
                    Assert.True(step.isfinite().all().item<bool>(), $"{norm} {size} {offset}");
                    Assert.InRange((points + step).min().item<float>(), -1e-6, 0.5);
                    Assert.InRange((points + step).max().item<float>(), 0.5, 1 + 1e-6);
                    if (size == 0 || offset == 0) Assert.Equal(0, step.abs().max().item<float>());
                    if (size == 1 && offset == 0.1) Compare.Close(full([5], 0.1), (normal * step).sum(1), 1e-4, "rise");
                }
            }
        }
    }

    // Values at the ends of the box and zeros in the normal among them; hyperplanes within and beyond reach.
    private static (Tensor Points, Tensor Normal, Tensor Offset) Problem(long rows, long width, Generator generator)
    {
        var points = empty([rows, width], dtype: ScalarType.Float64).uniform_(-0.3, 1.3, generator).clamp_(0, 1);
        var normal = empty([rows, width], dtype: ScalarType.Float64).normal_(0, 1, generator);
        normal = normal.masked_fill(empty_like(normal).uniform_(0, 1, generator).lt(0.1), 0);
        var offset = empty([rows], dtype: ScalarType.Float64).normal_(0, 1, generator) * (width * 0.15);
        return (points, normal, offset);
    }

    // The most that normal · x can change in the direction of the offset within the box.
    private static Tensor Reach(Tensor points, Tensor normal, Tensor offset)
    {
        var ascent = normal * offset.sign().unsqueeze(1);
        return (ascent.clamp_min(0) * (1 - points) - ascent.clamp_max(0) * points).sum(1);
    }

    // By bisection; and which points got there.
    private static (Tensor Points, Tensor Reached) OnHyperplane(Tensor from, Tensor normal, Tensor level)
    {
        var (low, high) = (full_like(level, -1e4), full_like(level, 1e4));
        Tensor At(Tensor t) => (from + normal * t.unsqueeze(1)).clamp(0, 1);
        for (var i = 0; i < 80; i++)
        {
            var middle = (low + high) / 2;
            var below = (At(middle) * normal).sum(1).lt(level);
            (low, high) = (where(below, middle, low), where(below, high, middle));
        }
        return (At(high), ((At(high) * normal).sum(1) - level).abs().lt(1e-7));
    }

    private static Tensor Length(Tensor steps, Norm norm) => new ThreatModel(norm, 1).Size(steps, zeros_like(steps));
}
