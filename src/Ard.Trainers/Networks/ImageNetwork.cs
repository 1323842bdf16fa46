namespace Ard.Trainers.Networks;

/// <summary>Images [N,C,H,W] in [0,1] to logits [N,classes]. Normalisation, if any, is the first layer, without names.</summary>
internal abstract class ImageNetwork : Module<Tensor, Tensor>, IOnnxModule
{
    private readonly Normalisation? normalisation;

    private protected ImageNetwork(NetworkSpec spec) : base(spec.ToString())
    {
        Spec = spec;
        if (spec is { Mean: { } mean, Std: { } std }) normalisation = this.Register(nameof(normalisation), new Normalisation(mean, std));
    }

    public NetworkSpec Spec { get; }

    /// <summary>What the model card in its file says that it gets right of clean images; null where nothing does.</summary>
    internal double? ReportedAccuracy { get; set; }

    // Arrays, for of a field that is a module TorchSharp makes a second name in the state dict.

    /// <summary>From the input to what is averaged over rows and columns; without a <see cref="Classifier"/> to the logits.</summary>
    private protected Module<Tensor, Tensor>[] Features { get; init; } = [];

    /// <summary>From the averages [N,C] to the logits; null where only images of the specification's size fit.</summary>
    private protected Module<Tensor, Tensor>[]? Classifier { get; init; }

    /// <summary>
    /// Whether it is quicker in eval mode on a CPU with the channels of a pixel side by side, which oneDNN convolves directly: of few
    /// channels, or of convolutions within one. In train mode libtorch would add a batch's statistics in float32 there, and lose digits.
    /// </summary>
    private protected bool ChannelsLast { get; init; }

    /// <summary>Images [N,C,H,W] in [0,1] to logits [N,classes].</summary>
    /// <exception cref="ArgumentException">The images are not of the four dimensions, channels and size that it takes.</exception>
    public sealed override Tensor forward(Tensor images)
    {
        var (shape, size) = (images.shape, Classifier is null ? $"{Spec.ImageSize},{Spec.ImageSize}" : "H,W");
        if (shape.Length != 4 || shape[1] != Spec.InputChannels
            || (Classifier is null && (shape[2] != Spec.ImageSize || shape[3] != Spec.ImageSize)))
            throw new ArgumentException(
                $"{Spec}: expected images [N,{Spec.InputChannels},{size}], found [{string.Join(",", shape)}]."
                + (Classifier is null ? " It takes that size alone: resize the images, or take another network, such as resnet-8." : ""),
                nameof(images));
        using var scope = NewDisposeScope();
        var input = MixedPrecision.Reduced(normalisation is null ? images : normalisation.call(images));
        if (ChannelsLast && !training && IsQuickerInChannelsLast(input)) input = ToChannelsLast(input);
        var features = input.Then(Features);
        // Where the original networks pool a window of the fixed size that is left of a 32x32 image, this is the same number.
        if (Classifier is not null) features = MixedPrecision.Full(features).mean([2L, 3L]).Then(Classifier);
        return features.MoveToOuterDisposeScope();
    }

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

    OnnxValue IOnnxModule.ToOnnx(OnnxValue input)
    {
        var features = (normalisation is null ? input : input.Then(normalisation)).Then(Features);
        return Classifier is null ? features : features.GlobalAverage().Then(Classifier);
    }
}
