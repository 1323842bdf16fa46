namespace Ard.Trainers.Evaluation;

/// <summary>
/// How little it takes to make a network wrong: for each image the smallest perturbation that any of some attacks has found. An upper bound
/// of the true one: another attack may find a smaller one. The accuracy at every budget follows from it at no further cost.
/// </summary>
public sealed record SmallestPerturbations
{
    internal SmallestPerturbations(IReadOnlyList<double> sizes, RobustnessReport report) => (Sizes, Report) = (sizes, report);

    /// <summary>For each image its smallest perturbation's size; 0 where it is wrong without one, infinity where none was found.</summary>
    public IReadOnlyList<double> Sizes { get; }

    /// <summary>The evaluation with a budget that allows every image, whose points have size, attack and cost.</summary>
    public RobustnessReport Report { get; }

    /// <summary>The size that half of the images do not stand; NaN where there are none.</summary>
    public double Median => Quantile(0.5);

    /// <summary>The size that this share of the images, from 0 to 1, does not stand; NaN where there are none.</summary>
    /// <param name="share">The share, such as 0.25 for the lower quartile.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not from 0 to 1.</exception>
    public double Quantile(double share)
    {
        if (share is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(share), share, "expected a share from 0 to 1.");
        if (Sizes.Count == 0) return double.NaN;
        var sorted = Sizes.Order().ToArray();
        var place = share * (sorted.Length - 1);
        var (below, above) = (sorted[(int)Math.Floor(place)], sorted[(int)Math.Ceiling(place)]);
        return below == above ? below : below + (above - below) * (place - Math.Floor(place));
    }

    /// <summary>The accuracy over the budget: an image is right within budgets below the size of its smallest perturbation.</summary>
    /// <param name="epsilons">The budgets, in any order.</param>
    public RobustnessCurve Curve(IReadOnlyList<double> epsilons)
    {
        ArgumentNullException.ThrowIfNull(epsilons);
        return new(Report.Threat.Norm, [.. epsilons.Order().Select(epsilon => new CurvePoint(
            epsilon, [.. Report.Clean.Correct.Zip(Sizes, (right, size) => right && size > epsilon)]))])
        {
            Attacks = [.. Report.Attacks.Select(attack => attack.Name)],
            Settings = Report.Settings,
        };
    }

    /// <summary>Looks for the smallest perturbations of a network, which is left as it was found.</summary>
    /// <param name="model">Images [N,...] to logits [N,classes].</param>
    /// <param name="images">As for <see cref="RobustnessEvaluator.Evaluate"/>.</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="norm">What is small.</param>
    /// <param name="attacks">
    /// Attacks that look for small perturbations, such as <c>fab-t</c>, <c>fmn</c>, <c>deepfool</c> and <c>cw-l2</c>; those that would stop
    /// within a budget go on. Default <c>fab-t</c> and <c>fmn</c>.
    /// </param>
    /// <param name="options">
    /// The other settings; threat model, attacks and <see cref="EvaluationOptions.Sequential"/> are not read, for every attack gets every
    /// image. With a <see cref="EvaluationOptions.QueryBudget"/> there may be one attack. Default those of evaluations.
    /// </param>
    /// <param name="progress">Told after each attack on each batch.</param>
    /// <param name="cancellation">As for <see cref="RobustnessEvaluator.Evaluate"/>.</param>
    /// <inheritdoc cref="RobustnessEvaluator.Evaluate" path="/exception"/>
    public static SmallestPerturbations Evaluate(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, Norm norm, IReadOnlyList<Attack>? attacks = null,
        EvaluationOptions? options = null, IProgress<EvaluationProgress>? progress = null, CancellationToken cancellation = default) =>
        EvaluateSubject(
            EvaluationSubject.Checked(nameof(SmallestPerturbations), model, images, labels, progress, cancellation), norm, attacks,
            options ?? new());

    internal static SmallestPerturbations EvaluateSubject(
        EvaluationSubject subject, Norm norm, IReadOnlyList<Attack>? attacks, EvaluationOptions options)
    {
        using var none = subject.Images.Rows([]);
        // No image is further away from another.
        var values = none.shape[1..].Aggregate(1.0, (product, size) => product * size);
        var furthest = new ThreatModel(norm, norm switch { Norm.Linf => 1, Norm.L2 => Math.Sqrt(values), _ => values });
        attacks ??= [Attack.Fab(new() { Targeted = true }), Attack.Fmn()];
        // Attacks share a budget one after the other, each on what those before have left: next to nothing here.
        if (options.QueryBudget is { } budget && attacks.Count > 1)
            throw new ArgumentException(
                $"QueryBudget is {budget}, and there are {attacks.Count} attacks, expected one: it looks for the smallest alone.");
        var report = new RobustnessEvaluator(options with
        {
            Threat = furthest,
            Attacks = [],
            MoreAttacks = [.. attacks.Select(attack => attack.WithoutEarlyStop)],
            Sequential = false,
        }).EvaluateSubject(subject);
        // That everything is allowed is meant.
        report = report with { Flags = [.. report.Flags.Where(flag => flag.Code != RobustnessFlagCode.NoAdversary)] };
        return new([.. report.Clean.Correct.Select((right, row) => right ? Smallest(row) : 0)], report);

        double Smallest(int row) =>
            report.Attacks.Select(attack => attack.Points[row]).Min(point => point.IsRight ? double.PositiveInfinity : point.Size);
    }
}
