using Ard.Trainers.Networks;

namespace Ard.Trainers.Onnx;

/// <summary>The settings of an <see cref="OnnxExport"/>.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>
    /// Channels, rows and columns of the images. Default null: those of the network's specification, which a network of your own has not.
    /// </summary>
    public (int Channels, int Height, int Width)? ImageShape { get; init; }

    /// <summary>Whether the model ends with a softmax: its output is then probabilities instead of logits. Default false.</summary>
    public bool Softmax { get; init; }

    /// <summary>
    /// Whether BatchNorm layers become part of the convolution or linear layer right before them. The model is smaller and quicker; its
    /// logits differ by rounding. Default false.
    /// </summary>
    public bool FoldBatchNorm { get; init; }

    /// <summary>
    /// The classes in the order of the outputs, written as a JSON array into the model's metadata entry <c>ard.classes</c>. Default null:
    /// none.
    /// </summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>Further texts for the model's metadata, by name.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>The images' shape, from here or from the network.</summary>
    /// <exception cref="ArgumentException">It is not known, or wrong; or a name is not; the message holds all faults.</exception>
    internal (int Channels, int Height, int Width) Validated(Module<Tensor, Tensor> network)
    {
        var shape = ImageShape ?? network switch
        {
            ImageNetwork { Spec: var spec } => (spec.InputChannels, spec.ImageSize, spec.ImageSize),
            TeacherEnsemble ensemble => ensemble.Teachers.OfType<ImageNetwork>().Select(teacher => teacher.Spec)
                .Select(spec => ((int, int, int)?)(spec.InputChannels, spec.ImageSize, spec.ImageSize)).FirstOrDefault(),
            _ => null,
        };
        var faults = new List<string>();
        if (shape is null) faults.Add($"{nameof(ImageShape)} is not set, and {network.GetType().Name} does not say what images it takes");
        if (shape is { } s && Math.Min(Math.Min(s.Item1, s.Item2), s.Item3) < 1)
            faults.Add($"{nameof(ImageShape)} is {s}, expected 1 or more");
        if (ClassNames is { } names && names.Any(string.IsNullOrEmpty)) faults.Add($"{nameof(ClassNames)} has an empty name");
        if (faults.Count > 0) throw new ArgumentException($"{nameof(OnnxExportOptions)}: {string.Join("; ", faults)}.");
        return shape!.Value;
    }
}
