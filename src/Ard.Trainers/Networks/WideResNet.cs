using TorchSharp.Modules;
using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// WideResNet-depth-widen (Zagoruyko and Komodakis, BMVC 2016), depth 6n+4, without dropout, with the names of the definition in wide use
/// for robust training: conv1, block{1..3}.layer.{i}.{bn1,conv1,bn2,conv2,convShortcut}, bn1, fc. Convolutions start from
/// N(0, 2/(k² output channels)), the linear layer's bias from 0. <see cref="NetworkSpec.SubBlock1"/> adds the block sub_block1 which that
/// definition holds but never uses: its weights are in the state dict and take no part in the forward pass.
/// </summary>
internal sealed class WideResNet : ImageNetwork
{
    private readonly Conv2d conv1;
    private readonly NetworkBlock[] blocks;
    private readonly BatchNorm2d bn1;
    private readonly Linear fc;

    public WideResNet(NetworkSpec spec) : base(spec)
    {
        var count = (spec.Depth!.Value - 4) / 6;
        var width = 16 * spec.WidenFactor!.Value;
        conv1 = this.Register("conv1", Convolution3x3(spec.InputChannels, 16));
        var block1 = this.Register("block1", new NetworkBlock(count, 16, width, 1));
        if (spec.SubBlock1) this.Register("sub_block1", new NetworkBlock(count, 16, width, 1));
        var block2 = this.Register("block2", new NetworkBlock(count, width, 2 * width, 2));
        var block3 = this.Register("block3", new NetworkBlock(count, 2 * width, 4 * width, 2));
        blocks = [block1, block2, block3];
        bn1 = this.Register("bn1", BatchNorm2d(4 * width));
        fc = this.Register("fc", Linear(4 * width, spec.Classes));

        InitialiseConvolutions(this);
        init.zeros_(fc.bias!);
    }

    private protected override Tensor Logits(Tensor input) =>
        fc.call(GlobalAverage(input.Then([conv1, .. blocks, bn1, Relu])));

    private protected override OnnxValue Logits(OnnxValue input) =>
        input.Then([conv1, .. blocks, bn1, Relu]).GlobalAverage().Then(fc);

    private sealed class NetworkBlock : Module<Tensor, Tensor>, IOnnxModule
    {
        private readonly Sequential layer;

        public NetworkBlock(int count, int input, int output, int stride) : base(nameof(NetworkBlock)) =>
            layer = this.Register("layer", Stage(count, input, output, stride, static (a, b, s) => new BasicBlock(a, b, s)));

        public override Tensor forward(Tensor input) => layer.call(input);

        public OnnxValue ToOnnx(OnnxValue input) => input.Then(layer);
    }

    private sealed class BasicBlock : Block
    {
        private readonly BatchNorm2d bn1, bn2;
        private readonly Conv2d conv1, conv2;
        private readonly Conv2d? convShortcut;

        public BasicBlock(int input, int output, int stride) : base(nameof(BasicBlock))
        {
            bn1 = this.Register("bn1", BatchNorm2d(input));
            conv1 = this.Register("conv1", Convolution3x3(input, output, stride));
            bn2 = this.Register("bn2", BatchNorm2d(output));
            conv2 = this.Register("conv2", Convolution3x3(output, output));
            // By the widths alone, as the definition does it: a block that strides changes its width as well.
            if (input != output) convShortcut = this.Register("convShortcut", Convolution1x1(input, output, stride));
        }

        protected override Tensor Compute(Tensor input)
        {
            var active = input.Then(bn1, Relu);
            return active.Then(conv1, bn2, Relu, conv2).Plus(convShortcut is null ? input : active.Then(convShortcut));
        }

        public override OnnxValue ToOnnx(OnnxValue input)
        {
            var active = input.Then(bn1, Relu);
            return active.Then(conv1, bn2, Relu, conv2) + (convShortcut is null ? input : active.Then(convShortcut));
        }
    }
}
