using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Attacks;

/// <summary>
/// A sequence of attacks, each on the images that the network still gets right after those before it (Croce and Hein, Reliable evaluation
/// of adversarial robustness, ICML 2020). Each attack gets the same noise as if it were run alone. Returned is the misclassified point that
/// was found first, or the clean image where none was.
/// </summary>
public sealed class AutoAttack : Attack
{
    private readonly Func<Norm, IReadOnlyList<Attack>> attacks;
    private readonly int batchSize;

    /// <summary>A sequence of your own.</summary>
    /// <param name="name">Its name for tables.</param>
    /// <param name="attacks">The attacks in their order, each of another name. Its norms are those that all of them can do.</param>
    /// <param name="batchSize">How many images an attack gets at a time. Default 250, as in the reference implementation.</param>
    /// <exception cref="ArgumentException">The settings are not as described; the message names every fault.</exception>
    public AutoAttack(string name, IReadOnlyList<Attack> attacks, int batchSize = 250)
        : this(name, _ => attacks, CommonNorms(attacks), batchSize)
    {
        var faults = new List<string>();
        if (attacks.Count == 0) faults.Add("there is no attack, expected one or more");
        foreach (var twice in attacks.GroupBy(attack => attack.Name).Where(group => group.Count() > 1))
            faults.Add($"the attack '{twice.Key}' is named twice");
        if (batchSize < 1) faults.Add($"batchSize is {batchSize}, expected 1 or more");
        if (faults.Count > 0) throw new ArgumentException($"{name}: {string.Join("; ", faults)}.");
    }

    private AutoAttack(string name, Func<Norm, IReadOnlyList<Attack>> attacks, IReadOnlyList<Norm> norms, int batchSize = 250)
    {
        Name = name;
        this.attacks = attacks;
        Norms = norms;
        this.batchSize = batchSize;
    }

    /// <summary>
    /// The standard version, <c>autoattack</c>. Linf and L2: APGD-CE, APGD-T and FAB-T with 9 targets, Square with 5000 queries. L1: APGD-CE
    /// with 5 restarts, APGD-T with 5 targets, both with larger radii first; without the FAB and Square of the reference implementation,
    /// which are not there for L1. Needs 4 classes or more.
    /// </summary>
    public static AutoAttack Standard { get; } = new(
        "autoattack",
        norm => norm == Norm.L1
            ?
            [
                new Apgd(new ApgdOptions { Restarts = 5, LargerRadii = true }),
                new Apgd(new ApgdOptions { Loss = ApgdLoss.TargetedDlr, Targets = 5, LargerRadii = true }),
            ]
            :
            [
                new Apgd(),
                new Apgd(new ApgdOptions { Loss = ApgdLoss.TargetedDlr }),
                new Fab(new FabOptions { Targeted = true, StopWithinBudget = true }),
                new Square(),
            ],
        [Norm.Linf, Norm.L2, Norm.L1]);

    /// <summary>
    /// The version with more restarts, <c>autoattack-plus</c>, for Linf and L2: APGD-CE, APGD-DLR and FAB with 5 restarts, Square with 5000
    /// queries, APGD-T and FAB-T with 9 targets. Needs 4 classes or more.
    /// </summary>
    public static AutoAttack Plus { get; } = new(
        "autoattack-plus",
        _ =>
        [
            new Apgd(new ApgdOptions { Restarts = 5 }),
            new Apgd(new ApgdOptions { Loss = ApgdLoss.Dlr, Restarts = 5 }),
            new Fab(new FabOptions { Restarts = 5, StopWithinBudget = true }),
            new Square(),
            new Apgd(new ApgdOptions { Loss = ApgdLoss.TargetedDlr }),
            new Fab(new FabOptions { Targeted = true, StopWithinBudget = true }),
        ],
        [Norm.Linf, Norm.L2]);

    /// <summary>
    /// The version for networks whose output is random, <c>autoattack-rand</c>: APGD-CE and APGD-DLR, each gradient a mean of 20 samples.
    /// Needs 3 classes or more.
    /// </summary>
    public static AutoAttack Rand { get; } = new(
        "autoattack-rand",
        _ =>
        [
            new Apgd(new ApgdOptions { Samples = 20 }),
            new Apgd(new ApgdOptions { Loss = ApgdLoss.Dlr, Samples = 20 }),
        ],
        [Norm.Linf, Norm.L2, Norm.L1]);

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Norm> Norms { get; }

