namespace Ard.Trainers.Networks;

/// <summary>
/// Convolutions in bfloat16, whose exponents are float32's, so that no scaling of the loss is needed (Micikevicius et al., ICLR 2018;
/// Kalamkar et al., 2019). Weights, statistics, the last layer, losses and optimizers stay in float32.
/// </summary>
internal static class MixedPrecision
{
    [ThreadStatic]
    private static bool active;

    /// <summary>On this thread, the networks of this library compute so until the result is disposed; in float64 they never do.</summary>
    public static IDisposable Use(bool on)
    {
        var before = active;
        active = on;
        return new PutBack(() => active = before);
    }

    /// <summary>The input of a network in the type that its convolutions compute in.</summary>
    public static Tensor Reduced(Tensor input) => active && input.dtype == ScalarType.Float32 ? input.to(ScalarType.BFloat16) : input;

    /// <summary>What leaves the convolutions, in float32 if it is bfloat16.</summary>
    public static Tensor Full(Tensor output) => output.dtype == ScalarType.BFloat16 ? output.to(ScalarType.Float32) : output;
}
