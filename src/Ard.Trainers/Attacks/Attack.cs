using Ard.Trainers.Native;
using Ard.Trainers.Networks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Attacks;

/// <summary>
/// A search for a point, within the threat model, that the network gets wrong. A subclass writes <see cref="Search"/>; everything that
/// keeps the caller safe is here: the checks of what goes in and of what comes out, and that the network is left as it was found.
/// </summary>
public abstract class Attack
{
    /// <summary>A short name for tables, such as <c>pgd-20</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The norms that it can search in. Here Linf and L2.</summary>
    public virtual IReadOnlyList<Norm> Norms { get; } = [Norm.Linf, Norm.L2];

    /// <summary>How it finds its points, which says what it means when it finds more than another. Here a gradient in many steps.</summary>
    public virtual AttackKind Kind => AttackKind.Gradient;

    /// <summary>How many classes besides the true one it aims at, one after another; 0 (here) where it aims at none.</summary>
    public virtual int Targets => 0;

    /// <summary>How many passes decide whether a point is misclassified. Here one, which is enough where outputs are not random.</summary>
    internal virtual int Samples => 1;

    /// <summary>The name and every setting that its points depend on, for files that must fit to it. Here the name.</summary>
    public virtual string Description => Name;

    /// <summary>
    /// In words, for the row of a report, what the name leaves open, such as step size, start and kept iterate. Here nothing.
    /// </summary>
    /// <param name="threat">The threat model, on which defaults depend.</param>
    public virtual string Details(ThreatModel threat) => "";

    /// <summary><see cref="Description"/> of all that is run in a norm.</summary>
    internal string DescriptionIn(Norm norm) => Parts(norm) is [var only] && ReferenceEquals(only, this)
        ? Description
        : $"{Name} ({string.Join("; ", Parts(norm).Select(part => part.DescriptionIn(norm)))})";

    /// <summary>What the published attack of this name has beside in a norm, for the report; null (here) where that is nothing.</summary>
    /// <param name="norm">The norm of the threat model.</param>
    public virtual string? Lacks(Norm norm) => null;

    /// <summary>The attacks that it consists of, in their order, each on the images that are left. Here itself.</summary>
    /// <param name="norm">The norm of the threat model.</param>
    public virtual IReadOnlyList<Attack> Parts(Norm norm) => [this];

    /// <summary>
    /// Attacks a batch. The network is attacked in eval mode; the mode of every module, the parameters' requires_grad and gradients, the
    /// buffers and the global random state are afterwards as before. At epsilon 0, and for an empty batch, the images are returned bit for
    /// bit.
    /// </summary>
    /// <param name="model">Images [N,...] to logits [N,classes].</param>
    /// <param name="images">Float32 or float64 [N,...], usually [N,C,H,W], in [0,1], in the dtype and on the device of the network.</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="threat">What is allowed. The result is checked against it.</param>
    /// <param name="noise">The randomness, with as many points as there are images.</param>
    /// <returns>A new tensor [N,...]: one allowed point for each image; the subclass says which of those that it met.</returns>
    /// <exception cref="ArgumentException">The input is not as described; the message names every fault.</exception>
    /// <exception cref="InvalidOperationException">
    /// The network's output is unfit, the attack's result breaks the threat model, or gradients are wrong on this machine's CPU.
    /// </exception>
    public Tensor Perturb(Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise) =>
        Guarded(model, images, labels, threat, noise, (target, clean) => images.shape[0] == 0 || threat.Epsilon == 0
            ? clean.clone()
            : Search(target, clean, labels, threat, noise));

    /// <summary>Attacks a batch with the noise of the seed for the rows 0 to N-1.</summary>
    /// <inheritdoc cref="Perturb(Module{Tensor, Tensor}, Tensor, Tensor, ThreatModel, PointNoise)"/>
    public Tensor Perturb(Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, long seed = 0) =>
        Perturb(model, images, labels, threat, new PointNoise(seed, PointNoise.Rows(images.shape[0])));

