using Ard.Trainers.Distributed;
using Microsoft.ML.Runtime;

namespace Ard.MLNet.Evaluation;

/// <summary>The settings of <see cref="ArdCatalog.EvaluateRobustness"/> and of the other evaluations of <see cref="ArdCatalog"/>.</summary>
public sealed record AdversarialEvaluatorOptions
{
    /// <summary>The column of true labels, a key of the classifier's classes or their values. Default Label.</summary>
    public string LabelColumnName { get; init; } = "Label";

    /// <summary>
    /// Attacks by name, such as <c>autoattack</c> or <c>pgd-20</c> (see <see cref="AttackCatalog"/>), threat model, batch size, seed, and
    /// the files for going on later and for the examples. Default FGSM and PGD-20, of a model that is asked only Square or RayS (see
    /// <see cref="EvaluationOptions.Attacks"/>), and the threat model that is usual for the images, <see cref="ThreatModel.Default"/>. The
    /// logits are always kept.
    /// </summary>
    public EvaluationOptions Evaluation { get; init; } = new();

    /// <summary>
    /// How to ask the model, for its answers alone. Default null: a classifier of this library is evaluated with its gradients, any other
    /// model is asked with the defaults of <see cref="BlackBoxOptions"/>. Set it for other columns, or to ask a classifier of this library
    /// as well.
    /// </summary>
    public BlackBoxOptions? BlackBox { get; init; }

    /// <summary>
    /// How many attacked images the metrics keep to be looked at, see <see cref="RobustnessMetrics.SaveHtml"/>. They are attacked once
    /// more, by the attack that broke most rows or the first part of it; with a <see cref="EvaluationOptions.QueryBudget"/> none are.
    /// Default 6; 0 for none.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int Images { get; init; } = 6;

    internal AdversarialEvaluatorOptions Against(ThreatModel threat) => this with { Evaluation = Evaluation with { Threat = threat } };

    /// <summary>Told after each attack on each batch. Default null.</summary>
    public IProgress<EvaluationProgress>? Progress { get; init; }

    /// <summary>Ends the evaluation by an <see cref="OperationCanceledException"/>. Default none.</summary>
    public CancellationToken Cancellation { get; init; }
}

/// <summary>The evaluations of <see cref="ArdCatalog"/>, which describes them.</summary>
internal sealed class AdversarialEvaluator(IHostEnvironment env, AdversarialEvaluatorOptions? options = null)
{
    private readonly IHostEnvironment env = env ?? throw new ArgumentNullException(nameof(env));
    private readonly AdversarialEvaluatorOptions options = (options ?? new()).Validated();

    public RobustnessMetrics Evaluate(ITransformer model, IDataView data) => With(model, data, evaluated =>
    {
        RequireWhole("the metrics are of all rows");
        var (labels, truth) = (evaluated.Labels, evaluated.Subject.Truth);
        var evaluation = Settings(evaluated, options);
        evaluated.Imitate(options);
        var report = new RobustnessEvaluator(evaluation with { KeepLogits = true }).EvaluateSubject(evaluated.Subject);
        var clean = Outcome.From(report.Clean, labels.Count, truth);
        var attacked = report.Attacks.Select(attack => Outcome.From(attack, labels.Count, truth)).ToArray();
        return new RobustnessMetrics(
            report,
            Metrics(clean, report.Clean),
            [.. attacked.Zip(report.Attacks, Metrics)],
            Metrics(Outcome.Worst(clean, attacked, truth), report.WorstCase),
            evaluated,
            options with { Evaluation = evaluation },
            StrongestExamples(evaluated.Subject, evaluation, report));

        AttackMetrics Metrics(Outcome outcome, AttackResult result)
        {
            var columns = Classifier.ScoreColumns(labels, setId: 1);
            var table = new TableDataView(
                truth.Length,
                TableDataView.Keys("Label", labels, row => truth[row] + 1),
                TableDataView.Of(
                    columns[0].Name, columns[0].Type, (int row, ref uint value) => value = (uint)outcome.Predicted(row) + 1,
                    columns[0].Annotations),
                TableDataView.Vectors<float>(
                    columns[1].Name, columns[1].Type, labels.Count, (row, values) => outcome.Of(row).CopyTo(values),
                    columns[1].Annotations));
            return new AttackMetrics(result, env.MulticlassClassification.Evaluate(table), Rows(result, report.Clean, truth, labels));
        }
    });

