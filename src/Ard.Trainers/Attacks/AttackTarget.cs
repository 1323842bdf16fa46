namespace Ard.Trainers.Attacks;

/// <summary>The network as an attack sees it: checked logits and gradients, counted passes. It waits in the end only.</summary>
public sealed class AttackTarget
{
    private readonly long largestLabel;
    private readonly string attack;
    private readonly long count;
    private readonly PassCounter? passes;
    private readonly QueryLog? queries;
    private bool sampling, searching = true;
    // A sum of 0 for each image, NaN where some logits were not finite; and how often its gradient had each of the faults. They belong to
    // the dispose scope that was open when the target was made.
    private readonly Tensor notFinite, gradientFaults;

    internal AttackTarget(
        Module<Tensor, Tensor> model, string attack, Tensor images, long largestLabel = -1, PassCounter? passes = null,
        QueryLog? queries = null, int samples = 1, CancellationToken cancellation = default)
    {
        Samples = samples;
        (Model, this.attack, this.largestLabel, this.passes, Cancellation) = (model, attack, largestLabel, passes, cancellation);
        this.queries = queries;
        count = images.shape[0];
        notFinite = zeros([count], dtype: images.dtype, device: images.device);
        gradientFaults = zeros([3, count], dtype: ScalarType.Int64, device: images.device);
    }

    internal Module<Tensor, Tensor> Model { get; }
    internal CancellationToken Cancellation { get; }

    /// <summary>How many passes are one answer: more than one where the network's output is random (<see cref="Attack.Eot"/>).</summary>
    internal int Samples { get; }

    /// <summary>
    /// Points [n,...] to logits [n,classes], with a graph where one is recorded, which counts as a backward pass. Whether they are finite
    /// is checked in the end. With several samples (<see cref="Attack.Eot"/>) the logarithms of the mean probabilities.
    /// </summary>
    /// <param name="points">The points [n,...].</param>
    /// <param name="rows">Whose they are: their images' rows in the batch, int64 [n]. Default: a point, or as many, of each.</param>
    /// <exception cref="InvalidOperationException">The network's output is not [n,classes] or has too few classes.</exception>
    /// <exception cref="OperationCanceledException">The attack was cancelled.</exception>
    public Tensor Logits(Tensor points, Tensor? rows = null) => Samples == 1 || sampling
        ? Pass(points, rows)
        : MeanOf(Enumerable.Range(0, Samples).Select(_ => Pass(points, rows)));

    private Tensor Pass(Tensor points, Tensor? rows)
    {
        Cancellation.ThrowIfCancellationRequested();
        if (searching) queries?.Spend(points.shape[0], rows);
        var logits = Model.call(points);
        var sent = points.shape[0];
        passes?.Count(sent, rows, forward: 1, backward: logits.requires_grad ? 1 : 0);
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
        using var noGrad = no_grad();
        var zeroOrNaN = logits.detach().Times(0).sum(1).to(notFinite.dtype);
        if (rows is not null) notFinite.IndexAdd_(0, rows, zeroOrNaN);
        else notFinite.Add_(sent == count ? zeroOrNaN : zeroOrNaN.sum());
        queries?.Add(points, logits, rows);
        return logits;
    }