    /// <summary>The attacks in their order.</summary>
    /// <param name="norm">The norm of the threat model.</param>
    public IReadOnlyList<Attack> Attacks(Norm norm) => attacks(norm);

    /// <summary>
    /// Attacks any number of images, and says of each what became of it. The images that are left after an attack are put into full batches
    /// again for the next one, which on a GPU is quicker than batch by batch. The network is left as it was found.
    /// </summary>
    /// <param name="model">Images [N,...] to logits [N,classes].</param>
    /// <param name="images">Float32 or float64 [N,...] in [0,1], in the dtype and on the device of the network.</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="threat">What is allowed.</param>
    /// <param name="seed">The seed of all that is random.</param>
    /// <param name="progress">Told after each attack on each batch.</param>
    /// <param name="cancellation">Looked at before each attack on each batch.</param>
    /// <exception cref="ArgumentException">The input is not as described; the message names every fault.</exception>
    /// <exception cref="InvalidOperationException">The network's output is unfit, or an attack broke the threat model.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public AutoAttackReport Evaluate(
        Module<Tensor, Tensor> model,
        Tensor images,
        Tensor labels,
        ThreatModel threat,
        long seed = 0,
        IProgress<AutoAttackProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(threat);
        var noise = new PointNoise(seed, PointNoise.Rows(images.shape[0]));
        Found? found = null;
        (IReadOnlyList<long> Forward, IReadOnlyList<long> Backward)? passes = null;
        var points = Guarded(model, images, labels, threat, noise, (target, clean) =>
        {
            found = Search(target, clean, labels, threat, noise, progress, cancellation);
            passes = target.Passes;
            return found.Points;
        });
        using var scope = NewDisposeScope();
        var sizes = threat.Size(points, images).cpu().data<double>().ToArray();
        return new AutoAttackReport(
            threat,
            [.. attacks(threat.Norm).Select(attack => attack.Name)],
            [.. found!.CleanRight.Select((right, i) =>
                new AutoAttackPoint(right, found.BrokenBy[i], sizes[i], passes?.Forward[i], passes?.Backward[i]))],
            points);
    }

    /// <inheritdoc/>
    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise) =>
        Search(target, images, labels, threat, noise, progress: null, CancellationToken.None).Points;

    private sealed record Found(Tensor Points, bool[] CleanRight, string?[] BrokenBy);

    private Found Search(
        AttackTarget target,
        Tensor images,
        Tensor labels,
        ThreatModel threat,
        PointNoise noise,
        IProgress<AutoAttackProgress>? progress,
        CancellationToken cancellation)
    {
        var points = images.clone();
        var right = new bool[images.shape[0]];
        foreach (var batch in Enumerable.Range(0, right.Length).Chunk(batchSize))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var rows = Index(batch, images.device);
            var correct = target.Logits(images.index_select(0, rows), rows).argmax(1).eq(labels.index_select(0, rows));
            correct.cpu().data<bool>().ToArray().CopyTo(right, batch[0]);
        }

        var found = new Found(points, [.. right], new string?[right.Length]);
        foreach (var attack in threat.Epsilon == 0 ? [] : attacks(threat.Norm))
        {
            var left = Enumerable.Range(0, right.Length).Where(row => right[row]).ToArray();
            var done = 0;
            foreach (var batch in left.Chunk(batchSize))
            {
                cancellation.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                var rows = Index(batch, images.device);
                var (its, correct) = attack.Part(
                    target,
                    rows,
                    images.index_select(0, rows),
                    labels.index_select(0, rows),
                    threat,
                    noise.Select(batch.Select(row => (long)row)));
                var broken = correct.logical_not().nonzero().flatten();
                points.index_copy_(0, rows.index_select(0, broken), its.index_select(0, broken));
                foreach (var place in broken.cpu().data<long>().ToArray())
                {
                    right[batch[place]] = false;
                    found.BrokenBy[batch[place]] = attack.Name;
                }
                done += batch.Length;
                progress?.Report(new AutoAttackProgress(attack.Name, done, left.Length, right.Count(each => each)));
            }
        }
        return found;
    }

    private static Norm[] CommonNorms(IReadOnlyList<Attack> attacks) =>
        [.. Enum.GetValues<Norm>().Where(norm => attacks.All(attack => attack.Norms.Contains(norm)))];

    private static Tensor Index(int[] rows, Device device) =>
        tensor(rows.Select(row => (long)row).ToArray(), dtype: ScalarType.Int64, device: device);
}
