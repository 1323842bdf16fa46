using Ard.Trainers.Attacks;

namespace Ard.Trainers.Evaluation;

/// <summary>How well one network's adversarial examples deceive another. Images are attacked where the source is wrong too.</summary>
public sealed record TransferMatrix
{
    internal TransferMatrix(
        IReadOnlyList<string> names, string attack, IReadOnlyList<AttackResult> clean,
        IReadOnlyList<IReadOnlyList<AttackResult>> results) =>
        (Names, Attack, Clean, Results) = (names, attack, clean, results);

    /// <summary>The networks.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The attack.</summary>
    public string Attack { get; }

    /// <summary>For each network the result without an attack.</summary>
    public IReadOnlyList<AttackResult> Clean { get; }

    /// <summary>
    /// Results[source][target]: the target on the examples made on the source. A point counts as right where the target gets the clean
    /// image and the example right. On the diagonal the attack is direct. Sizes are those of the examples; passes are not counted.
    /// </summary>
    internal IReadOnlyList<IReadOnlyList<AttackResult>> Results { get; }

    /// <summary>The target's accuracy on the examples made on the source.</summary>
    /// <param name="source">The name of the network that was attacked.</param>
    /// <param name="target">The name of the network that is asked.</param>
    /// <exception cref="KeyNotFoundException">There is no such network; the message names those that there are.</exception>
    public double this[string source, string target] => Results[Place(source)][Place(target)].Accuracy;

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
    /// <exception cref="ArgumentException">Names are missing or used twice, or images or labels are not as described.</exception>
    /// <exception cref="InvalidOperationException">A network's output is unfit, or the attack broke the threat model.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static TransferMatrix Evaluate(
        IReadOnlyList<(string Name, Module<Tensor, Tensor> Model)> models, Tensor images, Tensor labels, Attack attack,
        ThreatModel threat, long seed = 0, int batchSize = 250, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(models);
        ArgumentNullException.ThrowIfNull(attack);
        ArgumentNullException.ThrowIfNull(threat);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ImageBatch.Check(nameof(TransferMatrix), images, labels);
        if (models.Count == 0 || models.Select(model => model.Name).Distinct().Count() < models.Count)
            throw new ArgumentException(
                $"{nameof(TransferMatrix)}: the networks are [{string.Join(", ", models.Select(model => model.Name))}], "
                + "expected one or more, each of another name.", nameof(models));

        var clean = models.Select(_ => new List<AttackedPoint>()).ToArray();
        var found = models.Select(_ => models.Select(_ => new List<AttackedPoint>()).ToArray()).ToArray();
        using var noGrad = no_grad();
        for (long first = 0; first < images.shape[0]; first += batchSize)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(batchSize, images.shape[0] - first);
            var right = models
                .Select(model => Right(model.Model, ImageBatch.Take(model.Model, images, labels, first, count).Images)).ToArray();
            foreach (var (target, its) in right.Index())
                clean[target].AddRange(its.Select(each => new AttackedPoint(each, null, 0, null, null)));
            foreach (var (source, (_, model)) in models.Index())
            {
                cancellation.ThrowIfCancellationRequested();
                using var sourceScope = NewDisposeScope();
                var (batch, truth) = ImageBatch.Take(model, images, labels, first, count);
                var points = attack.Perturb(model, batch, truth, threat, new PointNoise(seed, PointNoise.Rows(count, first)));
                var sizes = threat.Size(points, batch).cpu().data<double>().ToArray();
                foreach (var (target, its) in right.Index())
                {
                    var (type, device) = ImageBatch.Home(models[target].Model, images);
                    found[source][target].AddRange(its.Zip(Right(models[target].Model, points.to(type, device)), sizes)
                        .Select(each => new AttackedPoint(
                            each.First, each.First && !each.Second ? attack.Name : null, each.Third, null, null)));
                }
            }

            bool[] Right(Module<Tensor, Tensor> model, Tensor points)
            {
                var found = ImageBatch.Predict(nameof(TransferMatrix), model, points, labels);
                if (found.Contains(-1))
                    throw new InvalidOperationException(
                        "The network's logits are not finite (NaN or infinity); its robustness cannot be measured.");
                return [.. found.Zip(labels.narrow(0, first, count).cpu().data<long>().ToArray(), (one, other) => one == other)];
            }
        }
        return new TransferMatrix(
            [.. models.Select(model => model.Name)],
            attack.Name,
            Named(clean),
            [.. found.Select(Named)]);

        IReadOnlyList<AttackResult> Named(List<AttackedPoint>[] each) =>
            [.. each.Select((points, target) => new AttackResult(models[target].Name, points))];
    }

    private int Place(string name)
    {
        var place = Names.ToList().IndexOf(name);
        return place >= 0 ? place : throw new KeyNotFoundException($"No network '{name}': found {string.Join(", ", Names)}.");
    }
}
