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
    /// The network's output is unfit, or the attack's result breaks the threat model.
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
    private protected Tensor Guarded(
        Module<Tensor, Tensor> model,
        Tensor images,
        Tensor labels,
        ThreatModel threat,
        PointNoise noise,
        Func<AttackTarget, Tensor, Tensor> search)
    {
        using var scope = NewDisposeScope();
        var largestLabel = Check(model, images, labels, threat, noise);
        using var state = ModelState.Borrow(model);
        using var noGrad = no_grad();
        var clean = images.detach();
        var target = new AttackTarget(model, largestLabel, Name, images.shape[0], images.device);
        var points = search(target, clean).detach();
        target.CheckFinite();
        threat.Verify(points, clean, Name);
        return points.MoveToOuterDisposeScope();
    }

    /// <summary>Runs the search as a part of another attack, on some of its images.</summary>
    /// <param name="whole">The network as the other attack sees it; what is used counts there too.</param>
    /// <param name="rows">For each image its row in the other attack's batch, int64 [n], on the images' device.</param>
    /// <param name="images">The images [n,...], at least one; epsilon is positive.</param>
    /// <param name="labels">Their labels [n].</param>
    /// <param name="threat">What is allowed. The result is checked against it.</param>
    /// <param name="noise">The randomness.</param>
    /// <returns>Points [n,...], and which of them the network gets right, by one forward pass.</returns>
    internal (Tensor Points, Tensor Correct) Part(
        AttackTarget whole, Tensor rows, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        using var scope = NewDisposeScope();
        var target = whole.For(Name, images.shape[0]);
        var points = Search(target, images, labels, threat, noise).detach();
        var correct = target.Logits(points).argmax(1).eq(labels);
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
        if (isFloat && images.numel() > 0)
        {
            var lowest = images.detach().min().to(ScalarType.Float64).item<double>();
            var highest = images.detach().max().to(ScalarType.Float64).item<double>();
            if (!(lowest >= 0 && highest <= 1)) faults.Add($"images have values from {lowest:G4} to {highest:G4}, expected [0,1]");
        }

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
