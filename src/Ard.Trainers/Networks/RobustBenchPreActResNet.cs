using TorchSharp.Modules;
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
    private readonly Conv2d conv;
    private readonly Sequential[] stages;
    private readonly BatchNorm2d batchnorm;
    private readonly Linear logits;

    public RobustBenchPreActResNet(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 64;
        conv = this.Register("conv_2d", Convolution3x3(spec.InputChannels, width));
        stages =
        [
            .. ResNet.BlockCounts(spec.Depth!.Value).Select((count, i) => this.Register($"layer_{i}", Stage(
                count, i == 0 ? width : width << (i - 1), width << i, i == 0 ? 1 : 2, static (a, b, s) => new PreActBlock(a, b, s)))),
        ];
        batchnorm = this.Register("batchnorm", BatchNorm2d(width << 3));
        logits = this.Register("logits", Linear(width << 3, spec.Classes));
    }

    private protected override Tensor Logits(Tensor input) =>
        logits.call(GlobalAverage(input.Then([conv, .. stages, batchnorm, Silu])));

    private protected override OnnxValue Logits(OnnxValue input) =>
        input.Then([conv, .. stages, batchnorm, Silu]).GlobalAverage().Then(logits);

    private sealed class PreActBlock : Block
    {
        private readonly BatchNorm2d norm0, norm1;
        private readonly Conv2d conv1, conv2;
        private readonly Conv2d? shortcut;

        public PreActBlock(int input, int output, int stride) : base(nameof(PreActBlock))
        {
            norm0 = this.Register("batchnorm_0", BatchNorm2d(input));
            conv1 = this.Register("conv_2d_1", Convolution3x3Same(input, output, stride));
            norm1 = this.Register("batchnorm_1", BatchNorm2d(output));
            conv2 = this.Register("conv_2d_2", Convolution3x3(output, output));
            if (stride != 1 || input != output) shortcut = this.Register("shortcut", Convolution3x3Same(input, output, stride));
        }

        protected override Tensor Compute(Tensor input)
        {
            var x = input.Then(norm0, Silu).PadFor(conv1).Then(conv1, norm1, Silu, conv2);
            return x.Plus(shortcut is null ? input : input.PadFor(shortcut).Then(shortcut));
        }

        public override OnnxValue ToOnnx(OnnxValue input)
        {
            var x = input.Then(norm0, Silu).PadFor(conv1).Then(conv1, norm1, Silu, conv2);
            return x + (shortcut is null ? input : input.PadFor(shortcut).Then(shortcut));
        }
    }
}
