using TorchSharp.Modules;
using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// WideResNet-depth-widen with SiLU (Gowal et al., "Uncovering the limits of adversarial training", 2020), the definition of most robust
/// teachers of RobustBench. It differs from <see cref="WideResNet"/> in its names, its activation, and in what a convolution that strides
/// pads: a row below and a column to the right only. Names: init_conv, layer.{0..2}.block.{i}.{batchnorm_0,conv_0,batchnorm_1,conv_1,
/// shortcut}, batchnorm, logits.
/// </summary>
internal sealed class RobustBenchWideResNet : ImageNetwork
{
    private readonly Conv2d conv;
    private readonly Sequential layer;
    private readonly BatchNorm2d batchnorm;
    private readonly Linear logits;

    public RobustBenchWideResNet(NetworkSpec spec) : base(spec)
    {
        var count = (spec.Depth!.Value - 4) / 6;
        var width = 16 * spec.WidenFactor!.Value;
        conv = this.Register("init_conv", Convolution3x3(spec.InputChannels, 16));
        layer = this.Register("layer", Sequential(
            new BlockGroup(count, 16, width, 1), new BlockGroup(count, width, 2 * width, 2),
            new BlockGroup(count, 2 * width, 4 * width, 2)));
        batchnorm = this.Register("batchnorm", BatchNorm2d(4 * width));
        logits = this.Register("logits", Linear(4 * width, spec.Classes));
    }

    private protected override Tensor Logits(Tensor input) => logits.call(GlobalAverage(input.Then(conv, layer, batchnorm, Silu)));

    private protected override OnnxValue Logits(OnnxValue input) =>
        input.Then(conv, layer, batchnorm, Silu).GlobalAverage().Then(logits);

    private sealed class BlockGroup : Module<Tensor, Tensor>, IOnnxModule
    {
        private readonly Sequential block;

        public BlockGroup(int count, int input, int output, int stride) : base(nameof(BlockGroup)) =>
            block = this.Register("block", Stage(count, input, output, stride, static (a, b, s) => new PreActBlock(a, b, s)));

        public override Tensor forward(Tensor input) => block.call(input);

        public OnnxValue ToOnnx(OnnxValue input) => input.Then(block);
    }

    private sealed class PreActBlock : Block
    {
        private readonly BatchNorm2d norm0, norm1;
        private readonly Conv2d conv0, conv1;
        private readonly Conv2d? shortcut;

        public PreActBlock(int input, int output, int stride) : base(nameof(PreActBlock))
        {
            norm0 = this.Register("batchnorm_0", BatchNorm2d(input));
            conv0 = this.Register("conv_0", Convolution3x3Same(input, output, stride));
            norm1 = this.Register("batchnorm_1", BatchNorm2d(output));
            conv1 = this.Register("conv_1", Convolution3x3(output, output));
            if (input != output) shortcut = this.Register("shortcut", Convolution1x1(input, output, stride));
        }

        protected override Tensor Compute(Tensor input)
        {
            var active = input.Then(norm0, Silu);
            return active.PadFor(conv0).Then(conv0, norm1, Silu, conv1).Plus(shortcut is null ? input : active.Then(shortcut));
        }

        public override OnnxValue ToOnnx(OnnxValue input)
        {
            var active = input.Then(norm0, Silu);
            return active.PadFor(conv0).Then(conv0, norm1, Silu, conv1) + (shortcut is null ? input : active.Then(shortcut));
        }
    }
}
