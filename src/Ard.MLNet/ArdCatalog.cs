using Ard.MLNet.Evaluation;
using Ard.MLNet.Saving;
using Ard.Trainers.Evaluation;
using Microsoft.ML;

namespace Ard.MLNet;

/// <summary>What this library adds to the MLContext.</summary>
public static class ArdCatalog
{
    /// <summary>
    /// Makes the classifiers and other steps of this library loadable by <c>mlContext.Model.Load</c>. To be called once for an MLContext,
    /// before the first model is loaded; further calls add networks. Without it Load fails with a message of ML.NET's, such as "Couldn't
    /// load model", which does not say so.
    /// </summary>
    /// <param name="mlContext">The context.</param>
    /// <param name="networks">The networks of your own (<see cref="NetworkDefinition.Custom"/>) that occur in the models, by the names with
    /// which they were trained.</param>
    /// <returns>The same context.</returns>
    public static MLContext RegisterArd(this MLContext mlContext, params NetworkDefinition[] networks)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        ImageClassifierTransformer.Register(mlContext.ComponentCatalog);
        AdversarialExamplesTransformer.Register(mlContext.ComponentCatalog);
        RegisteredNetworks.For(mlContext.ComponentCatalog).Add(mlContext, networks);
        return mlContext;
    }

    /// <summary>An estimator of adversarially robust distillation.</summary>
    /// <inheritdoc cref="MLNet.ArdTrainer(MLContext, ArdTrainer.Options)"/>
    public static ArdTrainer ArdTrainer(this MLContext mlContext, ArdTrainer.Options options) => new(mlContext, options);

    /// <summary>An estimator of adversarially robust distillation, with defaults.</summary>
    /// <inheritdoc cref="MLNet.ArdTrainer(MLContext, NetworkDefinition, TeacherNetwork, string, string, int?)"/>
    public static ArdTrainer ArdTrainer(
        this MLContext mlContext, NetworkDefinition network, TeacherNetwork teacher, string labelColumnName = "Label",
        string featureColumnName = "Features", int? epochs = null) =>
        new(mlContext, network, teacher, labelColumnName, featureColumnName, epochs);

    /// <summary>An estimator of training without a teacher.</summary>
    /// <inheritdoc cref="MLNet.AdversarialTrainer(MLContext, AdversarialTrainer.Options)"/>
    public static AdversarialTrainer AdversarialTrainer(this MLContext mlContext, AdversarialTrainer.Options options) =>
        new(mlContext, options);

    /// <summary>An estimator of training without a teacher, with defaults.</summary>
    /// <inheritdoc cref="MLNet.AdversarialTrainer(MLContext, NetworkDefinition, string, string, int?)"/>
    public static AdversarialTrainer AdversarialTrainer(
        this MLContext mlContext, NetworkDefinition network, string labelColumnName = "Label", string featureColumnName = "Features",
        int? epochs = null) =>
        new(mlContext, network, labelColumnName, featureColumnName, epochs);

    /// <summary>A step that adds a column of adversarial images against a classifier.</summary>
    /// <inheritdoc cref="Evaluation.AdversarialExamples(MLContext, ImageClassifierTransformer, AdversarialExamplesOptions)"/>
    public static AdversarialExamples AdversarialExamples(
        this MLContext mlContext, ImageClassifierTransformer classifier, AdversarialExamplesOptions? options = null) =>
        new(mlContext, classifier, options);

    /// <summary>Measures how many rows a fitted model gets right, as they are and under attack.</summary>
    /// <inheritdoc cref="AdversarialEvaluator.Evaluate"/>
    public static RobustnessMetrics EvaluateRobustness(
        this MLContext mlContext, ITransformer model, IDataView data, AdversarialEvaluatorOptions? options = null) =>
        new AdversarialEvaluator(mlContext, options).Evaluate(model, data);

    /// <summary>Accuracy over the adversary's budget of a fitted model.</summary>
    /// <inheritdoc cref="AdversarialEvaluator.EvaluateCurve"/>
    public static RobustnessCurve EvaluateRobustnessCurve(
        this MLContext mlContext, ITransformer model, IDataView data, IReadOnlyList<double> epsilons,
        AdversarialEvaluatorOptions? options = null) =>
        new AdversarialEvaluator(mlContext, options).EvaluateCurve(model, data, epsilons);
}
