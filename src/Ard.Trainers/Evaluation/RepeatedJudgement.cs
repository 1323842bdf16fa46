namespace Ard.Trainers.Evaluation;

/// <summary>
/// How often a network whose output is random gets points right: each is judged by several passes, one by one. Where an evaluation says of
/// a point that it is right or broken, by one pass or by the mean of several, this says how far that depends on chance.
/// </summary>
public sealed record RepeatedJudgement
{
    private RepeatedJudgement(IReadOnlyList<double> shares, IReadOnlyList<double> accuracies) =>
        (Shares, Accuracies) = (shares, accuracies);

    /// <summary>For each point, in their order, the share of passes in which the network gets it right, from 0 to 1.</summary>
    public IReadOnlyList<double> Shares { get; }

    /// <summary>For each pass the share of points that the network gets right in it, from 0 to 1.</summary>
    public IReadOnlyList<double> Accuracies { get; }

    /// <summary>The mean accuracy over all passes; NaN where there are no points.</summary>
    public double Mean => Shares.Count == 0 ? double.NaN : Shares.Average();

    /// <summary>
    /// The 95 % interval of the mean, as images and passes are samples: 1.96 deviations of the shares over the root of their number.
    /// Judgements of one image are not independent, so more passes make it narrower only as far as chance decided.
    /// </summary>
    public ConfidenceInterval Interval
    {
        get
        {
            if (Shares.Count < 2) return new(double.NaN, double.NaN);
            var mean = Mean;
            var half = 1.96 * Math.Sqrt(Shares.Sum(share => (share - mean) * (share - mean)) / (Shares.Count - 1) / Shares.Count);
            return new(Math.Max(0, mean - half), Math.Min(1, mean + half));
        }
    }

    /// <summary>Judges points. The network is asked in eval mode and left as it was found.</summary>
    /// <param name="model">Images [N,...] to logits [N,classes].</param>
    /// <param name="points">Images or adversarial examples [N,...], such as <see cref="AttackOutcome.Points"/>.</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="passes">How often each point is judged. Default 20.</param>
    /// <param name="seed">Decides what the network draws; the global random state is left as found. Default 0.</param>
    /// <exception cref="ArgumentException">Points or labels are not as described.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer passes than one.</exception>
    public static RepeatedJudgement Evaluate(Module<Tensor, Tensor> model, Tensor points, Tensor labels, int passes = 20, long seed = 0)
    {
        var subject = EvaluationSubject.Checked(nameof(RepeatedJudgement), model, points, labels);
        if (passes < 1) throw new ArgumentOutOfRangeException(nameof(passes), passes, "expected 1 or more.");
        using var random = new GlobalRandomState(seed, subject.Home.Device);
        var (count, truth) = (subject.Count, subject.Truth);
        var (ofPoint, ofPass) = (new int[count], new int[passes]);
        foreach (var rows in subject.Batches(subject.BatchSize))
        {
            using var scope = NewDisposeScope();
            var images = subject.Take(rows).Images;
            for (var pass = 0; pass < passes; pass++)
            {
                foreach (var (row, found) in rows.Zip(subject.Predict(images)))
                {
                    if (found != truth[row]) continue;
                    ofPoint[row]++;
                    ofPass[pass]++;
                }
            }
        }
        return new([.. ofPoint.Select(right => (double)right / passes)], [.. ofPass.Select(right => (double)right / count)]);
    }

    /// <summary>What the process of rank 0 has judged, in all of a group.</summary>
    internal static RepeatedJudgement Share(ProcessGroup group, RepeatedJudgement? own)
    {
        if (group.Size == 1) return own!;
        var shared = group.BroadcastArray(own is null ? null : JsonSerializer.SerializeToUtf8Bytes(new[] { own.Shares, own.Accuracies }));
        return JsonSerializer.Deserialize<double[][]>(shared) is [var shares, var accuracies] ? new(shares, accuracies)
            : throw new InvalidOperationException("Expected the judgement of the process of rank 0.");
    }
}
