namespace Ard.Trainers.Evaluation;

/// <summary>How well one network's adversarial examples deceive another. Images are attacked where the source is wrong too.</summary>
public sealed record TransferMatrix
{
    private TransferMatrix(IReadOnlyList<string> names, bool[][] clean, bool[][][] right) => (Names, Clean, Right) = (names, clean, right);

    /// <summary>The networks.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Clean[network][image]: whether the network gets the image right without an attack.</summary>
    internal bool[][] Clean { get; }

    /// <summary>
    /// Right[source][target][image]: whether the target gets right both the clean image and the example that was made on the source. On
    /// the diagonal the attack is direct.
    /// </summary>
    internal bool[][][] Right { get; }

    /// <summary>The share of images, from 0 to 1, that the target gets right as they are and as examples made on the source.</summary>
    /// <param name="source">The name of the network that was attacked.</param>
    /// <param name="target">The name of the network that is asked.</param>
    /// <exception cref="KeyNotFoundException">There is no such network; the message names those that there are.</exception>
    public double this[string source, string target] =>
        Right[Place(source)][Place(target)].Select(right => right ? 1.0 : 0).DefaultIfEmpty(double.NaN).Average();

    /// <summary>Makes examples on each network and asks all; they are left as they were found.</summary>
    /// <param name="models">
    /// The networks by name, images [N,...] to logits [N,classes], each in its own dtype and on its own device.
    /// </param>
    /// <param name="images">As for <see cref="RobustnessEvaluator.Evaluate"/>.</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="attack">The attack; one that stops early transfers badly: prefer <see cref="KeptPoint.Worst"/>.</param>
    /// <param name="threat">What the adversary may do.</param>
    /// <param name="seed">The seed of what is random. Default 0.</param>
    /// <param name="batchSize">How many images go through a network at a time. Default 250.</param>
    /// <param name="cancellation">Checked before each batch.</param>
    /// <inheritdoc cref="RobustnessEvaluator.Evaluate" path="/exception"/>
    public static TransferMatrix Evaluate(
        IReadOnlyList<(string Name, Module<Tensor, Tensor> Model)> models, Tensor images, Tensor labels, Attack attack,
        ThreatModel threat, long seed = 0, int batchSize = 250, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(models);
        ArgumentNullException.ThrowIfNull(attack);
        ArgumentNullException.ThrowIfNull(threat);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        string[] names = [.. models.Select(model => model.Name)];
        if (names.Length == 0 || names.Distinct().Count() < names.Length)
            throw new ArgumentException(
                $"{nameof(TransferMatrix)}: the networks are [{string.Join(", ", names)}], expected one or more, each of another name.",
                nameof(models));
        EvaluationSubject[] subjects =
            [.. models.Select(model => EvaluationSubject.Checked(nameof(TransferMatrix), model.Model, images, labels))];
        var truth = subjects[0].Truth;
        var clean = ForEach();
        bool[][][] right = [.. models.Select(_ => ForEach())];
        using var noGrad = no_grad();
        using var random = new GlobalRandomState(seed, subjects[0].Home.Device);
        foreach (var rows in subjects[0].Batches(batchSize))
        {
            using var scope = NewDisposeScope();
            for (var target = 0; target < subjects.Length; target++)
                Judge(subjects[target], subjects[target].Take(rows).Images, rows, clean[target]);
            for (var source = 0; source < subjects.Length; source++)
            {
                cancellation.ThrowIfCancellationRequested();
                using var sourceScope = NewDisposeScope();
                var (batch, classes) = subjects[source].Take(rows);
                var points = attack.Perturb(subjects[source].Model, batch, classes, threat, new PointNoise(seed, rows));
                for (var target = 0; target < subjects.Length; target++)
                {
                    var found = right[source][target];
                    Judge(subjects[target], subjects[target].ToNetwork(points), rows, found);
                    foreach (var row in rows) found[row] &= clean[target][row];
                }
            }
        }
        return new TransferMatrix(names, clean, right);

        bool[][] ForEach() => [.. models.Select(_ => new bool[truth.Length])];

        void Judge(EvaluationSubject subject, Tensor points, long[] rows, bool[] found)
        {
            foreach (var (row, prediction) in rows.Zip(subject.Predict(points)))
            {
                if (prediction < 0)
                    throw new InvalidOperationException(
                        "The network's logits are not finite (NaN or infinity); its robustness cannot be measured.");
                found[row] = prediction == truth[row];
            }
        }
    }

    private int Place(string name)
    {
        var place = Names.ToList().IndexOf(name);
        return place >= 0 ? place : throw new KeyNotFoundException($"No network '{name}': found {string.Join(", ", Names)}.");
    }
}
