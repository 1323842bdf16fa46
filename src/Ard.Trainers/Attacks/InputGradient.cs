namespace Ard.Trainers.Attacks;

/// <summary>What is amiss with the gradient of an image, which no attack can follow then.</summary>
[Flags]
internal enum GradientFaults : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>It is exactly 0 everywhere.</summary>
    Zero = 1,

    /// <summary>A value of it is NaN.</summary>
    NaN = 2,

    /// <summary>A value of it is infinite.</summary>
    Infinite = 4,

    /// <summary>There is none: no graph leads from the output to the input.</summary>
    Missing = 8,
}

/// <summary>Gradients with regard to images, whatever the network makes of them.</summary>
internal static class InputGradient
{
    // In place of infinity: so large that it decides the direction, and its square can still be taken in float64.
    private const double Large = 1e30;

    /// <summary>The gradient [n,...] of the summed losses; null where there is none, for which libtorch would end the process.</summary>
    public static Tensor? Take(Tensor losses, Tensor leaf, bool retainGraph = false)
    {
        if (!losses.requires_grad) return null;
        using var record = enable_grad();
        var gradient = autograd.grad([losses.sum()], [leaf], retain_graph: retainGraph, allow_unused: true)[0];
        return gradient is null || gradient.IsInvalid ? null : gradient;
    }

    /// <summary>The same, where there has to be one.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static Tensor Require(Tensor losses, Tensor leaf) => Take(losses, leaf) ?? throw new InvalidOperationException(
        "The loss has no gradient with regard to the images: look for what cuts the graph in the network, such as detach or no_grad.");

    /// <summary>The gradient with 0 in place of NaN and large numbers in place of infinite ones: no step along it makes a NaN.</summary>
    public static Tensor Finite(Tensor gradient) => gradient.nan_to_num(0, Large, -Large);

    /// <summary>For each image whether its gradient is 0, NaN and infinite: bool [3,n].</summary>
    public static Tensor Faults(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        // A NaN goes through the maximum.
        var size = gradient.flatten(1).abs().amax(1);
        return stack([size.Eq(0), size.isnan(), size.isinf()]).MoveToOuterDisposeScope();
    }

    /// <summary>The rows of <see cref="Faults"/>, bool [3,n], as flags; waits for the device.</summary>
    public static GradientFaults[] ToFlags(Tensor met)
    {
        var (values, count) = (met.cpu().contiguous().data<bool>().ToArray(), (int)met.shape[1]);
        return
        [
            .. Enumerable.Range(0, count).Select(i =>
                (values[i] ? GradientFaults.Zero : 0) | (values[count + i] ? GradientFaults.NaN : 0)
                | (values[2 * count + i] ? GradientFaults.Infinite : 0)),
        ];
    }
}
