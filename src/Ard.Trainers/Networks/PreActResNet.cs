using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// Pre-activation ResNet-18 and ResNet-34 (He et al., ECCV 2016) in the shape used for CIFAR, in its two definitions: with BatchNorm before
/// the pooling (<see cref="NetworkSpec.BatchNorm"/>; bn), as in the paper, or without; and two of shortcuts (<see
/// cref="NetworkSpec.InputShortcut"/>). Names: conv1, layer{1..4}.{i}.{bn1,conv1,bn2,conv2,shortcut.0}, bn, linear.
/// </summary>
internal sealed class PreActResNet : ImageNetwork
{
    public PreActResNet(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 64;
        Features =
        [
            this.Register("conv1", Convolution3x3(spec.InputChannels, width)),
            .. Stages(this, LayerFrom1, ResNet.BlockCounts(spec.Depth!.Value), width, (a, b, s) => new PreActivationBlock(
                (a, b, s), ("bn1", "conv1", "bn2", "conv2"), Relu,
                block => block.Register("shortcut", Sequential(Convolution1x1(a, b, s))).Flat()) { TakesInput = spec.InputShortcut }),
        ];
        if (spec.BatchNorm) Features = [.. Features, this.Register("bn", BatchNorm2d(width << 3)), Relu];
        Classifier = [this.Register("linear", Linear(width << 3, spec.Classes))];
    }
}
