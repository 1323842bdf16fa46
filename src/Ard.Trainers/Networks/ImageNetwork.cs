using TorchSharp;

namespace Ard.Trainers.Networks;

/// <summary>
/// A network built from a <see cref="NetworkSpec"/>: images [N,C,H,W] in [0,1] to logits [N,classes]. Normalisation, where the
/// specification asks for it, is its first layer and adds no name to the state dict.
/// </summary>
internal abstract class ImageNetwork : Module<Tensor, Tensor>, IOnnxModule
{
    private readonly Normalisation? normalisation;

    private protected ImageNetwork(NetworkSpec spec) : base(spec.ToString())
    {
        Spec = spec;
        if (spec is { Mean: { } mean, Std: { } std })
            normalisation = this.Register(nameof(normalisation), new Normalisation(mean, std));
    }

    /// <summary>What the network was built from.</summary>
    public NetworkSpec Spec { get; }

    /// <summary>What the model card in its file says that it gets right of clean images; null where nothing does.</summary>
    internal double? ReportedAccuracy { get; set; }

    /// <summary>Images [N,C,H,W] in [0,1] to logits [N,classes].</summary>
    /// <exception cref="ArgumentException">
    /// The images are not of four dimensions, or not of the channels (smallcnn and tinycnn: and of the size) that the specification names.
    /// </exception>
    public sealed override Tensor forward(Tensor images)
    {
        var shape = images.shape;
        var size = Spec.ImageSize;
        if (shape.Length != 4 || shape[1] != Spec.InputChannels || (FixedSize && (shape[2] != size || shape[3] != size)))
        {
            var expected = $"[N,{Spec.InputChannels},{(FixedSize ? $"{size},{size}" : "H,W")}]";
            throw new ArgumentException($"{Spec}: expected images {expected}, found [{string.Join(",", shape)}].", nameof(images));
        }
        using var scope = NewDisposeScope();
        var input = MixedPrecision.Reduced(normalisation is null ? images : normalisation.call(images));
        if (ChannelsLast && !training && IsQuickerInChannelsLast(input)) input = ToChannelsLast(input);
        return Logits(input).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Whether the network is quicker in eval mode on a CPU where the channels of a pixel lie side by side: of few channels, or of
    /// convolutions within a channel. In train mode libtorch would add the statistics of a batch in float32 there, and lose digits. The
    /// layout passes from layer to layer, and oneDNN convolves it directly, whereas it reorders planes before and after every convolution.
    /// </summary>
    private protected virtual bool ChannelsLast => false;

    // The same numbers with the channels of a pixel side by side. A single channel needs other strides only.
    private static Tensor ToChannelsLast(Tensor input)
    {
        var rows = input.shape[1] == 1
            ? input.contiguous().view(input.shape[0], input.shape[2], input.shape[3], 1)
            : input.permute(0, 2, 3, 1).contiguous();
        return rows.permute(0, 3, 1, 2);
    }

    // Not in float64, for which oneDNN has no convolutions.
    private static bool IsQuickerInChannelsLast(Tensor input) =>
        input.device_type == DeviceType.CPU && input.dtype is ScalarType.BFloat16 or ScalarType.Float32;

    /// <summary>Whether only images of the specification's size fit.</summary>
    private protected virtual bool FixedSize => false;

    private protected abstract Tensor Logits(Tensor input);

    OnnxValue IOnnxModule.ToOnnx(OnnxValue input) => Logits(normalisation is null ? input : input.Then(normalisation));

    /// <summary>The same in operators of ONNX.</summary>
    private protected abstract OnnxValue Logits(OnnxValue input);
}
