using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// WideResNet-depth-widen with SiLU (Gowal et al., 2020), of most RobustBench teachers. A convolution that strides pads a row below and a
/// column to the right only. Names: init_conv, layer.{0..2}.block.{i}.{batchnorm_0,conv_0,batchnorm_1,conv_1,shortcut}, batchnorm, logits.
/// </summary>
internal sealed class RobustBenchWideResNet : ImageNetwork
{
    public RobustBenchWideResNet(NetworkSpec spec) : base(spec)
    {
        var count = (spec.Depth!.Value - 4) / 6;
        var width = 16 * spec.WidenFactor!.Value;
        Features =
        [
            this.Register("init_conv", Convolution3x3(spec.InputChannels, 16)),
            this.Register("layer", Sequential(Stage(16, width, 1), Stage(width, 2 * width, 2), Stage(2 * width, 4 * width, 2))),
            this.Register("batchnorm", BatchNorm2d(4 * width)), Silu,
        ];
        Classifier = [this.Register("logits", Linear(4 * width, spec.Classes))];

        Around Stage(int input, int output, int stride) =>
            new("block", Layers.Stage(count, input, output, stride, static (a, b, s) => new PreActivationBlock(
                (a, b, s), ("batchnorm_0", "conv_0", "batchnorm_1", "conv_1"), Silu,
                block => [block.Register("shortcut", Convolution1x1(a, b, s))], padsSame: true)));
    }
}
