using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// The block of pre-activation networks (He et al., ECCV 2016): two 3x3 convolutions, each behind BatchNorm and an activation, and a
/// shortcut, where stride or width change with weights of its own.
/// </summary>
internal sealed class PreActivationBlock : Block
{
    /// <summary>One of a definition: its names in their order, its activation, and how a convolution that strides pads.</summary>
    /// <param name="size">Input and output channels, and the stride of the first convolution.</param>
    /// <param name="names">Those of BatchNorm, convolution, BatchNorm, convolution.</param>
    /// <param name="activation">Behind each BatchNorm.</param>
    /// <param name="shortcut">Makes the shortcut where there is one with weights, registered in the block.</param>
    /// <param name="padsSame">Whether padding is TensorFlow's: <see cref="Convolution3x3Same"/>.</param>
    public PreActivationBlock(
        (int Input, int Output, int Stride) size, (string, string, string, string) names, Module<Tensor, Tensor> activation,
        Func<Block, Module<Tensor, Tensor>[]> shortcut, bool padsSame = false) : base(nameof(PreActivationBlock))
    {
        var ((input, output, stride), (norm1, convolution1, norm2, convolution2)) = (size, names);
        First = [this.Register(norm1, BatchNorm2d(input)), activation];
        Layers =
        [
            .. padsSame
                ? Convolution3x3Same(this, convolution1, input, output, stride)
                : [this.Register(convolution1, Convolution3x3(input, output, stride))],
            this.Register(norm2, BatchNorm2d(output)), activation, this.Register(convolution2, Convolution3x3(output, output)),
        ];
        if (stride != 1 || input != output) Shortcut = shortcut(this);
    }

    /// <summary>Whether the shortcut takes the block's input, not what the first BatchNorm and activation make of it.</summary>
    public bool TakesInput { init => ShortcutTakesInput = value; }
}
