using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// WideResNet-depth-widen (Zagoruyko and Komodakis, BMVC 2016), depth 6n+4, without dropout: conv1,
/// block{1..3}.layer.{i}.{bn1,conv1,bn2,conv2,convShortcut}, bn1, fc. Convolutions start from N(0, 2/(k² output channels)), the linear
/// layer's bias from 0. <see cref="NetworkSpec.SubBlock1"/> adds sub_block1, which the code of TRADES and ARD holds but never uses.
/// </summary>
internal sealed class WideResNet : ImageNetwork
{
    public WideResNet(NetworkSpec spec) : base(spec)
    {
        var count = (spec.Depth!.Value - 4) / 6;
        var width = 16 * spec.WidenFactor!.Value;
        Features = [this.Register("conv1", Convolution3x3(spec.InputChannels, 16)), Stage("block1", 16, width, 1)];
        if (spec.SubBlock1) Stage("sub_block1", 16, width, 1);
        Features =
        [
            .. Features, Stage("block2", width, 2 * width, 2), Stage("block3", 2 * width, 4 * width, 2),
            this.Register("bn1", BatchNorm2d(4 * width)), Relu,
        ];
        var fc = this.Register("fc", Linear(4 * width, spec.Classes));
        Classifier = [fc];
        InitialiseConvolutions(this);
        init.zeros_(fc.bias!);

        Around Stage(string name, int input, int output, int stride) => this.Register(name, new Around(
            "layer", Layers.Stage(count, input, output, stride, static (a, b, s) => new PreActivationBlock(
                (a, b, s), ("bn1", "conv1", "bn2", "conv2"), Relu, block => [block.Register("convShortcut", Convolution1x1(a, b, s))]))));
    }
}
