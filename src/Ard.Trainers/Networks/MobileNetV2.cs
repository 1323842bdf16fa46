using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// MobileNetV2 (Sandler et al., CVPR 2018) in the shape used for CIFAR: the stem and the second group keep the resolution, and a block that
/// keeps the resolution but changes the width has a projection shortcut. ReLU, not ReLU6. Names: conv1, bn1,
/// layers.{0..16}.{conv1,bn1,conv2,bn2,conv3,bn3,shortcut.0,shortcut.1}, conv2, bn2, linear.
/// </summary>
internal sealed class MobileNetV2 : ImageNetwork
{
    public MobileNetV2(NetworkSpec spec) : base(spec)
    {
        Features =
        [
            this.Register("conv1", Convolution3x3(spec.InputChannels, 32)), this.Register("bn1", BatchNorm2d(32)), Relu,
            this.Register("layers", Sequential(Bottlenecks(secondStride: 1, static (a, b, e, s) => new InvertedResidual(a, b, e, s)))),
            this.Register("conv2", Convolution1x1(320, 1280)), this.Register("bn2", BatchNorm2d(1280)), Relu,
        ];
        Classifier = [this.Register("linear", Linear(1280, spec.Classes))];
        ChannelsLast = true;
    }

    /// <summary>The bottlenecks of Sandler et al., table 2: input and output channels, expansion, stride (of the second group 2).</summary>
    public static IEnumerable<Module<Tensor, Tensor>> Bottlenecks(int secondStride, Func<int, int, int, int, Module<Tensor, Tensor>> block)
    {
        (int Expansion, int Output, int Count, int Stride)[] groups =
            [(1, 16, 1, 1), (6, 24, 2, secondStride), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];
        var input = 32;
        foreach (var (expansion, output, count, stride) in groups)
        {
            for (var i = 0; i < count; i++, input = output) yield return block(input, output, expansion, i == 0 ? stride : 1);
        }
    }

    private sealed class InvertedResidual : Block
    {
        public InvertedResidual(int input, int output, int expansion, int stride) : base(nameof(InvertedResidual))
        {
            var width = expansion * input;
            Layers =
            [
                this.Register("conv1", Convolution1x1(input, width)), this.Register("bn1", BatchNorm2d(width)), Relu,
                this.Register("conv2", Convolution3x3(width, width, stride, groups: width)), this.Register("bn2", BatchNorm2d(width)), Relu,
                this.Register("conv3", Convolution1x1(width, output)), this.Register("bn3", BatchNorm2d(output)),
            ];
            if (stride != 1) Shortcut = null;
            else if (input != output)
                Shortcut = this.Register("shortcut", Sequential(Convolution1x1(input, output), BatchNorm2d(output))).Flat();
        }
    }
}
