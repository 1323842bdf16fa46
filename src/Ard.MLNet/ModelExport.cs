using Ard.Trainers.Onnx;

namespace Ard.MLNet;

/// <summary>Classifiers for programs without this library. ML.NET's own ConvertToOnnx does not know them and leaves them out.</summary>
public static class ModelExport
{
    /// <summary>
    /// Writes the network of a classifier as an ONNX model (see <see cref="OnnxExport"/>), and its <see cref="ModelCard"/> beside it: for
    /// <c>student.onnx</c>, the files <c>student.card.md</c> and <c>student.card.json</c>.
    /// </summary>
    /// <remarks>
    /// The model takes images as the network does, float32 [batch,channels,rows,columns] in [0,1], and not as the feature column has them:
    /// where the classifier's <see cref="ImageLayout"/> has channels that come last, or a scale or an offset, the caller converts. Steps of
    /// a pipeline before the classifier are not part of the model. Its output is logits; Score is what it is with a softmax.
    /// </remarks>
    /// <param name="model">A fitted classifier, or a pipeline with one, fitted or loaded. It stays as it is.</param>
    /// <param name="path">The file to create or to replace.</param>
    /// <param name="options">
    /// The settings. Where they do not say, the images' shape and the names of the classes, the label column's values, are
    /// the classifier's.
    /// </param>
    /// <param name="robustness">What an evaluation of this classifier found, for the card. Default null: the card says unknown.</param>
    /// <exception cref="ArgumentException">The model has no such classifier, or several, or a setting is wrong.</exception>
    /// <exception cref="NotSupportedException">The network holds a module that cannot be described; the message says which.</exception>
    /// <exception cref="InvalidOperationException">The description of a module computes something else than its forward.</exception>
    public static void ExportOnnx(
        this ITransformer model, string path, OnnxExportOptions? options = null, RobustnessMetrics? robustness = null)
    {
        var classifier = ImageClassifierTransformer.From(model);
        var format = classifier.Classifier.Format;
        options ??= new OnnxExportOptions();
        options = options with
        {
            ImageShape = options.ImageShape ?? (format.Channels, format.Height, format.Width),
            ClassNames = options.ClassNames ?? classifier.ClassNames,
        };
        OnnxExport.Write(path, classifier.Classifier.Network, options);
        Card(classifier, robustness).WithFile(path, options).Write(path);
    }

    /// <summary>
    /// Writes the weights of a classifier as safetensors, by the names of the usual PyTorch definition, with the specification of a
    /// built-in network as metadata (see <see cref="ModelFile"/>), and its <see cref="ModelCard"/> beside it.
    /// </summary>
    /// <param name="model">A fitted classifier, or a pipeline with one, fitted or loaded. It stays as it is.</param>
    /// <param name="path">The file to create or to replace.</param>
    /// <param name="robustness">What an evaluation of this classifier found, for the card. Default null: the card says unknown.</param>
    /// <exception cref="ArgumentException">The model has no such classifier, or several.</exception>
    public static void ExportWeights(this ITransformer model, string path, RobustnessMetrics? robustness = null)
    {
        var classifier = ImageClassifierTransformer.From(model);
        ModelFile.Write(path, classifier.Classifier.Network);
        Card(classifier, robustness).WithFile(path).Write(path);
    }

    private static ModelCard Card(ImageClassifierTransformer classifier, RobustnessMetrics? robustness)
    {
        var card = ModelCard.Create(classifier.Classifier.Network, classifier.Training) with { ClassNames = classifier.ClassNames };
        return robustness is null ? card : card.WithEvaluation(robustness.Summary);
    }
}
