namespace Ard.MLNet;

/// <summary>
/// Where a teacher comes from: a fitted <see cref="ImageClassifierTransformer"/>, a pipeline with one, a TorchSharp module, or a file. All
/// are only read: the teacher is in the same state, and on the same device, after the training. A classifier is copied, so that it may go
/// on scoring, teach another student, and be disposed of meanwhile.
/// </summary>
public sealed class TeacherNetwork
{
    private readonly Func<OpenTeacher> open;

    private TeacherNetwork(Func<OpenTeacher> open) => this.open = open;

    internal ImageClassifierTransformer? Classifier { get; private init; }

    /// <summary>A fitted classifier. Its classes have to be those of the student, in the same order.</summary>
    /// <param name="classifier">The classifier; for one in a pipeline see <see cref="From"/>.</param>
    public static implicit operator TeacherNetwork(ImageClassifierTransformer classifier) =>
        new(() => OpenTeacher.Owned(classifier.Classifier.Copy())) { Classifier = classifier };

    /// <summary>
    /// The classifier in a pipeline, fitted or loaded. What comes before it in the pipeline is left out: the teacher sees the images that
    /// the student sees.
    /// </summary>
    /// <param name="model">A model with one <see cref="ImageClassifierTransformer"/>. It stays the caller's.</param>
    /// <exception cref="ArgumentException">The model has no such classifier, or several.</exception>
    public static TeacherNetwork From(ITransformer model) => ImageClassifierTransformer.From(model);

    /// <summary>
    /// A module: images [N,C,H,W] in [0,1] to logits [N,classes], in the order of the label column's keys. It stays the caller's.
    /// </summary>
    /// <param name="module">The module.</param>
    public static implicit operator TeacherNetwork(Module<Tensor, Tensor> module) => new(() => new(module, null, []));

    /// <summary>A file of weights, read when the student is fitted.</summary>
    /// <param name="path">A safetensors file, a file of TorchSharp's <c>Module.save</c>, or a state dict that <c>torch.save</c> has
    /// written; nothing in it is run. For a TorchScript program hand over the module of <see cref="ModelFile.ReadTorchScript"/>.</param>
    /// <param name="network">What network it is, with its classes and image size. Where the file says with what its network normalises
    /// images, that wins. Default null: the file says so itself, as those of this library do.</param>
    public static TeacherNetwork FromFile(string path, NetworkDefinition? network = null) => new(() => Read(path, network));

    /// <summary>The network for the time of a training.</summary>
    internal OpenTeacher Open() => open();

    private static OpenTeacher Read(string path, NetworkDefinition? network)
    {
        if (network is { Spec: null })
            return network.Build(seed: 0).OrDispose(built =>
            {
                var report = ModelFile.Load(path, built);
                built.eval();
                return Noted(built, report);
            });
        var imported = network is null ? ModelFile.ReadReported(path) : ModelFile.Import(path, network.Spec);
        return Noted(imported.Network, imported.Report);

        OpenTeacher Noted(Module<Tensor, Tensor> read, ImportReport report) =>
            OpenTeacher.Owned(read) with { Notes = [.. report.Notes.Select(note => $"{path}: {note}.")] };
    }
}

/// <summary>A teacher's network, what to free afterwards, and what there is to know of it.</summary>
internal sealed record OpenTeacher(Module<Tensor, Tensor> Network, IDisposable? Freed, IEnumerable<string> Notes) : IDisposable
{
    public static OpenTeacher Owned(Module<Tensor, Tensor> network) => new(network, network, []);
    public void Dispose() => Freed?.Dispose();
}
