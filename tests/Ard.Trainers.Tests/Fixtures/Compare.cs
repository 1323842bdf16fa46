using static TorchSharp.torch;

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

    /// <summary>Fails unless both hold the same bits.</summary>
    public static void Same(Tensor expected, Tensor actual, string what)
    {
        using var scope = NewDisposeScope();
        Assert.True(expected.shape.SequenceEqual(actual.shape) && expected.dtype == actual.dtype, $"{what}: shape or dtype differs");
        Assert.True(expected.numel() == 0 || expected.eq(actual).all().item<bool>(), $"{what}: differs");
    }
}
