using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// Pre-activation ResNet-18 and ResNet-34 with SiLU as RobustBench's robust teachers have them (Gowal et al., 2020; Rade and
/// Moosavi-Dezfooli, 2021). It differs from <see cref="PreActResNet"/> in its names, its activation, in shortcuts of 3x3 on what the block
/// was given, and in what a convolution that strides pads: a row below and a column to the right only. Names: conv_2d,
/// layer_{0..3}.{i}.{batchnorm_0,conv_2d_1,batchnorm_1,conv_2d_2,shortcut}, batchnorm, logits.
/// </summary>
internal sealed class RobustBenchPreActResNet : ImageNetwork
{
    public RobustBenchPreActResNet(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 64;
        Features =
        [
            this.Register("conv_2d", Convolution3x3(spec.InputChannels, width)),
            .. Stages(this, static i => $"layer_{i}", ResNet.BlockCounts(spec.Depth!.Value), width,
                static (a, b, s) => new PreActBlock(a, b, s)),
            this.Register("batchnorm", BatchNorm2d(width << 3)), Silu,
        ];
        Classifier = [this.Register("logits", Linear(width << 3, spec.Classes))];
    }

    private sealed class PreActBlock : Block
    {
        public PreActBlock(int input, int output, int stride) : base(nameof(PreActBlock))
        {
            Layers =
            [
                this.Register("batchnorm_0", BatchNorm2d(input)), Silu, .. Convolution3x3Same(this, "conv_2d_1", input, output, stride),
                this.Register("batchnorm_1", BatchNorm2d(output)), Silu, this.Register("conv_2d_2", Convolution3x3(output, output)),
            ];
            if (stride != 1 || input != output) Shortcut = Convolution3x3Same(this, "shortcut", input, output, stride);
        }
    }
}
