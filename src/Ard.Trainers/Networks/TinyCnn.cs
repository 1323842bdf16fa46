using static Ard.Trainers.Networks.Layers;

namespace Ard.Trainers.Networks;

/// <summary>
/// Of this library's own, for small experiments: three 3x3 convolutions (w, 2w and 4w channels, w = 16; the last two stride by 2), each
/// with ReLU, and one linear layer. Names: net.0, net.2, net.4, net.7; with <see cref="NetworkSpec.BatchNorm"/> in place of biases net.0,
/// net.1, net.3, net.4, net.6, net.7, net.10.
/// </summary>
internal sealed class TinyCnn : ImageNetwork
{
    public TinyCnn(NetworkSpec spec) : base(spec)
    {
        var width = spec.Width ?? 16;
        var pooled = (spec.ImageSize + 3) / 4;
        Features = this.Register("net", Sequential([
            .. Convolution(spec.InputChannels, width, 3, 1, spec.BatchNorm), .. Convolution(width, 2 * width, 3, 2, spec.BatchNorm),
            .. Convolution(2 * width, 4 * width, 3, 2, spec.BatchNorm),
            Flatten(), Linear(4 * width * pooled * pooled, spec.Classes)])).Flat();
        ChannelsLast = true;
    }
}
