using TorchSharp.Modules;

namespace Ard.Trainers.Networks;

/// <summary>
/// What the networks have in common: registration by name, convolutions without bias (a BatchNorm follows), stages of residual blocks.
/// </summary>
internal static class Layers
{
    public static T Register<T>(this Module parent, string name, T child) where T : Module
    {
        parent.register_module(name, child);
        return child;
    }

    /// <summary>It has no parameters, and is one of them all.</summary>
    public static ReLU Relu { get; } = ReLU();

    /// <inheritdoc cref="Relu"/>
    public static SiLU Silu { get; } = SiLU();

    public static Conv2d Convolution3x3(int input, int output, int stride = 1, int groups = 1) =>
        Conv2d(input, output, kernel_size: 3, stride: stride, padding: 1, groups: groups, bias: false);

    public static Conv2d Convolution1x1(int input, int output, int stride = 1) =>
        Conv2d(input, output, kernel_size: 1, stride: stride, bias: false);

    /// <summary>
    /// A 3x3 convolution padded as TensorFlow does it ("SAME"): where it strides, a row below and a column to the right only. Its input
    /// goes through <see cref="PadFor(Tensor, Conv2d)"/> before.
    /// </summary>
    public static Conv2d Convolution3x3Same(int input, int output, int stride) =>
        Conv2d(input, output, kernel_size: 3, stride: stride, padding: stride == 1 ? 1 : 0, bias: false);

    public static Tensor PadFor(this Tensor input, Conv2d same) => same.padding![0] > 0 ? input : functional.pad(input, [0, 1, 0, 1]);

    public static OnnxValue PadFor(this OnnxValue input, Conv2d same) => same.padding![0] > 0 ? input : input.Operator(
        "Pad", x => functional.pad(x[0], [0, 1, 0, 1]), [input.Constant("pads", tensor((long[])[0, 0, 0, 0, 0, 0, 1, 1]))]);

    /// <summary>Draws the weights of all convolutions from N(0, 2/(k² output channels)).</summary>
    public static void InitialiseConvolutions(Module network)
    {
        foreach (var (_, parameter) in network.named_parameters().Where(p => p.parameter.dim() == 4))
            init.normal_(parameter, 0, Math.Sqrt(2.0 / (parameter.shape[2] * parameter.shape[3] * parameter.shape[0])));
    }

    /// <summary>
    /// The stages of a residual network, registered as layer1, layer2 …; each after the first halves the resolution and doubles the
    /// width.
    /// </summary>
    public static Sequential[] Stages(Module network, int[] counts, int width, Func<int, int, int, Module<Tensor, Tensor>> block) =>
        [.. counts.Select((count, i) => network.Register($"layer{i + 1}", i == 0
            ? Stage(count, width, width, 1, block)
            : Stage(count, width << (i - 1), width << i, 2, block)))];

    /// <summary>A stage of residual blocks: the first one strides and changes the width, the others keep both.</summary>
    public static Sequential Stage(int count, int input, int output, int stride, Func<int, int, int, Module<Tensor, Tensor>> block) =>
        Sequential(Enumerable.Range(0, count).Select(i => i == 0 ? block(input, output, stride) : block(output, output, 1)));

    /// <summary>Whether the two could be computed with each other. Devices themselves are never equal, each tensor has its own.</summary>
    public static bool IsOfTypeAndDeviceOf(this Tensor tensor, Tensor other) =>
        tensor.dtype == other.dtype && tensor.device_type == other.device_type && tensor.device_index == other.device_index;

    /// <summary>
    /// Mean over rows and columns: [N,C,H,W] to [N,C]. Where the original networks pool a window of the fixed size that is left of a
    /// 32x32 image, this is the same number, and it is defined for every other image size as well.
    /// </summary>
    public static Tensor GlobalAverage(Tensor input) => MixedPrecision.Full(input).mean([2L, 3L]);
}

/// <summary>
/// A part of a network whose intermediate tensors are freed as soon as it has computed its output. Autograd keeps what it needs by
/// itself.
/// </summary>
internal abstract class Block(string name) : Module<Tensor, Tensor>(name), IOnnxModule
{
    public sealed override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return Compute(input).MoveToOuterDisposeScope();
    }

    protected abstract Tensor Compute(Tensor input);

    public abstract OnnxValue ToOnnx(OnnxValue input);
}
