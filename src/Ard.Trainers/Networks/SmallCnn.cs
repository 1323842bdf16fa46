using TorchSharp.Modules;

namespace Ard.Trainers.Networks;

/// <summary>
/// Two convolutions (kernel 4, stride 2, padding 1; w and 2w channels, w = 16) and two linear layers (100 hidden units), ReLU between: the
/// "CNN A" used in verification work (Wong and Kolter, ICML 2018, has the same shape). Names: net.0, net.2, net.5, net.7; with
/// <see cref="NetworkSpec.BatchNorm"/> (after each convolution, which then has no bias): net.0, net.1, net.3, net.4, net.7, net.9.
/// </summary>
internal sealed class SmallCnn : ImageNetwork
{
    private readonly Sequential net;

    public SmallCnn(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 16;
        var pooled = spec.ImageSize / 2 / 2;
        net = this.Register("net", Sequential([
            .. Convolution(spec.InputChannels, width, spec.BatchNorm),
            .. Convolution(width, 2 * width, spec.BatchNorm),
            Flatten(), Linear(2 * width * pooled * pooled, 100), ReLU(inplace: true), Linear(100, spec.Classes)]));
    }

    private static IEnumerable<Module<Tensor, Tensor>> Convolution(int input, int output, bool batchNorm)
    {
        yield return Conv2d(input, output, kernel_size: 4, stride: 2, padding: 1, bias: !batchNorm);
        if (batchNorm) yield return BatchNorm2d(output);
        yield return ReLU(inplace: true);
    }

    private protected override bool FixedSize => true;

    private protected override Tensor Logits(Tensor input) => input.Then(net);

    private protected override OnnxValue Logits(OnnxValue input) => input.Then(net);
}
