using TorchSharp.Modules;
using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// ResNet-18, ResNet-34 and ResNet-50 (He et al., CVPR 2016) in the shape of ImageNet, as torchvision defines them: a 7x7 stem that halves
/// the resolution and a pooling that halves it again, then four stages. The blocks of ResNet-50 are bottlenecks, which stride in the 3x3
/// convolution. Names: conv1, bn1, layer{1..4}.{i}.{conv1,bn1,conv2,bn2,conv3,bn3,downsample.0,downsample.1}, fc.
/// </summary>
internal sealed class ImageNetResNet : ImageNetwork
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly MaxPool2d maxpool = MaxPool2d(kernel_size: 3, stride: 2, padding: 1);
    private readonly Sequential[] stages;
    private readonly Linear fc;

    public ImageNetResNet(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 64;
        var bottleneck = spec.Depth == 50;
        var expansion = bottleneck ? 4 : 1;
        conv1 = this.Register("conv1", Conv2d(spec.InputChannels, width, kernel_size: 7, stride: 2, padding: 3, bias: false));
        bn1 = this.Register("bn1", BatchNorm2d(width));
        stages =
        [
            .. ResNet.BlockCounts(spec.Depth!.Value).Select((count, i) => this.Register($"layer{i + 1}", Stage(
                count, i == 0 ? width : expansion * width << (i - 1), expansion * width << i, i == 0 ? 1 : 2,
                bottleneck ? static (a, b, s) => new Bottleneck(a, b, s) : static (a, b, s) => new BasicBlock(a, b, s)))),
        ];
        fc = this.Register("fc", Linear(expansion * width << 3, spec.Classes));
        InitialiseConvolutions(this);
    }

    private protected override Tensor Logits(Tensor input) =>
        fc.call(GlobalAverage(input.Then([conv1, bn1, Relu, maxpool, .. stages])));

    private protected override OnnxValue Logits(OnnxValue input) =>
        input.Then([conv1, bn1, Relu, maxpool, .. stages]).GlobalAverage().Then(fc);

    private abstract class Residual : Block
    {
        private readonly Sequential? downsample;

        protected Residual(int input, int output, int stride) : base(nameof(Residual))
        {
            if (stride != 1 || input != output)
                downsample = this.Register("downsample", Sequential(Convolution1x1(input, output, stride), BatchNorm2d(output)));
        }

        protected abstract Module<Tensor, Tensor>[] Layers { get; }

        protected sealed override Tensor Compute(Tensor input) =>
            input.Then(Layers).Plus(downsample is null ? input : input.Then(downsample)).relu();

        public sealed override OnnxValue ToOnnx(OnnxValue input) =>
            (input.Then(Layers) + (downsample is null ? input : input.Then(downsample))).Relu();
    }

    private sealed class BasicBlock : Residual
    {
        private readonly Conv2d conv1, conv2;
        private readonly BatchNorm2d bn1, bn2;

        public BasicBlock(int input, int output, int stride) : base(input, output, stride)
        {
            conv1 = this.Register("conv1", Convolution3x3(input, output, stride));
            bn1 = this.Register("bn1", BatchNorm2d(output));
            conv2 = this.Register("conv2", Convolution3x3(output, output));
            bn2 = this.Register("bn2", BatchNorm2d(output));
        }

        protected override Module<Tensor, Tensor>[] Layers => [conv1, bn1, Relu, conv2, bn2];
    }

    private sealed class Bottleneck : Residual
    {
        private readonly Conv2d conv1, conv2, conv3;
        private readonly BatchNorm2d bn1, bn2, bn3;

        public Bottleneck(int input, int output, int stride) : base(input, output, stride)
        {
            var width = output / 4;
            conv1 = this.Register("conv1", Convolution1x1(input, width));
            bn1 = this.Register("bn1", BatchNorm2d(width));
            conv2 = this.Register("conv2", Convolution3x3(width, width, stride));
            bn2 = this.Register("bn2", BatchNorm2d(width));
            conv3 = this.Register("conv3", Convolution1x1(width, output));
            bn3 = this.Register("bn3", BatchNorm2d(output));
        }

        protected override Module<Tensor, Tensor>[] Layers => [conv1, bn1, Relu, conv2, bn2, Relu, conv3, bn3];
    }
}
