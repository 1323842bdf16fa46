using Ard.Trainers.Attacks;
using static System.FormattableString;

namespace Ard.Trainers.Evaluation;

/// <summary>One point of a curve.</summary>
public sealed record CurvePoint
{
    internal CurvePoint(double epsilon, IReadOnlyList<bool> correct) => (Epsilon, Correct) = (epsilon, correct);

    /// <summary>The budget.</summary>
    public double Epsilon { get; }

    /// <summary>Which images the network gets right at this and every smaller budget, in their order.</summary>
    public IReadOnlyList<bool> Correct { get; }

    /// <summary>The share of images that the network gets right, from 0 to 1; NaN where there are none.</summary>
    public double Accuracy => Correct.Count == 0 ? double.NaN : (double)Correct.Count(each => each) / Correct.Count;

    /// <summary>The 95 % interval of the accuracy, as the images are a sample.</summary>
    public ConfidenceInterval Interval => ConfidenceInterval.Wilson(Correct.Count(each => each), Correct.Count);

    /// <summary>The flags of this budget.</summary>
    public IReadOnlyList<RobustnessFlag> Flags { get; init; } = [];
}

/// <summary>
/// Robust accuracy over the budget. A point that was found within a smaller budget is allowed within a larger one, so only the images that
/// are left are attacked again, and the curve falls by construction.
/// </summary>
public sealed record RobustnessCurve
{
    internal RobustnessCurve(Norm norm, IReadOnlyList<CurvePoint> points) => (Norm, Points) = (norm, points);

    /// <summary>The norm of the budgets.</summary>
    public Norm Norm { get; }

    /// <summary>One entry a budget, the smallest first.</summary>
    public IReadOnlyList<CurvePoint> Points { get; }

    /// <summary>The names of the attacks, of which each point has the worst case.</summary>
    internal IReadOnlyList<string> Attacks { get; init; } = [];

    /// <summary>The settings of the evaluation at the largest budget, as <see cref="RobustnessReport.Settings"/>.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>Evaluates a network at several budgets; it is left as it was found.</summary>
    /// <param name="model">Images [N,...] to logits [N,classes].</param>
    /// <param name="images">As for <see cref="RobustnessEvaluator.Evaluate"/>.</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="epsilons">The budgets, in any order, each once.</param>
    /// <param name="options">
    /// Of the threat model only the norm counts. The budget is put behind a state file's name; no examples are written.
    /// </param>
    /// <param name="progress">Told after each attack on each batch; Done and Total are of the images that are left.</param>
    /// <param name="cancellation">As for <see cref="RobustnessEvaluator.Evaluate"/>.</param>
    /// <exception cref="ArgumentException">A budget or a setting is wrong, or images or labels are not as described.</exception>
    /// <exception cref="InvalidOperationException">The network's output is unfit, or an attack broke the threat model.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static RobustnessCurve Evaluate(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, IReadOnlyList<double> epsilons, EvaluationOptions? options = null,
        IProgress<EvaluationProgress>? progress = null, CancellationToken cancellation = default)
    {
        ImageBatch.Check(nameof(RobustnessCurve), images, labels);
        return EvaluateAll(model, images, labels, epsilons, options, progress, cancellation);
    }

    /// <exception cref="ArgumentException">There is no budget, or one twice.</exception>
    internal static void RequireEachOnce(IReadOnlyList<double> epsilons)
    {
        if (epsilons.Count == 0 || epsilons.Distinct().Count() < epsilons.Count)
            throw new ArgumentException(
                $"{nameof(RobustnessCurve)}: the budgets are [{string.Join(", ", epsilons)}], expected one or more, each once.",
                nameof(epsilons));
    }

    /// <summary>The same for images that are known to be sound.</summary>
    internal static RobustnessCurve EvaluateAll(
        Module<Tensor, Tensor> model, ImageSource images, Tensor labels, IReadOnlyList<double> epsilons, EvaluationOptions? options,
        IProgress<EvaluationProgress>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(epsilons);
        options ??= new EvaluationOptions();
        RequireEachOnce(epsilons);
        if (options.Shard is { } shard)
            throw new ArgumentException($"{nameof(RobustnessCurve)}: Shard is {shard}, expected none: a curve is of all images.");
        var threats = epsilons.Order().Select(epsilon => new ThreatModel(options.ThreatOrDefault.Norm, epsilon)).ToArray();
        var left = PointNoise.Rows(images.Count).ToArray();
        var points = new List<CurvePoint>();
        RobustnessReport? report = null;
        foreach (var threat in threats)
        {
            using var scope = NewDisposeScope();
            var evaluator = new RobustnessEvaluator(options with
            {
                Threat = threat,
                StateFile = options.StateFile is { } file ? Invariant($"{file}-{threat.Epsilon:R}") : null,
                ExamplesFile = null,
            });
            report = evaluator.EvaluateRows(model, images.Part(left), Labels(), left, progress, cancellation);
            left = [.. left.Where((_, i) => report.WorstCase.Correct[i])];
            var correct = new bool[images.Count];
            foreach (var row in left) correct[row] = true;
            // A curve is meant to begin at a budget of 0 and to go on to where nothing is left.
            points.Add(new CurvePoint(threat.Epsilon, correct)
            {
                Flags = [.. report.Flags.Where(flag => flag.Code != RobustnessFlagCode.NoAdversary)],
            });
        }
        return new RobustnessCurve(options.ThreatOrDefault.Norm, points)
        {
            Attacks = [.. report!.Attacks.Select(attack => attack.Name)],
            Settings = report.Settings,
        };

        Tensor Labels() => labels.index_select(0, tensor(left, dtype: ScalarType.Int64, device: labels.device));
    }
}
