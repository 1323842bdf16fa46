using Ard.MLNet.Data;
using Ard.MLNet.Schema;
using Ard.MLNet.Scoring;
using Ard.Trainers.Attacks;
using Ard.Trainers.Data;
using Ard.Trainers.Evaluation;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.MLNet.Evaluation;

/// <summary>The settings of <see cref="AdversarialEvaluator"/>.</summary>
public sealed record AdversarialEvaluatorOptions
{
    /// <summary>The column of true labels, a key of the classifier's classes. Default Label.</summary>
    public string LabelColumnName { get; init; } = "Label";

    /// <summary>Attacks, threat model, batch size and seed. Default FGSM and PGD-20, Linf 8/255.</summary>
    public EvaluationOptions Evaluation { get; init; } = new();

    /// <summary>Told after each attack on each batch. Default null.</summary>
    public IProgress<EvaluationProgress>? Progress { get; init; }

    /// <summary>Ends the evaluation by an <see cref="OperationCanceledException"/>. Default none.</summary>
    public CancellationToken Cancellation { get; init; }
}

/// <summary>
/// Measures how many rows a fitted model gets right as they are and under attack, with <see cref="RobustnessEvaluator"/>. The images of the
/// data are read into memory, as by the trainers, and besides four bytes for each row, class and attack.
/// </summary>
/// <param name="mlContext">The context.</param>
/// <param name="options">The settings; default FGSM and PGD-20, Linf 8/255.</param>
public sealed class AdversarialEvaluator(MLContext mlContext, AdversarialEvaluatorOptions? options = null)
{
    private readonly AdversarialEvaluatorOptions options = options ?? new AdversarialEvaluatorOptions();

    /// <summary>Evaluates a model, which is left as it was found.</summary>
    /// <param name="model">
    /// A fitted <see cref="ImageClassifierTransformer"/>, or a chain of transformers with one: then those before it are applied to the
    /// data, and the adversary changes what comes out of them.
    /// </param>
    /// <param name="data">The rows that the model takes, with labels.</param>
    /// <exception cref="ArgumentException">The model has no such classifier, a setting is wrong, or a column is missing or of another
    /// type.</exception>
    /// <exception cref="InvalidOperationException">There are no rows, a label is missing, or a pixel is not in [0,1].</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public RobustnessMetrics Evaluate(ITransformer model, IDataView data)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        options.Evaluation.Validate();
        var (before, transformer) = Split(model);
        var view = before.Aggregate(data, (current, step) => step.Transform(current));
        var classifier = transformer.Classifier;
        var labels = AdversarialMapping.Labels(SchemaErrors.Find(view.Schema, "label", options.LabelColumnName), classifier);
        using var images = ImageReader.Read(
            view, classifier.Features, options.LabelColumnName, classifier.Format, labels, oneClassWillDo: true);

        var recorders = options.Evaluation.Attacks.Select(AttackCatalog.ByName).Concat(options.Evaluation.MoreAttacks)
            .Select(attack => new RecordingAttack(attack, classifier.Network)).ToArray();
        var report = new RobustnessEvaluator(options.Evaluation with { Attacks = [], MoreAttacks = recorders })
            .Evaluate(classifier.Network, images.Images, images.Labels, options.Progress, options.Cancellation);

        var truth = images.Labels.data<long>().ToArray();
        var clean = new Outcome("clean", CleanScores(classifier, images), new double[truth.Length], labels.Count);
        var attacked = recorders.Select(recorder => recorder.Outcome(clean, report.Clean.Correct, report.Threat)).ToArray();
        var worst = Outcome.Worst("worst-case", clean, attacked, truth);
        return new RobustnessMetrics(
            report,
            Metrics(clean, report.Clean),
            [.. attacked.Zip(report.Attacks, Metrics)],
            Metrics(worst, report.WorstCase),
            Rows(clean, attacked, truth, classifier.Labels));

