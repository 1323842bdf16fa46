namespace Ard.Trainers.Evaluation;

/// <summary>
/// The worst points of an evaluation as a safetensors file, so that anyone can check its figures without running an attack: <c>points</c>
/// [N,...] in the network's dtype, the misclassified point that was found first or else the clean image; <c>rows</c>, <c>labels</c> and
/// <c>predictions</c>, int64 [N], -1 where the network's output was not finite. The metadata entry <c>ard.examples</c> says in JSON by
/// which network (its digest), threat model, attacks and seed. A digest guards the whole.
/// </summary>
public static class AdversarialExamplesFile
{
    private const string MetadataName = "ard.examples";

    /// <summary>Checks a file against network and images: that its points are allowed, and misclassified or right as it says.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">Images [N,...] to logits [N,classes]; left as it was found.</param>
    /// <param name="images">The clean images that were evaluated, as for <see cref="RobustnessEvaluator.Evaluate"/>.</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="threat">What the adversary may do.</param>
    /// <param name="batchSize">How many images go through the network at a time. Default 250.</param>
    /// <returns>
    /// How many points the file has, how many of them are allowed and misclassified now, and in words what does not hold; nothing where
    /// everything does.
    /// </returns>
    /// <exception cref="ArgumentException">Images or labels are not as described.</exception>
    /// <exception cref="DataFileException">The file is damaged or not one of examples.</exception>
    /// <exception cref="InvalidOperationException">The network's output is not [N,classes].</exception>
    public static (int Points, int Misclassified, IReadOnlyList<string> Faults) Verify(
        string path, Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, int batchSize = 250)
    {
        ArgumentNullException.ThrowIfNull(threat);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        var subject = EvaluationSubject.Checked(nameof(AdversarialExamplesFile), model, images, labels);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (points, rows, truth, predictions) = Read(path, images.shape[1..]);
        if (!rows.SequenceEqual(subject.Rows))
            return (rows.Length, 0, [$"the file has {rows.Length} points that are not the {subject.Count} images in their order"]);
        var (given, faults, misclassified) = (subject.Truth, new List<string>(), 0);
        foreach (var places in subject.Batches(batchSize))
        {
            using var batchScope = NewDisposeScope();
            var clean = subject.Take(places).Images;
            var batch = subject.ToNetwork(points.narrow(0, places[0], places.Length));
            var now = subject.Predict(batch);
            var sizes = threat.Size(batch, clean).cpu().data<double>().ToArray();
            var inRange = batch.Ge(0).logical_and(batch.Le(1)).flatten(1).all(1).cpu().data<bool>().ToArray();
            var largest = threat.LargestSize(clean);
            foreach (var (i, row) in places.Index())
            {
                // So that a NaN is not near.
                var near = sizes[i] <= largest;
                if (truth[row] != given[row]) faults.Add($"row {row}: the label is {truth[row]} in the file, {given[row]} given");
                if (!inRange[i]) faults.Add($"row {row}: values outside [0,1]");
                if (!near) faults.Add(Invariant($"row {row}: moved by {sizes[i]:R} in {threat.Norm}, expected at most {threat.Epsilon:R}"));
                // Where the file knows no class, the network's output was not finite there, or somewhere on the attack's way.
                if (predictions[row] >= 0 && now[i] == given[row] != (predictions[row] == truth[row]))
                    faults.Add($"row {row}: class {predictions[row]} in the file, {now[i]} by the network, {given[row]} the true one");
                if (inRange[i] && near && now[i] != given[row]) misclassified++;
            }
        }
        return (given.Length, misclassified, faults);
    }

    internal static void Write(
        string path, Tensor points, IReadOnlyList<long> rows, Tensor labels, RobustnessReport report, EvaluationOptions options,
        IReadOnlyDictionary<string, string> digests) =>
        Safetensors.Write(
            path,
            [
                ("points", points),
                ("rows", tensor(rows.ToArray(), dtype: ScalarType.Int64)),
                ("labels", labels),
                ("predictions", tensor(report.WorstCase.Predictions.ToArray(), dtype: ScalarType.Int64)),
            ],
            new Dictionary<string, string>
            {
                [MetadataName] = JsonSerializer.Serialize(new
                {
                    norm = report.Threat.Norm.ToString(),
                    epsilon = report.Threat.Epsilon,
                    attacks = options.AllAttacks().Select(attack => attack.DescriptionIn(report.Threat.Norm)),
                    seed = options.Seed,
                    digests,
                }),
            });

    private static (Tensor Points, long[] Rows, long[] Labels, long[] Predictions) Read(string path, long[] shape)
    {
        var tensors = Safetensors.Read(path, requireDigest: true);
        var faults = new[] { "points", "rows", "labels", "predictions" }.Where(name => !tensors.ContainsKey(name)).ToArray();
        if (faults.Length > 0)
            throw new DataFileException(path, 8, $"the tensors {string.Join(", ", faults)} of a file of examples", "none");
        var points = tensors["points"];
        if (!points.is_floating_point() || points.dim() < 1 || !points.shape[1..].SequenceEqual(shape))
            throw new DataFileException(
                path, 8, $"points [N,{string.Join(",", shape)}] in floating point", $"{points.dtype} [{string.Join(",", points.shape)}]");
        return (points, Numbers("rows"), Numbers("labels"), Numbers("predictions"));

        long[] Numbers(string name) => tensors[name].dtype == ScalarType.Int64 && tensors[name].shape.SequenceEqual([points.shape[0]])
            ? tensors[name].data<long>().ToArray()
            : throw new DataFileException(
                path, 8, $"{name}, Int64 [{points.shape[0]}]", $"{tensors[name].dtype} [{string.Join(",", tensors[name].shape)}]");
    }
}