    /// <summary>Attacks a batch with the noise of one number that the generator draws.</summary>
    /// <inheritdoc cref="Perturb(Module{Tensor, Tensor}, Tensor, Tensor, ThreatModel, PointNoise)"/>
    public Tensor Perturb(Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, Generator generator) =>
        Perturb(model, images, labels, threat, PointNoise.From(generator, images.shape[0]));

    /// <summary>
    /// Attacks the images that the network gets right, part by part, each part on those that are left, and says of each image what became
    /// of it. The rest is as in <see cref="Perturb(Module{Tensor, Tensor}, Tensor, Tensor, ThreatModel, PointNoise)"/>.
    /// </summary>
    /// <param name="model">Images [N,...] to logits [N,classes].</param>
    /// <param name="images">Float32 or float64 [N,...] in [0,1], in the dtype and on the device of the network.</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="threat">What is allowed. The result is checked against it.</param>
    /// <param name="noise">The randomness, with as many points as there are images. Every part gets the same.</param>
    /// <param name="cancellation">Looked at before each forward pass.</param>
    /// <exception cref="ArgumentException">The input is not as described; the message names every fault.</exception>
    /// <exception cref="InvalidOperationException">
    /// The network's output is unfit, a part's result breaks the threat model, or gradients are wrong on this machine's CPU.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public AttackOutcome Run(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise,
        CancellationToken cancellation = default)
    {
        AttackedPoint[] each = [];
        var points = Guarded(
            model, images, labels, threat, noise,
            (target, clean) =>
            {
                var (found, wasRight, brokenBy) = Sequence(target, clean, labels, threat, noise);
                var sizes = threat.Size(found, clean).cpu().data<double>().ToArray();
                var passes = target.Passes;
                each =
                [
                    .. sizes.Select((size, i) =>
                        new AttackedPoint(wasRight[i], brokenBy[i], size, passes?.Forward[i], passes?.Backward[i])),
                ];
                return found;
            },
            cancellation);
        return new AttackOutcome(points, each);
    }

    /// <summary>Attacks with the noise of the seed for the rows 0 to N-1, and says of each image what became of it.</summary>
    /// <inheritdoc cref="Run(Module{Tensor, Tensor}, Tensor, Tensor, ThreatModel, PointNoise, CancellationToken)"/>
    public AttackOutcome Run(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, long seed = 0,
        CancellationToken cancellation = default) =>
        Run(model, images, labels, threat, new PointNoise(seed, PointNoise.Rows(images.shape[0])), cancellation);

    /// <summary>
    /// The search itself. Called without gradients being recorded, with a network in eval mode whose parameters need none, and never with
    /// an empty batch or epsilon 0.
    /// </summary>
    /// <param name="target">The network.</param>
    /// <param name="images">Checked images [N,...].</param>
    /// <param name="labels">Checked labels [N].</param>
    /// <param name="threat">What is allowed; epsilon is positive.</param>
    /// <param name="noise">The randomness, a point for each image.</param>
    /// <returns>Points [N,...] that the threat model allows.</returns>
    protected abstract Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise);

    /// <summary>
    /// Everything but the search: the checks before and after it, and the network made ready and put back. For attacks that offer more than
    /// <see cref="Perturb(Module{Tensor, Tensor}, Tensor, Tensor, ThreatModel, PointNoise)"/>.
    /// </summary>
    /// <param name="model">The network.</param>
    /// <param name="images">Images [N,...], not checked yet.</param>
    /// <param name="labels">Labels [N], not checked yet.</param>
    /// <param name="threat">What is allowed.</param>
    /// <param name="noise">The randomness.</param>
    /// <param name="search">The network and the clean images without a graph, to points; the batch may be empty and epsilon 0.</param>
    /// <param name="cancellation">Looked at before each forward pass.</param>
    private protected Tensor Guarded(
        Module<Tensor, Tensor> model,
        Tensor images,
        Tensor labels,
        ThreatModel threat,
        PointNoise noise,
        Func<AttackTarget, Tensor, Tensor> search,
        CancellationToken cancellation = default) =>
        Prepared(
            model, images, labels, threat, noise,
            (target, clean) =>
            {
                var points = search(target, clean).detach();
                target.CheckFinite();
                threat.Verify(points, clean, Name);
                return points;
            },
            cancellation);

    // Guarded without the checks of the result.
    private Tensor Prepared(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise,
        Func<AttackTarget, Tensor, Tensor> search, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var largestLabel = Check(model, images, labels, threat, noise);
        if (images.device_type == DeviceType.CPU) GradientCheck.Require();
        using var state = ModelState.Borrow(model);
        using var noGrad = no_grad();
        var target = new AttackTarget(model, largestLabel, Name, images.shape[0], images.device, cancellation);
        return search(target, images.detach()).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// One part alone, on images that the network gets right: what an evaluation asks for, which knows that already. What the attack does
    /// amiss is told, and no error.
    /// </summary>
    internal AttackAttempt Attempt(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise, CancellationToken cancellation)
    {
        AttackAttempt? attempt = null;
        var points = Prepared(
            model, images, labels, threat, noise,
            (target, clean) =>
            {
                var found = Search(target, clean, labels, threat, noise).detach();
                ThreatModel.VerifyShape(found, clean, Name);
                var sizes = threat.Size(found, clean);
                var beyond = threat.Allows(found, clean).logical_not();
                // A value that is no number cannot be projected.
                found = where(
                    ThreatModel.PerPoint(beyond, clean), threat.Project(where(found.isfinite(), found, clean), clean), found);
                var logits = target.Scores(found, null, Samples).MoveToOuterDisposeScope();
                attempt = new AttackAttempt(
                    found, logits, target.Passes, target.MetNotFinite, target.MetGradientFaults, beyond.cpu().data<bool>().ToArray(),
                    sizes.cpu().data<double>().ToArray());
                return found;
            },
            cancellation);
        return attempt! with { Points = points };
    }

    /// <summary>The parts in their order, each on the images that are still right.</summary>
    /// <param name="target">The network.</param>
    /// <param name="images">The clean images [N,...].</param>
    /// <param name="labels">Their labels [N].</param>
    /// <param name="threat">What is allowed; epsilon may be 0.</param>
    /// <param name="noise">The randomness, the same for every part.</param>
    /// <param name="batchSize">How many images a part gets at a time. Those that are left are put into full batches again.</param>
    /// <returns>
    /// Points [N,...]: the first one that is misclassified; where there is none, the attack's own point, or the clean image where the
    /// attack consists of others. Then which images were right at the beginning, and the name of the part that broke each.
    /// </returns>
    private protected (Tensor Points, bool[] WasRight, string?[] BrokenBy) Sequence(
        AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise, int batchSize)
    {
        var points = images.clone();
        var right = new bool[images.shape[0]];
        foreach (var batch in Enumerable.Range(0, right.Length).Chunk(batchSize))
        {
            using var scope = NewDisposeScope();
            var rows = Index(batch, images.device);
            var correct = target.Scores(images.index_select(0, rows), rows, Samples).argmax(1).eq(labels.index_select(0, rows));
            correct.cpu().data<bool>().ToArray().CopyTo(right, batch[0]);
        }

        bool[] wasRight = [.. right];
        var brokenBy = new string?[right.Length];
        foreach (var part in threat.Epsilon == 0 ? [] : Parts(threat.Norm))
        {
            foreach (var batch in Enumerable.Range(0, right.Length).Where(row => right[row]).ToArray().Chunk(batchSize))
            {
                using var scope = NewDisposeScope();
                var rows = Index(batch, images.device);
                var (its, correct) = part.Part(
                    target,
                    rows,
                    images.index_select(0, rows),
                    labels.index_select(0, rows),
                    threat,
                    noise.Select(batch.Select(row => (long)row)));
                var broken = correct.logical_not().nonzero().flatten();
                if (ReferenceEquals(part, this)) points.index_copy_(0, rows, its);
                else points.index_copy_(0, rows.index_select(0, broken), its.index_select(0, broken));
                foreach (var place in broken.cpu().data<long>().ToArray())
                    (right[batch[place]], brokenBy[batch[place]]) = (false, part.Name);
            }
        }
        return (points, wasRight, brokenBy);
    }

    // A sequence overrides this by batches of its own.
    private protected virtual (Tensor Points, bool[] WasRight, string?[] BrokenBy) Sequence(
        AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise) =>
        Sequence(target, images, labels, threat, noise, batchSize: int.MaxValue);

    // The search as a part of another attack, on some of its images, at least one: points [n,...], and which of them are right. What is
    // used counts there too.
    private (Tensor Points, Tensor Correct) Part(
        AttackTarget whole, Tensor rows, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        using var scope = NewDisposeScope();
        var target = whole.For(Name, images.shape[0]);
        var points = Search(target, images, labels, threat, noise).detach();
        var correct = target.Scores(points, null, Samples).argmax(1).eq(labels);
        target.CheckFinite();
        threat.Verify(points, images, Name);
        whole.Add(target, rows);
        return (points.MoveToOuterDisposeScope(), correct.MoveToOuterDisposeScope());
    }

    /// <summary>The search of another attack, where this one is a way of setting that one.</summary>
    /// <inheritdoc cref="Search"/>
    private protected static Tensor SearchOf(
        Attack other, AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise) =>
        other.Search(target, images, labels, threat, noise);

    private static Tensor Index(int[] rows, Device device) =>
        tensor(rows.Select(row => (long)row).ToArray(), dtype: ScalarType.Int64, device: device);

    // Names every fault; returns the largest label, or -1.
    private long Check(Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(threat);
        ArgumentNullException.ThrowIfNull(noise);

        var faults = new List<string>();
        if (!Norms.Contains(threat.Norm)) faults.Add($"the norm is {threat.Norm}, expected {string.Join(" or ", Norms)}");
        var isFloat = images.dtype is ScalarType.Float32 or ScalarType.Float64;
        if (!isFloat) faults.Add($"images are {images.dtype}, expected Float32 or Float64");
        if (images.dim() < 2) faults.Add($"images have shape [{Shape(images)}], expected [N,...] of two or more dimensions");
        if (isFloat && images.dim() >= 2 && ThreatModel.OutOfRange(images) is { } fault) faults.Add(fault);

        var largest = -1L;
        if (labels.dtype != ScalarType.Int64) faults.Add($"labels are {labels.dtype}, expected Int64");
        if (labels.dim() != 1 || images.dim() < 1 || labels.shape[0] != images.shape[0])
            faults.Add($"labels have shape [{Shape(labels)}], expected [N] with the N of the images [{Shape(images)}]");
        if (labels.dtype == ScalarType.Int64 && labels.numel() > 0)
        {
            var smallest = labels.min().item<long>();
            largest = labels.max().item<long>();
            if (smallest < 0) faults.Add($"labels have the value {smallest}, expected 0 or more");
        }
        if (images.dim() >= 1 && noise.Count != images.shape[0])
            faults.Add($"the noise serves {noise.Count} points, expected {images.shape[0]}");

        if (labels.device.ToString() != images.device.ToString())
            faults.Add($"labels are on {labels.device}, expected {images.device} as the images");
        if (model.parameters().FirstOrDefault() is { } parameter)
        {
            if (parameter.device.ToString() != images.device.ToString())
                faults.Add($"the network is on {parameter.device}, expected {images.device} as the images");
            if (isFloat && parameter.dtype != images.dtype)
                faults.Add($"the network is {parameter.dtype}, expected {images.dtype} as the images");
        }

        if (faults.Count > 0) throw new ArgumentException($"{Name}: {string.Join("; ", faults)}.");
        return largest;
    }

    private static string Shape(Tensor values) => string.Join(",", values.shape);
}