        AttackMetrics Metrics(Outcome outcome, AttackResult result)
        {
            var columns = Classifier.ScoreColumns(classifier.Labels, setId: 1);
            var table = new TableDataView(
                truth.Length,
                KeyColumn("Label", classifier.Labels, row => (uint)truth[row] + 1),
                TableDataView.Of(
                    columns[0].Name, columns[0].Type, (int row, ref uint value) => value = (uint)outcome.Predicted(row) + 1,
                    columns[0].Annotations),
                TableDataView.Vectors(columns[1].Name, columns[1].Type, outcome.Scores, labels.Count, columns[1].Annotations));
            return new AttackMetrics(result.Name, result.Accuracy, mlContext.MulticlassClassification.Evaluate(table));
        }
    }

    /// <summary>The last classifier of a model, and what comes before it.</summary>
    private static (IReadOnlyList<ITransformer> Before, ImageClassifierTransformer Classifier) Split(ITransformer model)
    {
        var steps = Flatten(model).ToList();
        var last = steps.FindLastIndex(step => step is ImageClassifierTransformer);
        if (last < 0)
            throw new ArgumentException(
                $"Expected an {nameof(ImageClassifierTransformer)}, or a chain of transformers with one, found {model.GetType().Name}.",
                nameof(model));
        return (steps[..last], (ImageClassifierTransformer)steps[last]);

        static IEnumerable<ITransformer> Flatten(ITransformer step) =>
            step is IEnumerable<ITransformer> chain ? chain.SelectMany(Flatten) : [step];
    }

    private float[] CleanScores(Classifier classifier, ImageDataset images)
    {
        var (classes, size) = (classifier.Labels.Count, options.Evaluation.BatchSize);
        var scores = new float[checked((int)images.Count * classes)];
        for (long first = 0; first < images.Count; first += size)
        {
            using var scope = NewDisposeScope();
            var count = (int)Math.Min(size, images.Count - first);
            classifier.Score(images.Batch(first, count).Images, scores.AsSpan((int)first * classes));
        }
        return scores;
    }

    private static TableDataView Rows(Outcome clean, Outcome[] attacked, long[] truth, ClassLabels labels)
    {
        var attacks = attacked.Length;
        return new TableDataView(
            checked(truth.Length * attacks),
            TableDataView.Of("Row", NumberDataViewType.Int64, (int row, ref long value) => value = row / attacks),
            TableDataView.Of(
                "Attack", TextDataViewType.Instance,
                (int row, ref ReadOnlyMemory<char> value) => value = attacked[row % attacks].Name.AsMemory()),
            KeyColumn("Label", labels, row => (uint)truth[row / attacks] + 1),
            KeyColumn("PredictedLabel", labels, row => (uint)clean.Predicted(row / attacks) + 1),
            KeyColumn("AttackedPredictedLabel", labels, row => (uint)attacked[row % attacks].Predicted(row / attacks) + 1),
            TableDataView.Of(
                "PerturbationNorm", NumberDataViewType.Double,
                (int row, ref double value) => value = attacked[row % attacks].Norms[row / attacks]));
    }

    private static TableDataView.Column KeyColumn(string name, ClassLabels labels, Func<int, uint> key)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        labels.AddTo(annotations);
        return TableDataView.Of(name, labels.KeyType, (int row, ref uint value) => value = key(row), annotations.ToAnnotations());
    }

    /// <summary>What the network gave for every row, and how far the row had been moved.</summary>
    private sealed record Outcome(string Name, float[] Scores, double[] Norms, int Classes)
    {
        public int Predicted(int row) => Classifier.Largest(Of(row));

        public ReadOnlySpan<float> Of(int row) => Scores.AsSpan(row * Classes, Classes);

        /// <summary>For each row the attack under which its label has the lowest score, a broken row before one that is not.</summary>
        public static Outcome Worst(string name, Outcome clean, Outcome[] attacked, long[] truth)
        {
            var worst = clean with { Name = name, Scores = [.. clean.Scores], Norms = [.. clean.Norms] };
            for (var row = 0; row < truth.Length; row++)
            {
                var label = (int)truth[row];
                var pick = attacked.Append(clean).MinBy(outcome => (outcome.Predicted(row) == label, outcome.Of(row)[label]))!;
                pick.Of(row).CopyTo(worst.Scores.AsSpan(row * clean.Classes));
                worst.Norms[row] = pick.Norms[row];
            }
            return worst;
        }
    }

    /// <summary>
    /// An attack that keeps what became of its points. The evaluator attacks exactly the rows that the network gets right, in their order.
    /// </summary>
    private sealed class RecordingAttack(Attack inner, Module<Tensor, Tensor> network) : Attack
    {
        private readonly List<float[]> scores = [];
        private readonly List<double> norms = [];

        public override string Name => inner.Name;

        public override IReadOnlyList<Norm> Norms => inner.Norms;

        protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
        {
            var points = inner.Perturb(network, images, labels, threat, noise);
            var softmax = target.Logits(points).softmax(1).to(ScalarType.Float32).cpu().contiguous();
            var (values, classes) = (softmax.data<float>().ToArray(), (int)softmax.shape[1]);
            for (var row = 0; row < points.shape[0]; row++) scores.Add(values[(row * classes)..((row + 1) * classes)]);
            norms.AddRange(threat.Size(points, images).cpu().data<double>().ToArray());
            return points;
        }

        /// <summary>
        /// The rows that were not attacked are as without an attack: the network got them wrong, or the adversary may do nothing.
        /// </summary>
        public Outcome Outcome(Outcome clean, IReadOnlyList<bool> correct, ThreatModel threat)
        {
            var outcome = clean with { Name = Name, Scores = [.. clean.Scores], Norms = new double[correct.Count] };
            if (threat.Epsilon == 0) return outcome;
            var rows = Enumerable.Range(0, correct.Count).Where(row => correct[row]).ToArray();
            if (rows.Length != scores.Count)
                throw new InvalidOperationException(
                    $"{Name}: {scores.Count} points were attacked, expected {rows.Length}.");
            for (var i = 0; i < rows.Length; i++)
            {
                scores[i].CopyTo(outcome.Scores, rows[i] * clean.Classes);
                outcome.Norms[rows[i]] = norms[i];
            }
            return outcome;
        }
    }
}
