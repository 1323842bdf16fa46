using TorchSharp.Modules;

namespace Ard.Trainers.Networks;

/// <summary>What the networks share: registration by name, convolutions without bias (a BatchNorm follows), stages of blocks.</summary>
internal static class Layers
{
    public static T Register<T>(this Module parent, string name, T child) where T : Module
    {
        parent.register_module(name, child);
        return child;
    }

    // They have no parameters, and are one of them all.
    public static ReLU Relu { get; } = ReLU();

    public static SiLU Silu { get; } = SiLU();

    public static Conv2d Convolution3x3(int input, int output, int stride = 1, int groups = 1) =>
        Conv2d(input, output, kernel_size: 3, stride: stride, padding: 1, groups: groups, bias: false);

    public static Conv2d Convolution1x1(int input, int output, int stride = 1) =>
        Conv2d(input, output, kernel_size: 1, stride: stride, bias: false);

    /// <summary>A convolution with ReLU, and BatchNorm between in place of a bias.</summary>
    public static IEnumerable<Module<Tensor, Tensor>> Convolution(int input, int output, int kernel, int stride, bool batchNorm)
    {
        yield return Conv2d(input, output, kernel_size: kernel, stride: stride, padding: 1, bias: !batchNorm);
        if (batchNorm) yield return BatchNorm2d(output);
        yield return ReLU(inplace: true);
    }

    /// <summary>A 3x3 convolution padded as TensorFlow does it: where it strides, by a row below and a column to the right.</summary>
    public static Module<Tensor, Tensor>[] Convolution3x3Same(Module parent, string name, int input, int output, int stride) => stride == 1
        ? [parent.Register(name, Convolution3x3(input, output))]
        : [new PadBelowAndRight(), parent.Register(name, Conv2d(input, output, kernel_size: 3, stride: stride, bias: false))];

    private sealed class PadBelowAndRight() : Module<Tensor, Tensor>("Pad"), IOnnxModule
    {
        public override Tensor forward(Tensor input) => functional.pad(input, [0, 1, 0, 1]);

        public OnnxValue ToOnnx(OnnxValue input) =>
            input.Operator("Pad", x => forward(x[0]), [input.Constant("pads", tensor((long[])[0, 0, 0, 0, 0, 0, 1, 1]))]);
    }

    /// <summary>Draws the weights of all convolutions from N(0, 2/(k² output channels)).</summary>
    public static void InitialiseConvolutions(Module network)
    {
        foreach (var (_, parameter) in network.named_parameters().Where(p => p.parameter.dim() == 4))
            init.normal_(parameter, 0, Math.Sqrt(2.0 / (parameter.shape[2] * parameter.shape[3] * parameter.shape[0])));
    }

    /// <summary>
    /// Stages registered by their numbers from 0; each after the first halves the resolution and doubles the width, which the first
    /// multiplies by the expansion. Blocks are made by input and output channels and stride.
    /// </summary>
    public static IEnumerable<Sequential> Stages(
        Module network, Func<int, string> name, int[] counts, int width, Func<int, int, int, Module<Tensor, Tensor>> block,
        int expansion = 1) =>
        counts.Select((count, i) => network.Register(name(i), i == 0
            ? Stage(count, width, expansion * width, 1, block)
            : Stage(count, expansion * width << (i - 1), expansion * width << i, 2, block)));

    /// <summary>layer1, layer2 …, as most definitions name their stages.</summary>
    public static string LayerFrom1(int stage) => $"layer{stage + 1}";

    /// <summary>A stage of residual blocks: the first one strides and changes the width, the others keep both.</summary>
    public static Sequential Stage(int count, int input, int output, int stride, Func<int, int, int, Module<Tensor, Tensor>> block) =>
        Sequential(Enumerable.Range(0, count).Select(i => i == 0 ? block(input, output, stride) : block(output, output, 1)));

    /// <summary>The layers in a module one by one: those of a Sequential, and of one within it.</summary>
    public static Module<Tensor, Tensor>[] Flat(this Module<Tensor, Tensor> module) => module is not Sequential layers ? [module]
        : [.. Enumerable.Range(0, layers.Count).SelectMany(i => ((Module<Tensor, Tensor>)layers[i]).Flat())];

    /// <summary>Whether the two could be computed with each other. Devices themselves are never equal, each tensor has its own.</summary>
    public static bool IsOfTypeAndDeviceOf(this Tensor tensor, Tensor other) =>
        tensor.dtype == other.dtype && tensor.device_type == other.device_type && tensor.device_index == other.device_index;
}

/// <summary>What layers make of the input, as a rule with a shortcut added. Tensors between are freed; autograd keeps its own.</summary>
internal abstract class Block(string name) : Module<Tensor, Tensor>(name), IOnnxModule
{
    /// <summary>What layers and shortcut both take the output of, such as an activation before the block; empty for the input.</summary>
    protected Module<Tensor, Tensor>[] First { get; init; } = [];

    protected Module<Tensor, Tensor>[] Layers { get; init; } = [];

    /// <summary>What is added to the layers' output; of no layers the input itself; null where nothing is added.</summary>
    protected Module<Tensor, Tensor>[]? Shortcut { get; init; } = [];

    /// <summary>Whether the shortcut takes the input all the same.</summary>
    protected bool ShortcutTakesInput { get; init; }

    protected bool EndsInRelu { get; init; }

    public sealed override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var first = input.Then(First);
        var output = first.Then(Layers);
        if (Shortcut is not null) output = output.Plus(OfShortcut(input, first).Then(Shortcut));
        return (EndsInRelu ? output.relu() : output).MoveToOuterDisposeScope();
    }

    public OnnxValue ToOnnx(OnnxValue input)
    {
        var first = input.Then(First);
        var output = first.Then(Layers);
        if (Shortcut is not null) output += OfShortcut(input, first).Then(Shortcut);
        return EndsInRelu ? output.Relu() : output;
    }

    private T OfShortcut<T>(T input, T first) => Shortcut is [] || ShortcutTakesInput ? input : first;
}

/// <summary>A module around one other, for the names of its parameters.</summary>
internal sealed class Around : Block
{
    public Around(string name, Module<Tensor, Tensor> inner) : base(nameof(Around)) =>
        (Layers, Shortcut) = ([this.Register(name, inner)], null);
}
