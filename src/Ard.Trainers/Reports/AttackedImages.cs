namespace Ard.Trainers.Reports;

/// <summary>
/// One image before and after an attack: its place in the data, the values in [0,1], planes of channels, row by row, the true class and
/// those that the network takes it for; -1, no class, where its output was not finite.
/// </summary>
internal sealed record AttackedImage(
    long Row, IReadOnlyList<float> Clean, IReadOnlyList<float> Attacked, long Label, long CleanPrediction, long AttackedPrediction);

/// <summary>Some images before and after an attack, to be looked at.</summary>
public sealed class AttackedImages
{
    private const int MostLookedAt = 250;

    internal AttackedImages(string attack, ThreatModel threat, int channels, int height, int width, IReadOnlyList<AttackedImage> each) =>
        (Attack, Threat, Channels, Height, Width, Each) = (attack, threat, channels, height, width, each);

    internal string Attack { get; }
    internal ThreatModel Threat { get; }
    internal int Channels { get; }
    internal int Height { get; }
    internal int Width { get; }
    internal IReadOnlyList<AttackedImage> Each { get; }

    /// <summary>
    /// Attacks the first images that a network gets right: the first of every class, then the second, until there are enough, among the
    /// first 250 of the data. The network is left as it was found. With the seed of an evaluation they are the points of the evaluation.
    /// </summary>
    /// <param name="model">Images [N,C,H,W] to logits [N,classes].</param>
    /// <param name="images">[N,C,H,W], as for <see cref="RobustnessEvaluator.Evaluate"/>.</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="attack">The attack.</param>
    /// <param name="threat">What the adversary may do.</param>
    /// <param name="count">How many images at most. Default 6.</param>
    /// <param name="seed">The seed of what is random. Default 0.</param>
    /// <param name="cancellation">Checked before each of the attack's forward passes.</param>
    /// <inheritdoc cref="RobustnessEvaluator.Evaluate" path="/exception"/>
    public static AttackedImages Find(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, Attack attack, ThreatModel threat, int count = 6, long seed = 0,
        CancellationToken cancellation = default)
    {
        var subject = EvaluationSubject.Checked(nameof(AttackedImages), model, images, labels, null, cancellation);
        if (images.dim() != 4)
            throw new ArgumentException(
                $"{nameof(AttackedImages)}: images have shape [{string.Join(",", images.shape)}], expected [N,C,H,W].", nameof(images));
        return FindAmong(subject, attack, threat, count, seed);
    }

    internal static AttackedImages FindAmong(EvaluationSubject subject, Attack attack, ThreatModel threat, int count, long seed)
    {
        ArgumentNullException.ThrowIfNull(attack);
        ArgumentNullException.ThrowIfNull(threat);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var random = new GlobalRandomState(seed, subject.Home.Device);
        var (batch, truth) = subject.Take([.. subject.Rows.Take(MostLookedAt)]);
        var classes = truth.cpu().data<long>().ToArray();
        var clean = subject.Predict(batch);
        var rows = Choose(classes, clean, count);
        var index = tensor(rows, dtype: ScalarType.Int64, device: batch.device);
        var chosen = batch.index_select(0, index);
        var found = attack.Run(
            subject.Model, chosen, truth.index_select(0, index), threat, new PointNoise(seed, rows), -1, tellFaults: true,
            subject.Cancellation);
        return new AttackedImages(attack.Name, threat, (int)batch.shape[1], (int)batch.shape[2], (int)batch.shape[3],
        [
            .. rows.Select((row, i) => new AttackedImage(
                row, Values(chosen[i]), Values(found.Points[i]), classes[row], clean[row], found.Predictions[i])),
        ]);
    }

    // The rows that are right, the first of every class before the second of any.
    private static long[] Choose(long[] labels, long[] predictions, int count)
    {
        var seen = new Dictionary<long, int>();
        var right = new List<(int Turn, int Row)>();
        for (var row = 0; row < labels.Length; row++)
        {
            if (labels[row] != predictions[row]) continue;
            seen[labels[row]] = seen.GetValueOrDefault(labels[row]) + 1;
            right.Add((seen[labels[row]], row));
        }
        return [.. right.Order().Take(count).Select(each => (long)each.Row).Order()];
    }

    private static float[] Values(Tensor image) => image.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
}