    public RobustnessCurve EvaluateCurve(ITransformer model, IDataView data, IReadOnlyList<double> epsilons) =>
        With(model, data, evaluated =>
        {
            var evaluation = Settings(evaluated, options);
            double[] budgets = [.. epsilons.Select(epsilon => evaluated.Within(new(evaluation.Threat!.Norm, epsilon)).Epsilon)];
            RobustnessCurve.RequireEachOnce(budgets);
            evaluated.Imitate(options);
            return RobustnessCurve.EvaluateSubject(evaluated.Subject, budgets, evaluation);
        });

    public CorruptionReport EvaluateCorruptions(ITransformer model, IDataView data, IReadOnlyList<string>? names = null) => With(
        model, data, evaluated => CorruptionReport.EvaluateSubject(evaluated.Subject, names, folder: null, options.Evaluation.Seed));

    public RobustnessUnion EvaluateUnion(ITransformer model, IDataView data, IReadOnlyList<ThreatModel> threats)
    {
        if (options.Evaluation.ExamplesFile is not null)
            throw new ArgumentException("ExamplesFile and several threat models are given, expected no file.");
        return With(model, data, evaluated =>
        {
            // All are known to be sound before the first begins.
            RobustnessEvaluator[] evaluators = [.. threats.Select(threat =>
            {
                var evaluation = Settings(evaluated, options.Against(threat));
                if (evaluation.StateFile is { } file)
                    evaluation = evaluation with { StateFile = FormattableString.Invariant($"{file}-{threat.Norm}-{threat.Epsilon:R}") };
                return new RobustnessEvaluator(evaluation);
            })];
            RobustnessUnion.RequireEachOnce(evaluators.Select(evaluator => evaluator.Options.ThreatOrDefault));
            evaluated.Imitate(options);
            return RobustnessUnion.Combine([.. evaluators.Select(evaluator => evaluator.EvaluateSubject(evaluated.Subject))]);
        });
    }

    public SmallestPerturbations EvaluateSmallest(
        ITransformer model, IDataView data, Norm norm, IReadOnlyList<Attack>? attacks) => With(
        model, data, evaluated =>
        {
            evaluated.Within(new(norm, 1));
            var found = SmallestPerturbations.EvaluateSubject(evaluated.Subject, norm, attacks, options.Evaluation);
            // Rounding to whole 255ths makes of a largest change the nearest of them.
            return evaluated.HoldsBytes ? new([.. found.Sizes.Select(size => Math.Round(255 * size) / 255)], found.Report) : found;
        });

    public RepeatedJudgement EvaluateRepeatedly(ITransformer model, IDataView data, int passes)
    {
        if (passes < 1) throw new ArgumentOutOfRangeException(nameof(passes), passes, "expected 1 or more.");
        RequireWhole("judged are the points of a whole evaluation");
        return With(model, data, evaluated =>
        {
            var (subject, evaluation) = (evaluated.Subject, Settings(evaluated, options));
            var group = evaluation.OwnGroup;
            evaluated.Imitate(options);
            var file = evaluation.ExamplesFile ?? Path.GetTempFileName();
            try
            {
                new RobustnessEvaluator(evaluation with { ExamplesFile = file }).EvaluateSubject(subject);
                // Of several processes that of rank 0 has the file; all get what it judges.
                return RepeatedJudgement.Share(group, group.Together(() => group.Rank != 0 ? null
                    : RepeatedJudgement.Evaluate(
                        subject.Model, Safetensors.Read(file)["points"], subject.Labels, passes, evaluation.Seed)));
            }
            finally
            {
                if (evaluation.ExamplesFile is null) File.Delete(file);
            }
        });
    }

    private void RequireWhole(string reason)
    {
        if (options.Evaluation.Shard is { } shard) throw new ArgumentException($"Shard is {shard}, expected none: {reason}.");
    }

