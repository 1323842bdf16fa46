namespace Ard.Bench;

/// <summary>
/// What the machine can do at most, measured in the same run as what is compared with it: floating-point operations a second of a large
/// matrix product or convolution, whichever is quicker, and bytes a second of a copy, read and written both counted.
/// </summary>
internal sealed record MachineLimits(double FlopsPerSecond, double BytesPerSecond)
{
    /// <summary>Measures them on a device, the best of some tries.</summary>
    public static MachineLimits Measure(Device device)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (left, right) = (rand(2048, 2048, device: device), rand(2048, 2048, device: device));
        var (images, weight) = (rand(64, 256, 16, 16, device: device), rand(256, 256, 3, 3, device: device));
        var product = 2.0 * 2048 * 2048 * 2048 / Best(() => left.mm(right).Dispose());
        var convolution = 2.0 * 64 * 16 * 16 * 256 * 256 * 9 / Best(() => nn.functional.conv2d(images, weight, padding: [1, 1]).Dispose());
        // Twice 64 MB: more than caches hold.
        var (source, target) = (rand(1 << 24, device: device), rand(1 << 24, device: device));
        var copy = 2.0 * (1 << 24) * sizeof(float) / Best(() => target.copy_(source));
        return new(Math.Max(product, convolution), copy);

        double Best(Action work) => Enumerable.Range(0, 15).Min(_ => Turns.Seconds(() =>
        {
            work();
            Devices.Finish(device);
        }));
    }

    /// <summary>The least seconds that so many operations can take.</summary>
    public double Floor(double flops) => flops / FlopsPerSecond;

    public override string ToString() => $"peak {FlopsPerSecond / 1e9:F0} GFLOP/s, copy {BytesPerSecond / 1e9:F1} GB/s";
}

/// <summary>The device that a benchmark runs on.</summary>
internal static class Devices
{
    /// <summary>Waits until the device has done what it was asked for.</summary>
    public static void Finish(Device device)
    {
        if (device.type == TorchSharp.DeviceType.CUDA) cuda.synchronize(device);
    }
}
