namespace Ard.Trainers.Tests.Fixtures;

internal static class Compare
{
    /// <summary>
    /// Fails where the largest difference exceeds <paramref name="relative"/> times the largest expected value, plus <paramref
    /// name="absolute"/>.
    /// </summary>
    public static void Close(Tensor expected, Tensor actual, double relative, string what, double absolute = 1e-9)
    {
        using var scope = NewDisposeScope();
        Assert.True(expected.numel() == actual.numel(), $"{what}: expected {expected.numel()} values, found {actual.numel()}");
        var (e, a) = (expected.detach().to(ScalarType.Float64).flatten(), actual.detach().to(ScalarType.Float64).flatten());
        var difference = (e - a).abs().max().item<double>();
        var size = e.abs().max().item<double>();
        Assert.True(difference <= relative * size + absolute, $"{what}: differs by {difference:G3}, largest expected value {size:G3}");
    }

    /// <summary>
    /// Fails where the value in float32 is more than twice as far from that in float64 as the recorded one is: the largest difference, and
    /// the norm of all.
    /// </summary>
    public static void AsNear(Tensor exact, Tensor recorded, Tensor actual, string what)
    {
        using var scope = NewDisposeScope();
        Assert.True(exact.shape.SequenceEqual(actual.shape) && exact.shape.SequenceEqual(recorded.shape), $"{what}: shapes differ");
        var (r, a) = (recorded.to(ScalarType.Float64).sub(exact), actual.to(ScalarType.Float64).sub(exact));
        Assert.True(r.abs().max().item<double>() <= 0.05 * exact.abs().max().item<double>(), $"{what}: the record is not of this value");
        foreach (var (name, off, limit) in new[] { ("at most", Largest(a), 2 * Largest(r)), ("in norm", Norm(a), 2 * Norm(r)) })
            Assert.True(off <= limit, $"{what}: {name} {off:G3} from float64, expected {limit:G3} or less");

        static double Largest(Tensor difference) => difference.abs().max().item<double>();

        static double Norm(Tensor difference) => difference.square().sum().sqrt().item<double>();
    }

    /// <summary>Fails unless both hold the same bits.</summary>
    public static void Same(Tensor expected, Tensor actual, string what)
    {
        using var scope = NewDisposeScope();
        Assert.True(expected.shape.SequenceEqual(actual.shape) && expected.dtype == actual.dtype, $"{what}: shape or dtype differs");
        Assert.True(expected.numel() == 0 || expected.eq(actual).all().item<bool>(), $"{what}: differs");
    }
}