    // The logarithms of the mean probabilities; none of 0, which is no sign of a fault.
    private Tensor MeanOf(IEnumerable<Tensor> samples)
    {
        using var scope = NewDisposeScope();
        var sum = samples.Select(logits => logits.softmax(1)).Aggregate((one, other) => one.Plus(other));
        return sum.Over(Samples).ClampMin(1e-30).log().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The gradient of losses with regard to points; of several samples (<see cref="Attack.Eot"/>) the mean. NaN in it becomes 0 and
    /// infinity a large number, so that no step makes a point of no number; no gradient is 0. The report says at how many images it was 0,
    /// NaN, infinite or missing.
    /// </summary>
    /// <param name="losses">Points [n,...] to their losses [n]; it calls <see cref="Logits"/>, which counts the backward pass.</param>
    /// <param name="points">The points [n,...].</param>
    /// <param name="rows">Whose they are, as in <see cref="Logits"/>.</param>
    /// <returns>[n,...], without a graph.</returns>
    public Tensor Gradient(Func<Tensor, Tensor> losses, Tensor points, Tensor? rows = null)
    {
        using var record = enable_grad();
        var leaf = points.detach().requires_grad_();
        if (Samples == 1) return Gradient(losses(leaf), leaf, rows);
        var sum = zeros_like(points);
        sampling = true;
        try
        {
            for (var sample = 0; sample < Samples; sample++)
            {
                using var scope = NewDisposeScope();
                sum.Add_(Gradient(losses(leaf), leaf, rows));
            }
        }
        finally
        {
            sampling = false;
        }
        return sum.Div_(Samples);
    }

    /// <summary>Logits [n,classes], losses [n] and their gradient at points, without a graph; with several samples their means.</summary>
    internal (Tensor Logits, Tensor Losses, Tensor Gradient) Measure(Func<Tensor, Tensor> losses, Tensor points, Tensor? rows = null)
    {
        var (all, each) = (new List<Tensor>(), new List<Tensor>());
        var gradient = Gradient(Sample, points, rows);
        using var noGrad = no_grad();
        return Samples == 1 ? (all[0], each[0], gradient) : (MeanOf(all), stack(each).mean([0L]), gradient);

        Tensor Sample(Tensor leaf)
        {
            var logits = Logits(leaf, rows);
            var its = losses(logits);
            all.Add(Kept(logits));
            each.Add(Kept(its));
            return its;
        }

        // The scope of a sample ends before the means are taken.
        Tensor Kept(Tensor values) => Samples == 1 ? values.detach() : values.detach().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// One loss after another of several [n,k] of the same points [n,...], the leaf, and its gradient, each a backward pass. <paramref
    /// name="counted"/>: which gradients of the loss at a place the attack needs, bool [n], default all.
    /// </summary>
    internal IEnumerable<(Tensor Loss, Tensor Gradient)> Gradients(
        Tensor losses, Tensor leaf, Tensor? rows = null, Func<long, Tensor>? counted = null)
    {
        for (var i = 0L; i < losses.shape[1]; i++)
        {
            var loss = losses.select(1, i);
            var gradient = Gradient(loss, leaf, rows, counted?.Invoke(i), retainGraph: i < losses.shape[1] - 1);
            if (i > 0) passes?.Count(leaf.shape[0], rows, forward: 0, backward: 1);
            yield return (loss, gradient);
        }
    }

    /// <summary>The gradient of losses [n] that are computed already; with those of <see cref="Gradients"/> for the rest.</summary>
    internal Tensor Gradient(Tensor losses, Tensor leaf, Tensor? rows, Tensor? counted = null, bool retainGraph = false)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        if (InputGradient.Take(losses, leaf, retainGraph) is not { } gradient)
        {
            GradientMissing = true;
            return zeros_like(leaf).detach().MoveToOuterDisposeScope();
        }
        var faults = InputGradient.Faults(gradient);
        if (counted is not null) faults.logical_and_(counted);
        faults = faults.to(ScalarType.Int64);
        if (rows is not null) gradientFaults.IndexAdd_(1, rows, faults);
        else gradientFaults.Add_(leaf.shape[0] == count ? faults : faults.sum(1, keepdim: true));
        return InputGradient.Finite(gradient).MoveToOuterDisposeScope();
    }

    /// <summary>For each image whether some logits were not finite, bool [N]; points of no known image count for all.</summary>
    internal Tensor NotFinite => notFinite.isnan();

    /// <summary>For each image whether the attack met a gradient that was 0, NaN and infinite, bool [3,N].</summary>
    internal Tensor GradientFaults => gradientFaults.Gt(0);

    internal bool GradientMissing { get; private set; }

    /// <summary>The logits of the points that were found, which a budget of queries has left room for.</summary>
    internal Tensor Judge(Tensor points)
    {
        searching = false;
        return Logits(points);
    }

    /// <summary>Waits for the device.</summary>
    /// <exception cref="InvalidOperationException">Some logits were not finite.</exception>
    internal void CheckFinite()
    {
        if (NotFinite.any().item<bool>())
            throw new InvalidOperationException(
                $"{attack}: the network's logits are not finite (NaN or infinity); its robustness cannot be measured.");
    }

    /// <summary>The class of the largest logit of each image, int64 [N]; -1, no class, where its logits are not finite.</summary>
    internal static Tensor Predictions(Tensor logits) => logits.argmax(1).MaskedFill_(logits.isfinite().all(1).logical_not_(), -1);
}

/// <summary>What is amiss with the gradient of an image, which no attack can follow then.</summary>
[Flags]
internal enum GradientFaults : byte
{
    None = 0,
    Zero = 1,       // exactly 0 everywhere
    NaN = 2,        // in a value of it
    Infinite = 4,   // in a value of it
    Missing = 8,    // no graph leads from the output to the input
}

/// <summary>Gradients with regard to images, whatever the network makes of them.</summary>
internal static class InputGradient
{
    // In place of infinity: so large that it decides the direction, and its square can still be taken in float64.
    private const double Large = 1e30;

    /// <summary>The gradient [n,...] of the summed losses; null where there is none, for which libtorch would end the process.</summary>
    public static Tensor? Take(Tensor losses, Tensor leaf, bool retainGraph = false)
    {
        if (!losses.requires_grad) return null;
        using var record = enable_grad();
        var gradient = autograd.grad([losses.sum()], [leaf], retain_graph: retainGraph, allow_unused: true)[0];
        return gradient is null || gradient.IsInvalid ? null : gradient;
    }

    /// <summary>The same, where there has to be one.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static Tensor Require(Tensor losses, Tensor leaf) => Take(losses, leaf) ?? throw new InvalidOperationException(
        "The loss has no gradient with regard to the images: look for what cuts the graph in the network, such as detach or no_grad.");

    /// <summary>The gradient with 0 in place of NaN and large numbers in place of infinite ones: no step along it makes a NaN.</summary>
    public static Tensor Finite(Tensor gradient) => gradient.nan_to_num(0, Large, -Large);

    /// <summary>For each image whether its gradient is 0, NaN and infinite: bool [3,n].</summary>
    public static Tensor Faults(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        // A NaN goes through the maximum.
        var size = gradient.flatten(1).abs().amax(1);
        return stack([size.Eq(0), size.isnan(), size.isinf()]).MoveToOuterDisposeScope();
    }

    /// <summary>The rows of <see cref="Faults"/>, bool [3,n], as flags; waits for the device.</summary>
    public static GradientFaults[] ToFlags(Tensor met)
    {
        var (values, count) = (met.cpu().contiguous().data<bool>().ToArray(), (int)met.shape[1]);
        return
        [
            .. Enumerable.Range(0, count).Select(i =>
                (values[i] ? GradientFaults.Zero : 0) | (values[count + i] ? GradientFaults.NaN : 0)
                | (values[2 * count + i] ? GradientFaults.Infinite : 0)),
        ];
    }
}
