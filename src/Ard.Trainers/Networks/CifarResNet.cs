using TorchSharp.Modules;
using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// The 6n+2 family of He et al. (CVPR 2016, section 4.2; ResNet-20, 32, 44, 56, 110): three stages of width w, 2w, 4w (w = 16) and
/// shortcuts without parameters (option A: every second row and column, new channels zero). Convolutions and the linear layer start from
/// He's normal distribution. Names: conv1, bn1, layer{1..3}.{i}.{conv1,bn1,conv2,bn2}, linear.
/// </summary>
internal sealed class CifarResNet : ImageNetwork
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Sequential[] stages;
    private readonly Linear linear;

    public CifarResNet(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 16;
        var count = (spec.Depth!.Value - 2) / 6;
        conv1 = this.Register("conv1", Convolution3x3(spec.InputChannels, width));
        bn1 = this.Register("bn1", BatchNorm2d(width));
        stages = Stages(this, [count, count, count], width, static (a, b, s) => new BasicBlock(a, b, s));
        linear = this.Register("linear", Linear(width << 2, spec.Classes));
        foreach (var (_, parameter) in named_parameters().Where(p => p.parameter.dim() > 1)) init.kaiming_normal_(parameter);
    }

    private protected override bool ChannelsLast => true;

    private protected override Tensor Logits(Tensor input) =>
        linear.call(GlobalAverage(input.Then([conv1, bn1, Relu, .. stages])));

    private protected override OnnxValue Logits(OnnxValue input) =>
        input.Then([conv1, bn1, Relu, .. stages]).GlobalAverage().Then(linear);

    private sealed class BasicBlock : Block
    {
        private readonly Conv2d conv1, conv2;
        private readonly BatchNorm2d bn1, bn2;
        private readonly int stride, newChannels;

        public BasicBlock(int input, int output, int stride) : base(nameof(BasicBlock))
        {
            conv1 = this.Register("conv1", Convolution3x3(input, output, stride));
            bn1 = this.Register("bn1", BatchNorm2d(output));
            conv2 = this.Register("conv2", Convolution3x3(output, output));
            bn2 = this.Register("bn2", BatchNorm2d(output));
            this.stride = stride;
            newChannels = output - input;
        }

        protected override Tensor Compute(Tensor input) =>
            input.Then(conv1, bn1, Relu, conv2, bn2).Plus(Shortcut(input)).relu();

        private Tensor Shortcut(Tensor input)
        {
            if (stride == 1 && newChannels == 0) return input;
            var sampled = input.slice(2, 0, long.MaxValue, stride).slice(3, 0, long.MaxValue, stride);
            return functional.pad(sampled, [0, 0, 0, 0, newChannels / 2, newChannels - newChannels / 2]);
        }

        public override OnnxValue ToOnnx(OnnxValue input)
        {
            var x = input.Then(conv1, bn1, Relu, conv2, bn2);
            if (stride == 1 && newChannels == 0) return (x + input).Relu();
            OnnxValue Whole(string name, params long[] values) => input.Constant(name, tensor(values));
            var sampled = input.Operator(
                "Slice",
                t => t[0].slice(2, 0, long.MaxValue, stride).slice(3, 0, long.MaxValue, stride),
                [Whole("starts", 0, 0), Whole("ends", long.MaxValue, long.MaxValue), Whole("axes", 2, 3), Whole("steps", stride, stride)]);
            var (before, after) = (newChannels / 2, newChannels - newChannels / 2);
            var shortcut = sampled.Operator(
                "Pad", t => functional.pad(t[0], [0, 0, 0, 0, before, after]), [Whole("pads", 0, before, 0, 0, 0, after, 0, 0)]);
            return (x + shortcut).Relu();
        }
    }
}
