using System.Globalization;
using Ard.Trainers.Attacks;
using Ard.Trainers.Networks;
using Ard.Trainers.Tensors;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Evaluation;

/// <summary>
/// Measures how many points a network still gets right under attack. Each attack runs on the points whose clean image the network gets
/// right. What is found of a point depends on the seed and its place in the data, and but for rounding not on the batch size nor on the
/// other points.
/// </summary>
/// <remarks>
/// What makes figures doubtful is a flag of the report. Two of them decide how points are counted. Where the network's output is not finite
/// (NaN or infinity) it names no class: such an image counts as wrong, and one at which an attack met such outputs, at its point or on its
/// way there, as broken, also where that way led outside of the budget: the accuracies are then too low rather than too high. A point of an
/// attack that lies beyond the budget or outside [0,1] is projected back before the network is asked.
/// </remarks>
/// <param name="options">The settings; default FGSM and PGD-20, Linf 8/255.</param>
/// <exception cref="ArgumentException">A setting is wrong.</exception>
public sealed class RobustnessEvaluator(EvaluationOptions? options = null)
{
    /// <summary>The settings.</summary>
    public EvaluationOptions Options { get; } = Validated(options ?? new EvaluationOptions());

    /// <summary>Evaluates a network, which is left as it was found.</summary>
    /// <param name="model">Images [N,...] to logits [N,classes].</param>
    /// <param name="images">
    /// [N,...], usually [N,C,H,W]: bytes, which are divided by 255, or floating point in [0,1]. A batch at a time is moved to the network's
    /// dtype and device.
    /// </param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="progress">Told after each attack on each batch.</param>
    /// <param name="cancellation">
    /// Looked at before each attack on each batch and before each of an attack's forward passes. What is done by then is in the state file.
    /// </param>
    /// <exception cref="ArgumentException">
    /// Images or labels are not as described (the message names every fault), or the labels are no classes of the network, or it has one
    /// output only.
    /// </exception>
    /// <exception cref="InvalidOperationException">The network's output, or an attack's, is of another shape.</exception>
    /// <exception cref="Checkpoints.CheckpointException">The state file is damaged or belongs to another evaluation.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public RobustnessReport Evaluate(
        Module<Tensor, Tensor> model,
        Tensor images,
        Tensor labels,
        IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancellation = default) =>
        EvaluateRows(model, images, labels, [.. PointNoise.Rows(images?.shape[0] ?? 0)], progress, cancellation);

    /// <summary>The same for images that are some of a data set: <paramref name="rows"/> says which, for their random numbers.</summary>
    internal RobustnessReport EvaluateRows(
        Module<Tensor, Tensor> model,
        Tensor images,
        Tensor labels,
        IReadOnlyList<long> rows,
        IProgress<EvaluationProgress>? progress,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(model);
        ImageBatch.Check(nameof(RobustnessEvaluator), images, labels);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var digests = Options.StateFile is null && Options.ExamplesFile is null ? null : Digests(model, images, labels);
        var settings = Options.StateFile is null ? null : Settings(digests!, rows, ImageBatch.Home(model, images).Device);
        using var state = new EvaluationState(Options, checked((int)images.shape[0]));
        if (File.Exists(Options.StateFile)) state.Read(Options.StateFile, settings!, images, ImageBatch.Home(model, images).Type);

        using (ModelState.Borrow(model))
        {
            for (var first = 0; first < state.Count; first += Options.BatchSize)
            {
                // The steps of a batch, one for the clean images and one for each attempt, of which some may be done.
                var step = (long)(first / Options.BatchSize) * (1 + state.Attempts.Count);
                if (step + state.Attempts.Count < state.Steps) continue;
                using var batchScope = NewDisposeScope();
                var count = Math.Min(Options.BatchSize, state.Count - first);
                var (points, truth) = ImageBatch.Of(model, images, labels, first, count);
                for (var attempt = -1; attempt < state.Attempts.Count; attempt++, step++)
                {
                    if (step < state.Steps) continue;
                    cancellation.ThrowIfCancellationRequested();
                    using var stepScope = NewDisposeScope();
                    if (attempt < 0) Look(model, state, first, points, truth, labels);
                    else Attack(model, state, attempt, first, points, truth, rows, cancellation);
                    state.Steps++;
                    if (settings is not null) state.Write(Options.StateFile!, settings);
                    progress?.Report(new EvaluationProgress(
                        attempt < 0 ? "clean" : state.Attempts[attempt].Title,
                        attempt == state.Attempts.Count - 1 ? first + count : first,
                        state.Count,
                        Enumerable.Range(0, state.Rows).Count(state.IsRobust)));
                }
            }
        }
        var report = state.Report() with
        {
            Labels = labels.cpu().data<long>().ToArray(),
            Settings = [.. Settings().Select(setting => $"{setting.Name}: {setting.Value}")],
        };
        if (Options.ExamplesFile is not null && state.Count > 0)
            AdversarialExamplesFile.Write(Options.ExamplesFile, state.Examples, rows, labels, report, Options, digests!);
        return report;
    }

    // The clean images: which are right, and what is amiss with the network there.
    private void Look(Module<Tensor, Tensor> model, EvaluationState state, int first, Tensor images, Tensor labels, Tensor allLabels)
    {
        var count = (int)images.shape[0];
        Tensor logits;
        Tensor? gradient = null;
        using (Options.CheckNetwork ? enable_grad() : no_grad())
        {
            var leaf = Options.CheckNetwork ? images.detach().requires_grad_() : images;
            logits = model.call(leaf);
            ImageBatch.CheckClasses(nameof(RobustnessEvaluator), logits, count, allLabels);
            if (Options.CheckNetwork) gradient = InputGradient.Of(AttackLosses.CrossEntropy(logits, labels), leaf);
        }
        logits = logits.detach();
        if (Options.CheckNetwork && first == 0)
        {
            state.Spread = Spread(model, images, logits);
            state.BatchSpread = BatchSpread(model, images, logits);
        }
        state.Begin(images, logits.shape[1]);

        var scores = logits;
        if (state.Attempts.Select(attempt => attempt.Part.Samples).DefaultIfEmpty(1).Max() is > 1 and var passes)
            scores = new AttackTarget(model, 0, "clean", count, images.device).Scores(images, null, passes);
        scores.isfinite().all(1).logical_not_().cpu().data<bool>().ToArray().CopyTo(state.NotFinite, first);
        var prediction = ImageBatch.Predictions(scores);
        var right = prediction.eq(labels).cpu().data<bool>().ToArray();
        right.CopyTo(state.Right, first);
        prediction.cpu().data<long>().ToArray().CopyTo(state.Prediction, first);
        if (Options.KeepLogits) Floats(scores).CopyTo(state.Logits, first * state.Classes);
        if (!Options.CheckNetwork) return;
        var probability = logits.Ge(0).all(1).logical_and(logits.sum(1).Minus(1).abs().Lt(1e-4));
        probability.cpu().data<bool>().ToArray().CopyTo(state.Probability, first);
        var faults = gradient is null ? null : InputGradient.ToFlags(InputGradient.Faults(gradient));
        // Where the network is wrong no gradient is needed.
        for (var i = 0; i < count; i++)
            state.GradientFaults[first + i] = right[i] ? (byte)(faults?[i] ?? GradientFaults.Missing) : (byte)0;
    }

    private static double Spread(Module<Tensor, Tensor> model, Tensor images, Tensor logits)
    {
        var most = 0.0;
        for (var pass = 1; pass < 5; pass++)
        {
            using var scope = NewDisposeScope();
            most = Math.Max(most, Difference(model.call(images), logits));
        }
        return most;
    }

    // The first batch in halves, and in another order: what an image's output depends on beside the image.
    private static double BatchSpread(Module<Tensor, Tensor> model, Tensor images, Tensor logits)
    {
        if (images.shape[0] < 2) return 0;
        using var scope = NewDisposeScope();
        var halves = cat([.. images.tensor_split(2).Select(half => model.call(half))]);
        var turned = model.call(images.flip([0L])).flip([0L]);
        return Math.Max(Difference(halves, logits), Difference(turned, logits));
    }

    // In units of the largest output.
    private static double Difference(Tensor logits, Tensor others)
    {
        // What is not finite both times differs by no number; where it is so only once, by infinitely much.
        var difference = (logits - others).abs().MaskedFill(logits.isfinite().logical_or(others.isfinite()).logical_not(), 0)
            .nan_to_num(double.PositiveInfinity).max().to(ScalarType.Float64).item<double>();
        return difference == 0
            ? 0
            : difference / others.nan_to_num(0, 0, 0).abs().max().ClampMin(1e-30).to(ScalarType.Float64).item<double>();
    }

    // One attempt at those of a batch that are left. Only these are attacked: the adversary has no need to move the others.
    private void Attack(
        Module<Tensor, Tensor> model, EvaluationState state, int attempt, int first, Tensor images, Tensor labels,
        IReadOnlyList<long> numbers, CancellationToken cancellation)
    {
        var places = Enumerable.Range(0, (int)images.shape[0]).Where(place => state.IsLeft(first + place, attempt)).ToArray();
        if (places.Length == 0 || Options.Threat.Epsilon == 0) return;
        var index = tensor(places.Select(place => (long)place).ToArray(), dtype: ScalarType.Int64, device: images.device);
        (images, labels) = (images.index_select(0, index), labels.index_select(0, index));
        var its = state.Attempts[attempt];
        var noise = new PointNoise(Options.Seed, places.Select(place => numbers[first + place]));
        var found = its.Part.Attempt(model, images, labels, Options.Threat, noise, cancellation);
        var odd = tensor(found.MetNotFinite, dtype: ScalarType.Bool, device: images.device);
        var logits = found.Logits.MaskedFill(odd.unsqueeze(1), double.NaN);
        var prediction = ImageBatch.Predictions(logits);
        var correct = prediction.eq(labels).cpu().data<bool>().ToArray();
        var predictions = prediction.cpu().data<long>().ToArray();
        var sizes = Options.Threat.Size(found.Points, images).cpu().data<double>().ToArray();
        var floats = Options.KeepLogits ? Floats(logits) : [];
        for (var i = 0; i < places.Length; i++)
        {
            var row = first + places[i];
            its.Set(row, correct[i]);
            (its.Size[row], its.Prediction[row], its.MetNotFinite[row]) = (sizes[i], predictions[i], found.MetNotFinite[i]);
            its.Beyond[row] = found.Beyond[i] ? found.OwnSize[i] : 0;
            its.GradientFaults[row] = (byte)found.GradientFaults[i];
            (its.Forward[row], its.Backward[row]) = found.Passes is { } each ? (each.Forward[i], each.Backward[i]) : (-1, -1);
            if (Options.KeepLogits) Array.Copy(floats, i * state.Classes, its.Logits, row * state.Classes, state.Classes);
            if (!correct[i]) state.KeepExample(row, attempt, found.Points[i]);
        }
    }

    private Dictionary<string, string> Settings(IReadOnlyDictionary<string, string> digests, IReadOnlyList<long> rows, Device device) =>
        new(digests.Concat(Settings().Select(setting => KeyValuePair.Create(setting.Name, setting.Value))))
        {
            [nameof(Options.KeepLogits)] = $"{Options.KeepLogits}",
            [nameof(Options.ExamplesFile)] = Options.ExamplesFile is null ? "none" : "one",
            ["rows"] = TensorDigest.Of(tensor(rows.ToArray(), dtype: ScalarType.Int64)),
            ["kind of device"] = $"{device.type}",
        };

    // Of the options those that say what is computed.
    private IEnumerable<(string Name, string Value)> Settings() =>
    [
        (nameof(Options.Threat), string.Create(CultureInfo.InvariantCulture, $"{Options.Threat.Norm} {Options.Threat.Epsilon:R}")),
        (nameof(Options.Attacks), string.Join(", ", Options.AllAttacks().Select(attack => attack.DescriptionIn(Options.Threat.Norm)))),
        (nameof(Options.BatchSize), $"{Options.BatchSize}"),
        (nameof(Options.Seed), $"{Options.Seed}"),
        (nameof(Options.Sequential), $"{Options.Sequential}"),
        (nameof(Options.CheckNetwork), $"{Options.CheckNetwork}"),
    ];

    private static Dictionary<string, string> Digests(Module<Tensor, Tensor> model, Tensor images, Tensor labels) => new()
    {
        ["network"] = $"{model.GetType().FullName} {TensorDigest.Of(model)}",
        ["images"] = TensorDigest.Of(images),
        ["labels"] = TensorDigest.Of(labels),
    };

    private static float[] Floats(Tensor logits) => logits.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();

    private static EvaluationOptions Validated(EvaluationOptions options)
    {
        options.Validate();
        return options;
    }
}
