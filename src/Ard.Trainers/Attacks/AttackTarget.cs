using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Attacks;

/// <summary>
/// The network as an attack sees it: logits that are checked, and a count of what they cost, point by point. Counts and checks stay on the
/// device; the attack need not wait for it.
/// </summary>
public sealed class AttackTarget
{
    private readonly Module<Tensor, Tensor> model;
    private readonly long largestLabel;
    private readonly string attack;
    private readonly long count;
    private readonly CancellationToken cancellation;
    // These belong to the dispose scope that was open when the target was made.
    private readonly Tensor notFinite, forwards, backwards, gradientFaults;
    private bool attributed = true, gradientMissing;

    internal AttackTarget(
        Module<Tensor, Tensor> model, long largestLabel, string attack, long count, Device device, CancellationToken cancellation = default)
    {
        this.model = model;
        this.largestLabel = largestLabel;
        this.attack = attack;
        this.count = count;
        this.cancellation = cancellation;
        notFinite = zeros([count], dtype: ScalarType.Int64, device: device);
        forwards = zeros([count], dtype: ScalarType.Int64, device: device);
        backwards = zeros([count], dtype: ScalarType.Int64, device: device);
        gradientFaults = zeros([3, count], dtype: ScalarType.Int64, device: device);
    }

    /// <summary>How many points have been sent through the network.</summary>
    public long ForwardPoints { get; private set; }

    /// <summary>How many points' gradients have been taken.</summary>
    public long BackwardPoints { get; private set; }

    /// <summary>
    /// For each image of the attack, how often it went forward through the network, and how often backward. Null where a call did not say
    /// whose points it sent. Waits for the device.
    /// </summary>
    public (IReadOnlyList<long> Forward, IReadOnlyList<long> Backward)? Passes =>
        attributed ? (forwards.cpu().data<long>().ToArray(), backwards.cpu().data<long>().ToArray()) : null;

    /// <summary>
    /// Points [n,...] to logits [n,classes], with a graph where the caller records one. Logits with a graph count
    /// as one backward pass too; an attack that goes backward more often says so by <see cref="CountBackward"/>. Whether the logits are
    /// finite is looked at when the attack is over.
    /// </summary>
    /// <param name="points">The points [n,...].</param>
    /// <param name="rows">
    /// Whose they are: for each point the row of its image in the attack's batch, int64 [n]. Default: a point, or as many points, of each.
    /// </param>
    /// <exception cref="InvalidOperationException">The network's output is not [n,classes] or has too few classes.</exception>
    /// <exception cref="OperationCanceledException">The attack was cancelled.</exception>
    public Tensor Logits(Tensor points, Tensor? rows = null)
    {
        cancellation.ThrowIfCancellationRequested();
        var logits = model.call(points);
        var sent = points.shape[0];
        ForwardPoints += sent;
        Count(forwards, sent, rows);
        if (logits.requires_grad) CountBackward(sent, rows);
        if (logits.dim() != 2 || logits.shape[0] != sent)
            throw new InvalidOperationException(
                $"{attack}: the network's output has shape [{string.Join(",", logits.shape)}], expected [{sent},classes].");
        if (logits.shape[1] < 2)
            throw new InvalidOperationException(
                $"{attack}: the network has {logits.shape[1]} output, expected one for each of two classes or more.");
        if (logits.shape[1] <= largestLabel)
            throw new InvalidOperationException(
                $"{attack}: the network has {logits.shape[1]} classes, expected more than {largestLabel}, the largest label.");
        using var scope = NewDisposeScope();
        var odd = logits.detach().isfinite().all(1).logical_not_().to(ScalarType.Int64);
        if (rows is not null) notFinite.IndexAdd_(0, rows, odd);
        else notFinite.Add_(sent == count ? odd : odd.sum());
        return logits;
    }

