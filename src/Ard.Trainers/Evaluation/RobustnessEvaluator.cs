using Ard.Trainers.Attacks;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Evaluation;

/// <summary>
/// Measures how many points a network still gets right under attack. Each attack runs on the points whose clean image the network gets
/// right. A point's random start depends on the seed and its place in the data only, not on the batch size.
/// </summary>
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
    /// <param name="cancellation">Looked at before each attack on each batch.</param>
    /// <exception cref="ArgumentException">Images or labels are not as described; the message names every fault.</exception>
    /// <exception cref="InvalidOperationException">The network's output is unfit, or an attack broke the threat model.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public RobustnessReport Evaluate(
        Module<Tensor, Tensor> model,
        Tensor images,
        Tensor labels,
        IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        Check(images, labels);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var state = ModelState.Borrow(model);
        var attacks = Options.AllAttacks();
        var total = checked((int)images.shape[0]);
        var clean = new bool[total];
        var robust = attacks.Select(_ => new bool[total]).ToArray();
        var parameter = model.parameters().FirstOrDefault();
        var (dtype, device) = parameter is null ? (ScalarType.Float32, images.device) : (parameter.dtype, parameter.device);

        for (var first = 0; first < total; first += Options.BatchSize)
        {
            cancellation.ThrowIfCancellationRequested();
            using var batchScope = NewDisposeScope();
            var count = Math.Min(Options.BatchSize, total - first);
            var done = first + count;
            var batch = images.narrow(0, first, count).to(dtype, device);
            if (images.dtype == ScalarType.Byte) batch = batch.div_(255);
            var truth = labels.narrow(0, first, count).to(device);

            Correct(model, batch, truth).CopyTo(clean, first);
            progress?.Report(new EvaluationProgress("clean", attacks.Count == 0 ? done : first, total));

            // Only these are attacked: the adversary has no need to move the others.
            var rows = Enumerable.Range(0, count).Where(row => clean[first + row]).Select(row => (long)row).ToArray();
            var index = tensor(rows, dtype: ScalarType.Int64, device: device);
            var (points, their) = (batch.index_select(0, index), truth.index_select(0, index));
            for (var a = 0; a < attacks.Count; a++)
            {
                cancellation.ThrowIfCancellationRequested();
                using var attackScope = NewDisposeScope();
                var noise = new PointNoise(Options.Seed, rows.Select(row => first + row));
                var perturbed = attacks[a].Perturb(model, points, their, Options.Threat, noise);
                var correct = Correct(model, perturbed, their);
                for (var i = 0; i < rows.Length; i++) robust[a][first + rows[i]] = correct[i];
                progress?.Report(new EvaluationProgress(attacks[a].Name, a == attacks.Count - 1 ? done : first, total));
            }
        }

        var worst = clean.ToArray();
        foreach (var correct in robust)
        {
            for (var row = 0; row < total; row++) worst[row] &= correct[row];
        }
        return new RobustnessReport(
            Options.Threat,
            new AttackResult("clean", clean),
            [.. attacks.Select((attack, a) => new AttackResult(attack.Name, robust[a]))],
            new AttackResult("worst-case", worst));
    }

    private static bool[] Correct(Module<Tensor, Tensor> model, Tensor points, Tensor labels)
    {
        if (points.shape[0] == 0) return [];
        var logits = model.call(points);
        if (logits.dim() != 2 || logits.shape[0] != points.shape[0])
            throw new InvalidOperationException(
                $"The network's output has shape [{string.Join(",", logits.shape)}], expected [{points.shape[0]},classes].");
        if (!logits.isfinite().all().item<bool>())
            throw new InvalidOperationException(
                "The network's logits are not finite (NaN or infinity); its robustness cannot be measured.");
        return logits.argmax(1).eq(labels).cpu().data<bool>().ToArray();
    }

    private static void Check(Tensor images, Tensor labels)
    {
        var faults = new List<string>();
        if (images.dtype is not (ScalarType.Byte or ScalarType.Float32 or ScalarType.Float64))
            faults.Add($"images are {images.dtype}, expected Byte, Float32 or Float64");
        if (images.dim() < 2)
            faults.Add($"images have shape [{string.Join(",", images.shape)}], expected [N,...] of two or more dimensions");
        if (labels.dtype != ScalarType.Int64) faults.Add($"labels are {labels.dtype}, expected Int64");
        if (labels.dim() != 1 || images.dim() < 1 || labels.shape[0] != images.shape[0])
            faults.Add($"labels have shape [{string.Join(",", labels.shape)}], expected [N] with the N of the images");
        if (faults.Count > 0) throw new ArgumentException($"{nameof(RobustnessEvaluator)}: {string.Join("; ", faults)}.");
    }

    private static EvaluationOptions Validated(EvaluationOptions options)
    {
        options.Validate();
        return options;
    }
}
