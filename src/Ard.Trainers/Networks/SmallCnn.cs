using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// Two convolutions (kernel 4, stride 2, padding 1; w and 2w channels, w = 16) and two linear layers (100 hidden units), ReLU between: "CNN
/// A" of verification work (as in Wong and Kolter, ICML 2018). Names: net.0, net.2, net.5, net.7; with <see cref="NetworkSpec.BatchNorm"/>
/// in place of biases net.0, net.1, net.3, net.4, net.7, net.9.
/// </summary>
internal sealed class SmallCnn : ImageNetwork
{
    public SmallCnn(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 16;
        var pooled = spec.ImageSize / 2 / 2;
        Features = this.Register("net", Sequential([
            .. Convolution(spec.InputChannels, width, 4, 2, spec.BatchNorm), .. Convolution(width, 2 * width, 4, 2, spec.BatchNorm),
            Flatten(), Linear(2 * width * pooled * pooled, 100), ReLU(inplace: true), Linear(100, spec.Classes)])).Flat();
    }
}