    private T With<T>(ITransformer model, IDataView data, Func<EvaluatedModel, T> evaluate)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        using var evaluated = options.Evaluation.OwnGroup.Together(() => EvaluatedModel.Open(env, model, data, options));
        using var scope = NewDisposeScope();
        return evaluate(evaluated);
    }

    private static EvaluationOptions Settings(EvaluatedModel evaluated, AdversarialEvaluatorOptions options)
    {
        var evaluation = options.Evaluation.For(evaluated.Channels).For(evaluated.Subject);
        evaluation = evaluation with
        {
            Threat = evaluated.Within(evaluation.Threat!),
            MoreAttacks = [.. evaluation.MoreAttacks, .. evaluated.Transfers(evaluation.Threat!.Norm)],
        };
        RobustnessEvaluator.Check(evaluation.Validated(), evaluated.Subject.Model);
        return evaluation;
    }

    /// <summary>The first images that are right, under the attack that broke most.</summary>
    private AttackedImages? StrongestExamples(EvaluationSubject subject, EvaluationOptions evaluation, RobustnessReport report)
    {
        if (options.Images == 0 || evaluation.QueryBudget is not null || report.Attacks.Count == 0) return null;
        var strongest = report.Attacks.Index().MinBy(attack => attack.Item.CorrectCount).Index;
        var attack = evaluation.AllAttacks()[strongest].Parts(report.Threat.Norm)[0];
        return AttackedImages.FindAmong(subject, attack, report.Threat, options.Images, evaluation.Seed);
    }

    private static TableDataView Rows(AttackResult result, AttackResult clean, long[] truth, ClassLabels labels)
    {
        return new TableDataView(
            truth.Length,
            TableDataView.Of("Row", NumberDataViewType.Int64, (int row, ref long value) => value = row),
            TableDataView.Keys("Label", labels, row => truth[row] + 1),
            TableDataView.Keys("PredictedLabel", labels, row => clean.Predictions[row] + 1),
            TableDataView.Keys("AttackedPredictedLabel", labels, row => result.Predictions[row] + 1),
            TableDataView.Of("PerturbationNorm", NumberDataViewType.Double, (int row, ref double value) => value = result.Points[row].Size),
            TableDataView.Of(
                "BrokenBy", TextDataViewType.Instance,
                (int row, ref ReadOnlyMemory<char> value) => value = result.Points[row].BrokenBy.AsMemory()),
            Passes("ForwardPasses", point => point.ForwardPasses),
            Passes("BackwardPasses", point => point.BackwardPasses),
            Passes("Queries", point => point.Queries));

        TableDataView.Column Passes(string name, Func<AttackedPoint, long?> passes) => TableDataView.Of(
            name, NumberDataViewType.Int64, (int row, ref long value) => value = passes(result.Points[row]) ?? -1);
    }

    private sealed record Outcome(float[] Scores, int Classes)
    {
        // Where the network's output is not finite, and names no class, it is as sure as can be of the others.
        public static Outcome From(AttackResult result, int classes, long[] truth)
        {
            using var scope = NewDisposeScope();
            var logits = result.Logits!.ToArray();
            if (logits.Length != truth.Length * classes)
                throw new InvalidOperationException(
                    $"The network has {logits.Length / truth.Length} outputs, expected {classes}, one for each class.");
            var scores = tensor(logits).reshape(truth.Length, classes).softmax(1).data<float>().ToArray();
            for (var row = 0; row < truth.Length; row++)
            {
                if (result.Predictions[row] >= 0) continue;
                scores.AsSpan(row * classes, classes).Fill(1f / (classes - 1));
                scores[row * classes + truth[row]] = 0;
            }
            return new Outcome(scores, classes);
        }

        public int Predicted(int row) => Classifier.Largest(Of(row));
        public ReadOnlySpan<float> Of(int row) => Scores.AsSpan(row * Classes, Classes);

        /// <summary>For each row the attack under which its label has the lowest score, a broken row before one that is not.</summary>
        public static Outcome Worst(Outcome clean, Outcome[] attacked, long[] truth)
        {
            var scores = new float[clean.Scores.Length];
            for (var row = 0; row < truth.Length; row++)
            {
                var label = (int)truth[row];
                var pick = attacked.Append(clean).MinBy(outcome => (outcome.Predicted(row) == label, outcome.Of(row)[label]))!;
                pick.Of(row).CopyTo(scores.AsSpan(row * clean.Classes));
            }
            return clean with { Scores = scores };
        }
    }
}