    /// <summary>Logits, or of several passes the logarithms of the mean probabilities [n,classes], without a graph.</summary>
    internal Tensor Scores(Tensor points, Tensor? rows, int passes)
    {
        if (passes == 1) return Logits(points, rows);
        using var scope = NewDisposeScope();
        var sum = Logits(points, rows).softmax(1);
        for (var pass = 1; pass < passes; pass++) sum.Add_(Logits(points, rows).softmax(1));
        // No logarithm of 0: that is no sign of a fault.
        return sum.Div_(passes).ClampMin_(1e-30).log_().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The gradient of losses with regard to points. A value of it that is NaN becomes 0 and an infinite one a large number, so that no
    /// step makes a point of no number; where there is no gradient it is 0. The report of an evaluation says at how many images it was 0,
    /// NaN, infinite or missing.
    /// </summary>
    /// <param name="losses">
    /// Points [n,...] to their losses [n]; it calls <see cref="Logits"/>, which counts the backward pass.
    /// </param>
    /// <param name="points">The points [n,...].</param>
    /// <param name="rows">Whose they are, as in <see cref="Logits"/>.</param>
    /// <returns>[n,...], without a graph.</returns>
    public Tensor Gradient(Func<Tensor, Tensor> losses, Tensor points, Tensor? rows = null)
    {
        using var record = enable_grad();
        var leaf = points.detach().requires_grad_();
        return Gradient(losses(leaf), leaf, rows);
    }

    /// <summary>The same of losses that are there.</summary>
    /// <param name="losses">[n].</param>
    /// <param name="leaf">What they hang on [n,...].</param>
    /// <param name="rows">Whose they are, as in <see cref="Logits"/>.</param>
    /// <param name="counted">Which of the gradients the attack needs, bool [n]. Default all.</param>
    /// <param name="retainGraph">Whether another gradient is taken of the same graph.</param>
    internal Tensor Gradient(Tensor losses, Tensor leaf, Tensor? rows, Tensor? counted = null, bool retainGraph = false)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        if (InputGradient.Of(losses, leaf, retainGraph) is not { } gradient)
        {
            gradientMissing = true;
            return zeros_like(leaf).detach().MoveToOuterDisposeScope();
        }
        var faults = InputGradient.Faults(gradient);
        if (counted is not null) faults.logical_and_(counted);
        faults = faults.to(ScalarType.Int64);
        if (rows is not null) gradientFaults.IndexAdd_(1, rows, faults);
        else gradientFaults.Add_(leaf.shape[0] == count ? faults : faults.sum(1, keepdim: true));
        return InputGradient.Finite(gradient).MoveToOuterDisposeScope();
    }

    /// <summary>Counts backward passes beyond the one for each forward pass with a graph.</summary>
    /// <param name="points">How many points went backward.</param>
    /// <param name="rows">Whose they are, as in <see cref="Logits"/>.</param>
    public void CountBackward(long points, Tensor? rows = null)
    {
        BackwardPoints += points;
        Count(backwards, points, rows);
    }

    /// <summary>The same network for another attack on <paramref name="images"/> of the images, with counts of its own.</summary>
    internal AttackTarget For(string other, long images) => new(model, largestLabel, other, images, forwards.device, cancellation);

    /// <summary>Adds what another attack has used on some of the images.</summary>
    /// <param name="other">The network as the other attack saw it.</param>
    /// <param name="rows">For each image of the other attack its row in this one's batch, int64.</param>
    internal void Add(AttackTarget other, Tensor rows)
    {
        ForwardPoints += other.ForwardPoints;
        BackwardPoints += other.BackwardPoints;
        forwards.IndexAdd_(0, rows, other.forwards);
        backwards.IndexAdd_(0, rows, other.backwards);
        attributed &= other.attributed;
    }

    /// <summary>
    /// For each image of the attack, whether some of its logits were not finite; where a call did not say whose points it sent, that counts
    /// for all images. Waits for the device.
    /// </summary>
    internal bool[] MetNotFinite => notFinite.Gt(0).cpu().data<bool>().ToArray();

    /// <summary>For each image of the attack what was amiss with the gradients that it met. Waits for the device.</summary>
    internal GradientFaults[] MetGradientFaults =>
        [.. InputGradient.ToFlags(gradientFaults.Gt(0)).Select(met => gradientMissing ? met | GradientFaults.Missing : met)];

    /// <summary>Waits for the device.</summary>
    /// <exception cref="InvalidOperationException">Some logits were not finite.</exception>
    internal void CheckFinite()
    {
        if (notFinite.any().item<bool>())
            throw new InvalidOperationException(
                $"{attack}: the network's logits are not finite (NaN or infinity); its robustness cannot be measured.");
    }

    private void Count(Tensor passes, long points, Tensor? rows)
    {
        using var scope = NewDisposeScope();
        if (rows is not null) passes.IndexAdd_(0, rows, ones_like(rows));
        else if (count > 0 && points % count == 0) passes.Add_(points / count);
        else attributed = false;
    }
}
