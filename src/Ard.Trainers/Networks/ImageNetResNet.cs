using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// ResNet-18, ResNet-34 and ResNet-50 (He et al., CVPR 2016) in the shape of ImageNet, as torchvision defines them: a 7x7 stem that halves
/// the resolution and a pooling that halves it again, then four stages. The blocks of ResNet-50 are bottlenecks, which stride in the 3x3
/// convolution. Names: conv1, bn1, layer{1..4}.{i}.{conv1,bn1,conv2,bn2,conv3,bn3,downsample.0,downsample.1}, fc.
/// </summary>
internal sealed class ImageNetResNet : ImageNetwork
{
    public ImageNetResNet(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 64;
        var bottleneck = spec.Depth == 50;
        var expansion = bottleneck ? 4 : 1;
        Features =
        [
            this.Register("conv1", Conv2d(spec.InputChannels, width, kernel_size: 7, stride: 2, padding: 3, bias: false)),
            this.Register("bn1", BatchNorm2d(width)), Relu, MaxPool2d(kernel_size: 3, stride: 2, padding: 1),
            .. Stages(this, LayerFrom1, ResNet.BlockCounts(spec.Depth!.Value), width,
                bottleneck ? static (a, b, s) => new Bottleneck(a, b, s) : static (a, b, s) => new BasicBlock(a, b, s), expansion),
        ];
        Classifier = [this.Register("fc", Linear(expansion * width << 3, spec.Classes))];
        InitialiseConvolutions(this);
    }

    private abstract class Residual : Block
    {
        protected Residual(int input, int output, int stride) : base(nameof(Residual))
        {
            if (stride != 1 || input != output)
                Shortcut = this.Register("downsample", Sequential(Convolution1x1(input, output, stride), BatchNorm2d(output))).Flat();
            EndsInRelu = true;
        }
    }

    private sealed class BasicBlock : Residual
    {
        public BasicBlock(int input, int output, int stride) : base(input, output, stride) => Layers =
        [
            this.Register("conv1", Convolution3x3(input, output, stride)), this.Register("bn1", BatchNorm2d(output)), Relu,
            this.Register("conv2", Convolution3x3(output, output)), this.Register("bn2", BatchNorm2d(output)),
        ];
    }

    private sealed class Bottleneck : Residual
    {
        public Bottleneck(int input, int output, int stride) : base(input, output, stride)
        {
            var width = output / 4;
            Layers =
            [
                this.Register("conv1", Convolution1x1(input, width)), this.Register("bn1", BatchNorm2d(width)), Relu,
                this.Register("conv2", Convolution3x3(width, width, stride)), this.Register("bn2", BatchNorm2d(width)), Relu,
                this.Register("conv3", Convolution1x1(width, output)), this.Register("bn3", BatchNorm2d(output)),
            ];
        }
    }
}
