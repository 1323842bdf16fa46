using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// Pre-activation ResNet-18 and ResNet-34 with SiLU, of RobustBench's teachers (Gowal et al., 2020; Rade and Moosavi-Dezfooli, 2021).
/// Shortcuts are of 3x3 and take the block's input; a convolution that strides pads a row below and a column to the right only. Names:
/// conv_2d, layer_{0..3}.{i}.{batchnorm_0,conv_2d_1,batchnorm_1,conv_2d_2,shortcut}, batchnorm, logits.
/// </summary>
internal sealed class RobustBenchPreActResNet : ImageNetwork
{
    public RobustBenchPreActResNet(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 64;
        Features =
        [
            this.Register("conv_2d", Convolution3x3(spec.InputChannels, width)),
            .. Stages(this, static i => $"layer_{i}", ResNet.BlockCounts(spec.Depth!.Value), width, static (a, b, s) =>
                new PreActivationBlock((a, b, s), ("batchnorm_0", "conv_2d_1", "batchnorm_1", "conv_2d_2"), Silu,
                    block => Convolution3x3Same(block, "shortcut", a, b, s), padsSame: true) { TakesInput = true }),
            this.Register("batchnorm", BatchNorm2d(width << 3)), Silu,
        ];
        Classifier = [this.Register("logits", Linear(width << 3, spec.Classes))];
    }
}
