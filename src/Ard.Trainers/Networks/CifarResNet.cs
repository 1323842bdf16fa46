using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// The 6n+2 family of He et al. (CVPR 2016, section 4.2; ResNet-20, 32, 44, 56, 110): three stages of width w, 2w, 4w (w = 16) and
/// shortcuts without parameters (option A: every second row and column, new channels zero). Convolutions and the linear layer start from
/// He's normal distribution. Names: conv1, bn1, layer{1..3}.{i}.{conv1,bn1,conv2,bn2}, linear.
/// </summary>
internal sealed class CifarResNet : ImageNetwork
{
    public CifarResNet(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 16;
        var count = (spec.Depth!.Value - 2) / 6;
        Features =
        [
            this.Register("conv1", Convolution3x3(spec.InputChannels, width)), this.Register("bn1", BatchNorm2d(width)), Relu,
            .. Stages(this, LayerFrom1, [count, count, count], width, static (a, b, s) => new BasicBlock(a, b, s)),
        ];
        Classifier = [this.Register("linear", Linear(width << 2, spec.Classes))];
        ChannelsLast = true;
        foreach (var (_, parameter) in named_parameters().Where(p => p.parameter.dim() > 1)) init.kaiming_normal_(parameter);
    }

    private sealed class BasicBlock : Block
    {
        public BasicBlock(int input, int output, int stride) : base(nameof(BasicBlock))
        {
            Layers =
            [
                this.Register("conv1", Convolution3x3(input, output, stride)), this.Register("bn1", BatchNorm2d(output)), Relu,
                this.Register("conv2", Convolution3x3(output, output)), this.Register("bn2", BatchNorm2d(output)),
            ];
            if (stride != 1 || input != output) Shortcut = [new Sampling(stride, output - input)];
            EndsInRelu = true;
        }
    }

    private sealed class Sampling(int stride, int newChannels) : Module<Tensor, Tensor>(nameof(Sampling)), IOnnxModule
    {
        private readonly int before = newChannels / 2, after = newChannels - newChannels / 2;

        public override Tensor forward(Tensor input) => Pad(Slice(input));

        public OnnxValue ToOnnx(OnnxValue input)
        {
            OnnxValue Whole(string name, params long[] values) => input.Constant(name, tensor(values));
            var (starts, ends) = (Whole("starts", 0, 0), Whole("ends", long.MaxValue, long.MaxValue));
            return input.Operator("Slice", x => Slice(x[0]), [starts, ends, Whole("axes", 2, 3), Whole("steps", stride, stride)])
                .Operator("Pad", x => Pad(x[0]), [Whole("pads", 0, before, 0, 0, 0, after, 0, 0)]);
        }

        private Tensor Slice(Tensor input) => input.slice(2, 0, long.MaxValue, stride).slice(3, 0, long.MaxValue, stride);
        private Tensor Pad(Tensor sampled) => functional.pad(sampled, [0, 0, 0, 0, before, after]);
    }
}
