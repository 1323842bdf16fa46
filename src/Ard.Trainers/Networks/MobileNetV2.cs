using TorchSharp.Modules;
using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// MobileNetV2 (Sandler et al., CVPR 2018) in the shape used for CIFAR: the stem and the second group keep the resolution, and a block that
/// keeps the resolution but changes the width has a projection shortcut. ReLU, not ReLU6. Names: conv1, bn1,
/// layers.{0..16}.{conv1,bn1,conv2,bn2,conv3,bn3,shortcut.0,shortcut.1}, conv2, bn2, linear.
/// </summary>
internal sealed class MobileNetV2 : ImageNetwork
{
    private readonly Conv2d conv1, conv2;
    private readonly BatchNorm2d bn1, bn2;
    private readonly Sequential layers;
    private readonly Linear linear;

    public MobileNetV2(NetworkSpec spec) : base(spec)
    {
        conv1 = this.Register("conv1", Convolution3x3(spec.InputChannels, 32));
        bn1 = this.Register("bn1", BatchNorm2d(32));
        layers = this.Register("layers", Sequential(Bottlenecks(secondStride: 1, static (a, b, e, s) => new InvertedResidual(a, b, e, s))));
        conv2 = this.Register("conv2", Convolution1x1(320, 1280));
        bn2 = this.Register("bn2", BatchNorm2d(1280));
        linear = this.Register("linear", Linear(1280, spec.Classes));
    }

    /// <summary>The bottlenecks of Sandler et al., table 2.</summary>
    /// <param name="secondStride">The stride of the second group: 2 there, 1 in the shape used for CIFAR.</param>
    /// <param name="block">One of them by input and output channels, expansion and stride.</param>
    public static IEnumerable<Module<Tensor, Tensor>> Bottlenecks(
        int secondStride, Func<int, int, int, int, Module<Tensor, Tensor>> block)
    {
        (int Expansion, int Output, int Count, int Stride)[] groups =
            [(1, 16, 1, 1), (6, 24, 2, secondStride), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];
        var input = 32;
        foreach (var (expansion, output, count, stride) in groups)
        {
            for (var i = 0; i < count; i++, input = output) yield return block(input, output, expansion, i == 0 ? stride : 1);
        }
    }

    private protected override bool ChannelsLast => true;

    private protected override Tensor Logits(Tensor input) =>
        linear.call(GlobalAverage(input.Then(conv1, bn1, Relu, layers, conv2, bn2, Relu)));

    private protected override OnnxValue Logits(OnnxValue input) =>
        input.Then(conv1, bn1, Relu, layers, conv2, bn2, Relu).GlobalAverage().Then(linear);

    private sealed class InvertedResidual : Block
    {
        private readonly Conv2d conv1, conv2, conv3;
        private readonly BatchNorm2d bn1, bn2, bn3;
        private readonly Sequential? shortcut;
        private readonly bool residual;

        public InvertedResidual(int input, int output, int expansion, int stride) : base(nameof(InvertedResidual))
        {
            var width = expansion * input;
            residual = stride == 1;
            conv1 = this.Register("conv1", Convolution1x1(input, width));
            bn1 = this.Register("bn1", BatchNorm2d(width));
            conv2 = this.Register("conv2", Convolution3x3(width, width, stride, groups: width));
            bn2 = this.Register("bn2", BatchNorm2d(width));
            conv3 = this.Register("conv3", Convolution1x1(width, output));
            bn3 = this.Register("bn3", BatchNorm2d(output));
            if (residual && input != output)
                shortcut = this.Register("shortcut", Sequential(Convolution1x1(input, output), BatchNorm2d(output)));
        }

        protected override Tensor Compute(Tensor input)
        {
            var x = input.Then(conv1, bn1, Relu, conv2, bn2, Relu, conv3, bn3);
            return residual ? x.Plus(shortcut is null ? input : input.Then(shortcut)) : x;
        }

        public override OnnxValue ToOnnx(OnnxValue input)
        {
            var x = input.Then(conv1, bn1, Relu, conv2, bn2, Relu, conv3, bn3);
            return residual ? x + (shortcut is null ? input : input.Then(shortcut)) : x;
        }
    }
}
