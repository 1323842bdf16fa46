using TorchSharp.Modules;
using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// MobileNetV2 (Sandler et al., CVPR 2018) in the shape of ImageNet, as torchvision defines it: five layers halve the resolution, ReLU6,
/// dropout of a fifth before the linear layer. Names: features.0.{0,1}, features.{1..17}.conv.…, features.18.{0,1}, classifier.1.
/// </summary>
internal sealed class ImageNetMobileNetV2 : ImageNetwork
{
    public ImageNetMobileNetV2(NetworkSpec spec) : base(spec)
    {
        Features = this.Register("features", Sequential(
        [
            Normalised(Convolution3x3(spec.InputChannels, 32, stride: 2), 32),
            .. MobileNetV2.Bottlenecks(secondStride: 2, static (a, b, e, s) => new InvertedResidual(a, b, e, s)),
            Normalised(Convolution1x1(320, 1280), 1280),
        ])).Flat();
        var linear = Linear(1280, spec.Classes);
        Classifier = this.Register("classifier", Sequential(Dropout(0.2), linear)).Flat();
        InitialiseConvolutions(this);
        init.normal_(linear.weight, 0, 0.01);
        init.zeros_(linear.bias!);
        ChannelsLast = true;
    }

    private static Sequential Normalised(Conv2d convolution, int output) => Sequential(convolution, BatchNorm2d(output), ReLU6());

    private sealed class InvertedResidual : Block
    {
        public InvertedResidual(int input, int output, int expansion, int stride) : base(nameof(InvertedResidual))
        {
            var width = expansion * input;
            Module<Tensor, Tensor>[] widen = expansion == 1 ? [] : [Normalised(Convolution1x1(input, width), width)];
            Layers = this.Register("conv", Sequential(
            [
                .. widen, Normalised(Convolution3x3(width, width, stride, groups: width), width),
                Convolution1x1(width, output), BatchNorm2d(output),
            ])).Flat();
            if (stride != 1 || input != output) Shortcut = null;
        }
    }
}
