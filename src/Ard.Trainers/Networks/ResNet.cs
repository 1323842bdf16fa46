using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// ResNet-18 and ResNet-34 (He et al., CVPR 2016) in the shape used for CIFAR: a 3x3 stem without pooling, four stages of width w, 2w,
/// 4w, 8w (w = 64). Names: conv1, bn1, layer{1..4}.{i}.{conv1,bn1,conv2,bn2,shortcut.0,shortcut.1}, linear.
/// </summary>
internal sealed class ResNet : ImageNetwork
{
    public ResNet(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 64;
        Features =
        [
            this.Register("conv1", Convolution3x3(spec.InputChannels, width)), this.Register("bn1", BatchNorm2d(width)), Relu,
            .. Stages(this, LayerFrom1, BlockCounts(spec.Depth!.Value), width, static (a, b, s) => new BasicBlock(a, b, s)),
        ];
        Classifier = [this.Register("linear", Linear(width << 3, spec.Classes))];
    }

    public static int[] BlockCounts(int depth) => depth == 18 ? [2, 2, 2, 2] : [3, 4, 6, 3];

    private sealed class BasicBlock : Block
    {
        public BasicBlock(int input, int output, int stride) : base(nameof(BasicBlock))
        {
            Layers =
            [
                this.Register("conv1", Convolution3x3(input, output, stride)), this.Register("bn1", BatchNorm2d(output)), Relu,
                this.Register("conv2", Convolution3x3(output, output)), this.Register("bn2", BatchNorm2d(output)),
            ];
            if (stride != 1 || input != output)
                Shortcut = this.Register("shortcut", Sequential(Convolution1x1(input, output, stride), BatchNorm2d(output))).Flat();
            EndsInRelu = true;
        }
    }
}
