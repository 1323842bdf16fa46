namespace Ard.Trainers.Evaluation;

/// <summary>One point of a curve.</summary>
/// <param name="Epsilon">The budget.</param>
/// <param name="Correct">Which images the network gets right at this and every smaller budget, in their order.</param>
public sealed record CurvePoint(double Epsilon, IReadOnlyList<bool> Correct)
{
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
    internal IReadOnlyList<string> Settings { get; init; } = [];

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
    /// <inheritdoc cref="RobustnessEvaluator.Evaluate" path="/exception"/>
    public static RobustnessCurve Evaluate(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, IReadOnlyList<double> epsilons, EvaluationOptions? options = null,
        IProgress<EvaluationProgress>? progress = null, CancellationToken cancellation = default) =>
        EvaluateSubject(
            EvaluationSubject.Checked(nameof(RobustnessCurve), model, images, labels, progress, cancellation), epsilons, options ?? new());

    internal static void RequireEachOnce(IReadOnlyList<double> epsilons)
    {
        if (epsilons.Count == 0 || epsilons.Distinct().Count() < epsilons.Count)
            throw new ArgumentException(
                $"{nameof(RobustnessCurve)}: the budgets are {Normalisation.Text(epsilons)}, expected one or more, each once.",
                nameof(epsilons));
    }

    internal static RobustnessCurve EvaluateSubject(EvaluationSubject subject, IReadOnlyList<double> epsilons, EvaluationOptions options)
    {
        ArgumentNullException.ThrowIfNull(epsilons);
        RequireEachOnce(epsilons);
        if (options.Shard is { } shard)
            throw new ArgumentException($"{nameof(RobustnessCurve)}: Shard is {shard}, expected none: a curve is of all images.");
        ThreatModel[] threats = [.. epsilons.Order().Select(epsilon => new ThreatModel(options.ThreatOrDefault.Norm, epsilon))];
        var left = subject.Rows;
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
            report = evaluator.EvaluateRows(subject.Part(left));
            left = [.. left.Where((_, i) => report.WorstCase.Correct[i])];
            var correct = new bool[subject.Count];
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
    }
}
