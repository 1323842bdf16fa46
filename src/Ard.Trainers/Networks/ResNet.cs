using TorchSharp.Modules;
using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// ResNet-18 and ResNet-34 (He et al., CVPR 2016) in the shape used for CIFAR: a 3x3 stem without pooling, four stages of width w, 2w,
/// 4w, 8w (w = 64). Names: conv1, bn1, layer{1..4}.{i}.{conv1,bn1,conv2,bn2,shortcut.0,shortcut.1}, linear.
/// </summary>
internal sealed class ResNet : ImageNetwork
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Sequential[] stages;
    private readonly Linear linear;

    public ResNet(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 64;
        conv1 = this.Register("conv1", Convolution3x3(spec.InputChannels, width));
        bn1 = this.Register("bn1", BatchNorm2d(width));
        stages = Stages(this, BlockCounts(spec.Depth!.Value), width, static (a, b, s) => new BasicBlock(a, b, s));
        linear = this.Register("linear", Linear(width << 3, spec.Classes));
    }

    /// <summary>Blocks of the four stages.</summary>
    public static int[] BlockCounts(int depth) => depth == 18 ? [2, 2, 2, 2] : [3, 4, 6, 3];

    private protected override Tensor Logits(Tensor input) =>
        linear.call(GlobalAverage(input.Then([conv1, bn1, Relu, .. stages])));

    private protected override OnnxValue Logits(OnnxValue input) =>
        input.Then([conv1, bn1, Relu, .. stages]).GlobalAverage().Then(linear);

    private sealed class BasicBlock : Block
    {
        private readonly Conv2d conv1, conv2;
        private readonly BatchNorm2d bn1, bn2;
        private readonly Sequential? shortcut;

        public BasicBlock(int input, int output, int stride) : base(nameof(BasicBlock))
        {
            conv1 = this.Register("conv1", Convolution3x3(input, output, stride));
            bn1 = this.Register("bn1", BatchNorm2d(output));
            conv2 = this.Register("conv2", Convolution3x3(output, output));
            bn2 = this.Register("bn2", BatchNorm2d(output));
            if (stride != 1 || input != output)
                shortcut = this.Register("shortcut", Sequential(Convolution1x1(input, output, stride), BatchNorm2d(output)));
        }

        protected override Tensor Compute(Tensor input) =>
            input.Then(conv1, bn1, Relu, conv2, bn2).Plus(shortcut is null ? input : input.Then(shortcut)).relu();

        public override OnnxValue ToOnnx(OnnxValue input) =>
            (input.Then(conv1, bn1, Relu, conv2, bn2) + (shortcut is null ? input : input.Then(shortcut))).Relu();
    }
}
