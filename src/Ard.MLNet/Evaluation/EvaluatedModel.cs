using Microsoft.ML.Runtime;

namespace Ard.MLNet.Evaluation;

/// <summary>A fitted model as a network to be evaluated, with the images that reach it, their classes and those of its logits.</summary>
internal sealed record EvaluatedModel(string Name, string Details, EvaluationSubject Subject, ClassLabels Labels) : IDisposable
{
    private IDisposable? InUse { get; init; }

    /// <summary>Whether images are of whole 255ths, to which they are rounded when the model is asked.</summary>
    public bool HoldsBytes { get; private init; }

    public TrainingResult? Training { get; private init; }

    /// <summary>The attacks by a network that learns to imitate it (<see cref="Imitate"/>); none where that was not asked for.</summary>
    public IReadOnlyList<Attack> Transfers(Norm norm) =>
        Imitation is null ? [] : [Attack.Transfer(norm == Norm.L1 ? Attack.Apgd() : Attack.Pgd(), Imitation, "surrogate")];

    private Module<Tensor, Tensor>? Imitation { get; init; }
    public int Channels { get; private init; }

    /// <summary>
    /// A classifier of this library, or a chain with one: then what comes before it is applied to the data. Any other model, and any for
    /// which it is said how to ask it, is asked as a whole.
    /// </summary>
    public static EvaluatedModel Open(IHostEnvironment env, ITransformer model, IDataView data, AdversarialEvaluatorOptions options)
    {
        var steps = ImageClassifierTransformer.Steps(model).ToList();
        var last = steps.FindLastIndex(step => step is ImageClassifierTransformer);
        return last < 0 || options.BlackBox is not null
            ? Asked(env, model, data, options)
            : OpenClassifier(env, steps[..last], (ImageClassifierTransformer)steps[last], data, options);
    }

    /// <summary>What the adversary may do: where images are of whole 255ths, as many of these as the budget has.</summary>
    /// <exception cref="ArgumentException">The norm is another one, in which what rounding adds would not be within the budget.</exception>
    public ThreatModel Within(ThreatModel threat)
    {
        if (!HoldsBytes) return threat;
        // What rounding has taken from 8 / 255.0 is given back.
        return threat.Norm == Norm.Linf ? ThreatModel.Linf(Math.Floor(threat.Epsilon * 255 + 1e-9) / 255) : throw new ArgumentException(
            $"The images are of whole 255ths, which are rounded to, and the norm is {threat.Norm}: expected Linf, or images of floats.");
    }

    public void Dispose()
    {
        (Subject.Images as IDisposable)?.Dispose();
        Subject.Labels.Dispose();
        Imitation?.Dispose();
        InUse?.Dispose();
    }

    private static EvaluatedModel OpenClassifier(
        IHostEnvironment env, IReadOnlyList<ITransformer> before, ImageClassifierTransformer transformer, IDataView data,
        AdversarialEvaluatorOptions options)
    {
        var (classifier, label) = (transformer.Classifier, options.LabelColumnName);
        var view = LabelKeys.Map(env, before.Aggregate(data, (current, step) => step.Transform(current)), label, classifier.Labels);
        var labels = AdversarialMapping.Labels(SchemaErrors.Find(view.Schema, "label", label), classifier);
        ImageColumn.Find(view.Schema, classifier.Features, classifier.Format);
        var truth = ImageReader.ReadLabels(view, label, labels);
        return classifier.Use().OrDispose(used =>
        {
            var parameters = $"{Weights.Count(classifier.Network).ToString("N0", CultureInfo.InvariantCulture)} parameters";
            var images = new ViewImages(view, classifier.Features, classifier.Format, truth.Length);
            return new EvaluatedModel(
                $"{classifier.Definition}", parameters, NewSubject(classifier.Network, images, truth, options), classifier.Labels)
            {
                InUse = used,
                Training = transformer.Training,
                Channels = classifier.Format.Channels,
            };
        });
    }

    private static EvaluationSubject NewSubject(
        Module<Tensor, Tensor> network, ViewImages images, long[] truth, AdversarialEvaluatorOptions options) =>
        new(nameof(RobustnessEvaluator), network, images, tensor(truth).DetachFromDisposeScope(), options.Progress, options.Cancellation);

    private static EvaluatedModel Asked(IHostEnvironment env, ITransformer model, IDataView data, AdversarialEvaluatorOptions options)
    {
        var how = options.BlackBox ?? new BlackBoxOptions();
        var asked = new AskedPipeline(env, model, data, options.LabelColumnName, how);
        var truth = ImageReader.ReadLabels(asked.Labelled, options.LabelColumnName, asked.Labels);
        // The step that names the model, such as a trainer's parameters, and not what maps its answer back.
        var steps = ImageClassifierTransformer.Steps(model).ToList();
        var named = steps.OfType<ISingleFeaturePredictionTransformer<object>>().LastOrDefault()?.Model ?? steps[^1];
        var name = named.GetType().Name;
        var network = asked.HasScores ? BlackBox.FromScores(name, asked.Ask) : BlackBox.FromLabels(name, asked.Labels.Count, asked.Ask);
        return new ViewImages(data, how.FeatureColumnName, asked.Format, truth.Length).OrDispose(images =>
        {
            asked.RequireScoresInOrder(images);
            return new EvaluatedModel(name, "asked only", NewSubject(network, images, truth, options), asked.Labels)
            {
                Imitation = how.Surrogate?.For(asked.Format, asked.Labels.Count).Build(options.Evaluation.Seed),
                HoldsBytes = asked.TakesBytes,
                Channels = asked.Format.Channels,
            };
        });
    }

    /// <summary>Trains the network that is to imitate it, where one was asked for: once everything else is known to be sound.</summary>
    public void Imitate(AdversarialEvaluatorOptions options)
    {
        if (Imitation is null) return;
        using var all = Subject.Images.All(ScalarType.Float32);
        var training = options.BlackBox!.SurrogateTraining ?? new() { Seed = options.Evaluation.Seed };
        training = training with { Group = training.Group ?? options.Evaluation.OwnGroup };
        Surrogate.Fit(Imitation, Subject.Model, all, training, options.Cancellation);
        // Asked on the CPU, as the model is.
        Imitation.to(CPU);
    }
}
