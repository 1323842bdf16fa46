using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// Pre-activation ResNet-18 and ResNet-34 (He et al., ECCV 2016) in the shape used for CIFAR. Two definitions are in use: without
/// BatchNorm before the pooling (<see cref="NetworkSpec.BatchNorm"/> false) and, as in the paper, with it (true; its name is
/// bn); and two in what a shortcut takes (<see cref="NetworkSpec.InputShortcut"/>). Names: conv1,
/// layer{1..4}.{i}.{bn1,conv1,bn2,conv2,shortcut.0}, bn, linear.
/// </summary>
internal sealed class PreActResNet : ImageNetwork
{
    public PreActResNet(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 64;
        Features =
        [
            this.Register("conv1", Convolution3x3(spec.InputChannels, width)),
            .. Stages(this, LayerFrom1, ResNet.BlockCounts(spec.Depth!.Value), width,
                (a, b, s) => new PreActBlock(a, b, s, spec.InputShortcut)),
        ];
        if (spec.BatchNorm) Features = [.. Features, this.Register("bn", BatchNorm2d(width << 3)), Relu];
        Classifier = [this.Register("linear", Linear(width << 3, spec.Classes))];
    }

    private sealed class PreActBlock : Block
    {
        public PreActBlock(int input, int output, int stride, bool inputShortcut) : base(nameof(PreActBlock))
        {
            ShortcutTakesInput = inputShortcut;
            First = [this.Register("bn1", BatchNorm2d(input)), Relu];
            Layers =
            [
                this.Register("conv1", Convolution3x3(input, output, stride)),
                this.Register("bn2", BatchNorm2d(output)), Relu, this.Register("conv2", Convolution3x3(output, output)),
            ];
            if (stride != 1 || input != output)
                Shortcut = this.Register("shortcut", Sequential(Convolution1x1(input, output, stride))).Flat();
        }
    }
}
