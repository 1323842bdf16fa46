namespace Ard.Trainers.Native;

/// <summary>
/// Whether this machine's gradients of convolutions are right. Where an AMD processor does not tell the size of its caches, as in some
/// virtual machines, oneDNN computes wrong ones (its issue 5313): attacks then fail, and a network looks robust that is not.
/// </summary>
internal static class GradientCheck
{
    // Rounding is off by 1e-6.
    private const double Tolerance = 1e-3;

    private static readonly Lazy<string?> Fault = new(() => FaultOf(Gradients));

    /// <summary>Compares once in a process, which takes milliseconds. For work on the CPU, before its first gradient.</summary>
    /// <exception cref="InvalidOperationException">Gradients are wrong; the message says why and what to do.</exception>
    public static void Require()
    {
        if (Fault.Value is { } fault) throw new InvalidOperationException(fault);
    }

    /// <summary>What is wrong with gradients in float32, compared with the same in float64; null where nothing is.</summary>
    internal static string? FaultOf(Func<ScalarType, Tensor[]> gradients)
    {
        using var scope = NewDisposeScope();
        var error = gradients(ScalarType.Float32).Zip(gradients(ScalarType.Float64), Difference).Max();
        if (error <= Tolerance) return null;
        return "The gradient of a convolution in Float32 differs from Float64's by "
            + Invariant($"{error:G2} of its norm, expected at most {Tolerance}: ")
            + $"attacks and training would be wrong. Known cause: oneDNN, of libtorch {__version__}, on an AMD processor that hides the "
            + "size of its caches (no /sys/devices/system/cpu/cpu0/cache). Remedy: ONEDNN_MAX_CPU_ISA=SSE41 in the environment before the "
            + "application starts. Ard.Trainers sets it by itself where it is used before anything else of TorchSharp.";
    }

    // NaN, which Max would not see, counts as infinitely far.
    private static double Difference(Tensor single, Tensor exact)
    {
        var error = ((single.to(ScalarType.Float64) - exact).norm() / exact.norm()).item<double>();
        return double.IsNaN(error) ? double.PositiveInfinity : error;
    }

    /// <summary>The gradients of images and weights through the kinds of convolutions that networks have.</summary>
    internal static Tensor[] Gradients(ScalarType type)
    {
        using var record = enable_grad();
        var random = new Random(1);
        Tensor Leaf(params long[] shape) => tensor(
            Enumerable.Range(0, (int)shape.Aggregate((left, right) => left * right)).Select(_ => random.NextDouble() - 0.5).ToArray(),
            dtype: type).reshape(shape).requires_grad_();

        var images = Leaf(4, 3, 16, 16);
        Tensor[] weights = [Leaf(32, 3, 3, 3), Leaf(64, 32, 3, 3), Leaf(64, 1, 3, 3), Leaf(32, 64, 1, 1)];
        var output = nn.functional.conv2d(images, weights[0], padding: [1, 1]);
        output = nn.functional.conv2d(output, weights[1], strides: [2, 2], padding: [1, 1]);
        output = nn.functional.conv2d(output, weights[2], padding: [1, 1], groups: 64);
        output = nn.functional.conv2d(output, weights[3]);
        return [.. autograd.grad([(output * output).sum()], [images, .. weights])];
    }
}
