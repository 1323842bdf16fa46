using TorchSharp.Modules;
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
    private readonly Conv2d conv1;
    private readonly Sequential[] stages;
    private readonly BatchNorm2d? bn;
    private readonly Linear linear;

    public PreActResNet(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 64;
        conv1 = this.Register("conv1", Convolution3x3(spec.InputChannels, width));
        stages = Stages(this, ResNet.BlockCounts(spec.Depth!.Value), width, (a, b, s) => new PreActBlock(a, b, s, spec.InputShortcut));
        if (spec.BatchNorm) bn = this.Register("bn", BatchNorm2d(width << 3));
        linear = this.Register("linear", Linear(width << 3, spec.Classes));
    }

    private protected override Tensor Logits(Tensor input)
    {
        var x = input.Then([conv1, .. stages]);
        if (bn is not null) x = x.Then(bn, Relu);
        return linear.call(GlobalAverage(x));
    }

    private protected override OnnxValue Logits(OnnxValue input)
    {
        var x = input.Then([conv1, .. stages]);
        if (bn is not null) x = x.Then(bn, Relu);
        return x.GlobalAverage().Then(linear);
    }

    private sealed class PreActBlock : Block
    {
        private readonly BatchNorm2d bn1, bn2;
        private readonly Conv2d conv1, conv2;
        private readonly Sequential? shortcut;
        private readonly bool inputShortcut;

        public PreActBlock(int input, int output, int stride, bool inputShortcut) : base(nameof(PreActBlock))
        {
            this.inputShortcut = inputShortcut;
            bn1 = this.Register("bn1", BatchNorm2d(input));
            conv1 = this.Register("conv1", Convolution3x3(input, output, stride));
            bn2 = this.Register("bn2", BatchNorm2d(output));
            conv2 = this.Register("conv2", Convolution3x3(output, output));
            if (stride != 1 || input != output) shortcut = this.Register("shortcut", Sequential(Convolution1x1(input, output, stride)));
        }

        protected override Tensor Compute(Tensor input)
        {
            var active = input.Then(bn1, Relu);
            return active.Then(conv1, bn2, Relu, conv2).Plus(
                shortcut is null ? input : (inputShortcut ? input : active).Then(shortcut));
        }

        public override OnnxValue ToOnnx(OnnxValue input)
        {
            var active = input.Then(bn1, Relu);
            return active.Then(conv1, bn2, Relu, conv2) + (shortcut is null ? input : (inputShortcut ? input : active).Then(shortcut));
        }
    }
}
