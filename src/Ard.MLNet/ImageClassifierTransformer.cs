using Microsoft.ML.Runtime;

namespace Ard.MLNet;

/// <summary>
/// A trained image classifier as a transformer: adds Score, the probability of each class, and PredictedLabel, the class of the largest,
/// with the annotations that ML.NET's own classifiers give. Images go through the network a batch at a time while a cursor moves; for the
/// PredictionEngine, one at a time. Any number of threads may use it at once. Disposal frees the network.
/// </summary>
/// <remarks>The last bits of a score may depend on which images share its batch: libtorch adds in another order for another batch
/// size.</remarks>
public sealed class ImageClassifierTransformer : ISingleFeaturePredictionTransformer<Module<Tensor, Tensor>>, IDisposable
{
    internal ImageClassifierTransformer(Classifier classifier, TrainingResult? training) => (Classifier, Training) = (classifier, training);

    /// <summary>The network, in eval mode: images [N,C,H,W] in [0,1] to logits [N,classes].</summary>
    /// <remarks>
    /// Weights that are changed count from the next pass over the data on, and from the next row of a PredictionEngine on. While rows are
    /// being read they must not change: what was made of them before may be used to the end of the pass. So once this has been read,
    /// images may take a fifth more time, for BatchNorm is no longer folded into the convolutions beforehand.
    /// </remarks>
    public Module<Tensor, Tensor> Model => Classifier.Unfolded();

    /// <summary>How the network is built.</summary>
    public NetworkDefinition Network => Classifier.Definition;

    /// <summary>The classes, in the order of the scores: the label's values as texts.</summary>
    public IReadOnlyList<string> ClassNames => Classifier.Labels.Names;

    string ISingleFeaturePredictionTransformer<Module<Tensor, Tensor>>.FeatureColumnName => Classifier.Features;

    // As it was trained on; vectors of floats or bytes and images are all taken.
    DataViewType ISingleFeaturePredictionTransformer<Module<Tensor, Tensor>>.FeatureColumnType => Classifier.Format.Column;

    /// <summary>What the training was; null for a classifier that was loaded.</summary>
    public TrainingResult? Training { get; }

    // PredictedLabel and Score depend on nothing but the row.
    bool ITransformer.IsRowToRowMapper => true;

    /// <summary>The classifier in a model: itself, or the one in a pipeline that was fitted or loaded.</summary>
    /// <param name="model">A fitted model. It stays the caller's.</param>
    /// <exception cref="ArgumentException">The model has no such classifier, or several.</exception>
    public static ImageClassifierTransformer From(ITransformer model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var found = Steps(model).OfType<ImageClassifierTransformer>().ToArray();
        return found.Length == 1 ? found[0] : throw new ArgumentException(
            $"Expected a model with one {nameof(ImageClassifierTransformer)}, found {found.Length} in {model.GetType().Name}.");
    }

    /// <summary>The steps of a pipeline, those of pipelines in it too.</summary>
    internal static IEnumerable<ITransformer> Steps(ITransformer model) =>
        model is IEnumerable<ITransformer> chain ? chain.SelectMany(Steps) : [model];

    internal Classifier Classifier { get; }

    /// <summary>The input's columns, PredictedLabel and Score.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The feature column is missing, or of another type or length.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Classifier.OutputSchema(inputSchema);

    /// <summary>A view of the input with the new columns. They are computed when a cursor asks for them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The feature column is missing, or of another type or length.</exception>
    public IDataView Transform(IDataView input) => new BatchedDataView(input, Classifier);

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => new RowMapper(inputSchema, Classifier);

    /// <summary>Frees the network. Scoring afterwards is an <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose() => Classifier.Dispose();

    // Called by ML.NET when a model is loaded.
    private static ImageClassifierTransformer Create(IHostEnvironment env, ModelLoadContext context) =>
        new(ModelStream.Read(context, stream => ClassifierFile.Read(stream, env)), null);

    void ICanSaveModel.Save(ModelSaveContext ctx) =>
        ModelStream.Write(ctx, ClassifierFile.LoaderName, stream => ClassifierFile.Write(stream, Classifier));
}
