namespace Ard.Trainers.Attacks;

/// <summary>
/// A search for a point, within the threat model, that the network gets wrong. A subclass writes <see cref="Search"/>; what goes in and
/// comes out is checked here, and the network left as it was found. An attack with a wrong setting is not made.
/// </summary>
public abstract partial class Attack
{
    /// <summary>A short name for tables, such as <c>pgd-20</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The norms that it can search in. Here Linf and L2.</summary>
    public virtual IReadOnlyList<Norm> Norms { get; } = [Norm.Linf, Norm.L2];

    /// <summary>How it finds its points, which says what it means when it finds more than another. Here a gradient in many steps.</summary>
    public virtual AttackKind Kind => AttackKind.Gradient;

    /// <summary>The name and every setting that its points depend on, for files that must fit to it. Here the name.</summary>
    public virtual string Description => Name;

    /// <summary>In words, for a report, what the name leaves open, such as step size, start and kept iterate. Here nothing.</summary>
    internal virtual string Details(ThreatModel threat) => "";

    /// <summary>The attacks that it consists of, in their order, each on the images that are left. Here itself.</summary>
    /// <param name="norm">The norm of the threat model.</param>
    public virtual IReadOnlyList<Attack> Parts(Norm norm) => [this];

    /// <summary>The same attack, which goes on to the closest point where it would stop with one within the budget. Here itself.</summary>
    internal virtual Attack WithoutEarlyStop => this;

    /// <summary>Whether it needs the gradient of the network in question.</summary>
    internal bool NeedsGradient => Kind is AttackKind.Gradient or AttackKind.OneStep;

    /// <summary>How many classes besides the true one it aims at, one after another; 0 (here) where it aims at none.</summary>
    internal virtual int Targets => 0;

    /// <summary>The fewest classes for which its loss is the published one; 0 (here) where any number is enough.</summary>
    internal virtual int FewestClasses => 0;

    /// <summary>How many passes decide whether a point is misclassified. Here one, which is enough where outputs are not random.</summary>
    internal virtual int Samples => 1;

    /// <summary>How many images a part gets at a time. Here all of them.</summary>
    private protected virtual int BatchSize => int.MaxValue;

    /// <summary><see cref="Description"/> of all that is run in a norm.</summary>
    internal string DescriptionIn(Norm norm) => Parts(norm) is [var only] && ReferenceEquals(only, this)
        ? Description
        : $"{Name} ({string.Join("; ", Parts(norm).Select(part => part.DescriptionIn(norm)))})";

    /// <summary>
    /// Attacks a batch, the network in eval mode; modes, requires_grad, gradients, buffers and the CPU's global random state are afterwards
    /// as before. At epsilon 0, and for an empty batch, the images come back bit for bit.
    /// </summary>
    /// <param name="model">Images [N,...] to logits [N,classes].</param>
    /// <param name="images">Float32 or float64 [N,...], usually [N,C,H,W], in [0,1], in the dtype and on the device of the network.</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="threat">What is allowed. The result is checked against it.</param>
    /// <param name="seed">
    /// Decides whatever chance decides, on a CPU also what the network itself draws; each image has random numbers of its own, by its
    /// place in the batch.
    /// </param>
    /// <returns>A new tensor [N,...]: one allowed point for each image; the subclass says which of those that it met.</returns>
    /// <exception cref="ArgumentException">The input is not as described; the message names every fault.</exception>
    /// <exception cref="InvalidOperationException">Output or result are unfit, or gradients are wrong on this machine's CPU.</exception>
    public Tensor Perturb(Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, long seed = 0)
    {
        using var random = new GlobalRandomState(seed, CPU);
        return Perturb(model, images, labels, threat, new PointNoise(seed, PointNoise.Rows(images.shape[0])));
    }

    /// <summary>The same with noise that has as many points as there are images.</summary>
    internal Tensor Perturb(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise,
        CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var largestLabel = Check(model, images, labels, threat, noise);
        if (images.shape[0] == 0 || threat.Epsilon == 0) return images.detach().clone().MoveToOuterDisposeScope();
        using var state = ModelState.Borrow(model);
        var target = new AttackTarget(model, Name, images, largestLabel, samples: Samples, cancellation: cancellation);
        var points = Search(target, images.detach(), labels, threat, noise).detach();
        target.CheckFinite();
        threat.Verify(points, images.detach(), Name);
        return points.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Attacks the images that the network gets right, part by part, each part on those that are left, and says of each image what became
    /// of it. The rest is as in <see cref="Perturb(Module{Tensor, Tensor}, Tensor, Tensor, ThreatModel, long)"/>.
    /// </summary>
    /// <inheritdoc cref="Perturb(Module{Tensor, Tensor}, Tensor, Tensor, ThreatModel, long)" path="/exception"/>
    /// <param name="model">Images [N,...] to logits [N,classes].</param>
    /// <param name="images">Float32 or float64 [N,...] in [0,1], in the dtype and on the device of the network.</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="threat">What is allowed. The result is checked against it.</param>
    /// <param name="seed">Decides whatever chance decides, for every part alike.</param>
    /// <param name="cancellation">Checked before each forward pass.</param>
    /// <returns>
    /// For each image the first misclassified point, else the attack's own; the clean image where the network was wrong without an attack,
    /// and where the attack consists of others.
    /// </returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public AttackOutcome Run(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, long seed = 0,
        CancellationToken cancellation = default)
    {
        using var random = new GlobalRandomState(seed, CPU);
        return Run(model, images, labels, threat, new PointNoise(seed, PointNoise.Rows(images.shape[0])), cancellation: cancellation);
    }

    /// <summary>The search: without gradients recorded, the network in eval mode and frozen; no empty batch, no epsilon of 0.</summary>
    /// <param name="target">The network.</param>
    /// <param name="images">Checked images [N,...].</param>
    /// <param name="labels">Checked labels [N].</param>
    /// <param name="threat">What is allowed; epsilon is positive.</param>
    /// <param name="noise">The randomness, a point for each image.</param>
    /// <returns>Points [N,...] that the threat model allows.</returns>
    protected abstract Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise);

    /// <summary>The search of another attack, where this one is a way of setting that one.</summary>
    /// <inheritdoc cref="Search"/>
    private protected static Tensor SearchBy(
        Attack other, AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise) =>
        other.Search(target, images, labels, threat, noise);

    /// <summary>
    /// The same with noise that has a point for each image. <paramref name="largestLabel"/> is that of images and labels which have been
    /// checked (-1: not known), null where they have not; for <paramref name="tellFaults"/> see <see cref="RunPart"/>.
    /// </summary>
    internal AttackOutcome Run(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise, long? largestLabel = null,
        bool tellFaults = false, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        largestLabel ??= Check(model, images, labels, threat, noise);
        images = images.detach();
        var points = images.clone();
        var each = new AttackedPoint[images.shape[0]];
        var predictions = new long[each.Length];
        foreach (var batch in PointNoise.Rows(each.Length).Chunk(BatchSize))
        {
            using var batchScope = NewDisposeScope();
            using var state = ModelState.Borrow(model);
            var (its, truth) = (images.narrow(0, batch[0], batch.Length), labels.narrow(0, batch[0], batch.Length));
            var target = new AttackTarget(model, Name, its, largestLabel.Value, samples: Samples, cancellation: cancellation);
            var found = AttackTarget.Predictions(target.Logits(its));
            var right = stack([found, found.eq(truth).to(ScalarType.Int64)]).cpu().data<long>().ToArray();
            foreach (var row in batch)
            {
                predictions[row] = right[row - batch[0]];
                each[row] = new AttackedPoint(right[batch.Length + row - batch[0]] == 1, null, 0, Samples, 0);
            }
            if (!tellFaults && predictions.Contains(-1)) target.CheckFinite();
        }

        foreach (var part in threat.Epsilon == 0 ? [] : Parts(threat.Norm))
        {
            foreach (var batch in PointNoise.Rows(each.Length).Where(row => each[row].IsRight).ToArray().Chunk(BatchSize))
            {
                using var batchScope = NewDisposeScope();
                var rows = StepTensors.Index(batch, images);
                var (theirs, truth) = (images.index_select(0, rows), labels.index_select(0, rows));
                var found = part.RunPart(model, theirs, truth, threat, noise.Select(batch), tellFaults, cancellation);
                foreach (var (row, point) in batch.Zip(found.Each))
                {
                    var before = each[row];
                    predictions[row] = point.Prediction;
                    each[row] = before with
                    {
                        BrokenBy = point.Correct ? null : part.Name,
                        Size = point.Correct && part != this ? 0 : point.Size,
                        Queries = point.Correct ? null : before.ForwardPasses - Samples + point.Queries,
                        ForwardPasses = before.ForwardPasses + point.Forward,
                        BackwardPasses = before.BackwardPasses + point.Backward,
                    };
                }
                var places = StepTensors.Index(
                    [.. PointNoise.Rows(batch.Length).Where(i => part == this || !found.Each[(int)i].Correct)], images);
                points.index_copy_(0, rows.index_select(0, places), found.Points.index_select(0, places));
            }
        }
        return new AttackOutcome(points.MoveToOuterDisposeScope(), each) { Predictions = predictions };
    }

    /// <summary>
    /// This attack alone on checked images that the network gets right, epsilon positive. With <paramref name="tellFaults"/> outputs that
    /// are not finite and points not allowed are told, else they are errors. A model that can only be asked is asked for an image <paramref
    /// name="budget"/> times at most, <see cref="Samples"/> or more.
    /// </summary>
    internal PartOutcome RunPart(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise, bool tellFaults,
        CancellationToken cancellation, long? budget = null)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var state = ModelState.Borrow(model);
        using var passes = new PassCounter(images.shape[0]);
        var queries = model is BlackBoxModel ? new QueryLog(images, labels, threat, budget - Samples) : null;
        var target = new AttackTarget(model, Name, images, passes: passes, queries: queries, samples: Samples, cancellation: cancellation);
        Tensor own;
        try
        {
            own = Search(target, images, labels, threat, noise).detach();
        }
        catch (QueriesUsedUpException)
        {
            own = queries!.Found;
        }
        ThreatModel.VerifyShape(own, images, Name);
        var ownSize = threat.Size(own, images);
        var allowed = threat.Allows(own, images, ownSize);
        // A value that is no number cannot be projected.
        var points = where(ThreatModel.PerPoint(allowed, images), own, threat.Project(where(own.isfinite(), own, images), images));
        var scores = target.Judge(points);
        var logits = scores.MaskedFill(target.NotFinite.unsqueeze(1), double.NaN);
        // One wait for the device.
        var told = cat(
        [
            stack(
            [
                AttackTarget.Predictions(logits).to(ScalarType.Float64), threat.Size(points, images), ownSize,
                allowed.to(ScalarType.Float64), target.NotFinite.to(ScalarType.Float64),
            ]),
            target.GradientFaults.to(ScalarType.Float64),
        ]).cpu();
        var (numbers, truth) = (told.data<double>().ToArray(), labels.cpu().data<long>().ToArray());
        var (count, cost) = (truth.Length, passes.Each());
        var faults = InputGradient.ToFlags(told.narrow(0, 5, 3).Gt(0));
        var each = new PartPoint[count];
        for (var i = 0; i < count; i++)
        {
            double Number(int which) => numbers[which * count + i];
            each[i] = new PartPoint(
                Number(0) == truth[i], (long)Number(0), Number(1), Beyond: Number(3) == 0 ? Number(2) : 0, MetNotFinite: Number(4) != 0,
                faults[i] | (target.GradientMissing ? GradientFaults.Missing : 0), cost?.Forward[i], cost?.Backward[i],
                queries?.ToSuccess(i));
        }
        if (!tellFaults && each.Any(point => point.MetNotFinite)) target.CheckFinite();
        if (!tellFaults && each.Any(point => point.Beyond != 0)) threat.Verify(own, images, Name);
        return new PartOutcome(points.MoveToOuterDisposeScope(), logits.MoveToOuterDisposeScope(), each);
    }

    // Names every fault; returns the largest label, or -1.
    private long Check(Module<Tensor, Tensor> model, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(threat);

        var faults = new List<string>();
        if (!Norms.Contains(threat.Norm)) faults.Add($"the norm is {threat.Norm}, expected {string.Join(" or ", Norms)}");
        var largest = CheckData(images, labels, faults, ScalarType.Float32, ScalarType.Float64);
        if (images.dim() >= 1 && noise.Count != images.shape[0])
            faults.Add($"the noise serves {noise.Count} points, expected {images.shape[0]}");

        if (labels.device.ToString() != images.device.ToString())
            faults.Add($"labels are on {labels.device}, expected {images.device} as the images");
        if (model.parameters().FirstOrDefault() is { } parameter)
        {
            if (parameter.device.ToString() != images.device.ToString())
                faults.Add($"the network is on {parameter.device}, expected {images.device} as the images");
            if (images.is_floating_point() && parameter.dtype != images.dtype)
                faults.Add($"the network is {parameter.dtype}, expected {images.dtype} as the images");
        }

        if (NeedsMissingGradient(model, [this], threat.Norm) is { } needed) faults.Add(needed);

        if (faults.Count > 0) throw new ArgumentException($"{Name}: {string.Join("; ", faults)}.");
        if (images.device_type == DeviceType.CPU) GradientCheck.Require();
        return largest;
    }

    /// <summary>Adds what is wrong with images of one of these types and their labels; returns the largest label, or -1.</summary>
    internal static long CheckData(Tensor images, Tensor labels, List<string> faults, params ScalarType[] types)
    {
        if (!types.Contains(images.dtype))
            faults.Add($"images are {images.dtype}, expected {string.Join(", ", types[..^1])} or {types[^1]}");
        if (images.dim() < 2) faults.Add($"images have shape [{Shape(images)}], expected [N,...] of two or more dimensions");
        else if (types.Contains(images.dtype) && images.dtype != ScalarType.Byte && ThreatModel.OutOfRange(images) is { } fault)
            faults.Add(fault);
        if (labels.dim() != 1 || images.dim() < 1 || labels.shape[0] != images.shape[0])
            faults.Add($"labels have shape [{Shape(labels)}], expected [N] with the N of the images [{Shape(images)}]");
        if (labels.dtype != ScalarType.Int64) faults.Add($"labels are {labels.dtype}, expected Int64");
        else if (labels.numel() > 0)
        {
            var ends = ThreatModel.Numbers(labels.min(), labels.max());
            if (ends[0] < 0) faults.Add($"labels have the value {(long)ends[0]}, expected 0 or more");
            return (long)ends[1];
        }
        return -1;
    }

    /// <summary>Which of some attacks need a gradient that a model has not; null where none does.</summary>
    internal static string? NeedsMissingGradient(Module<Tensor, Tensor> model, IEnumerable<Attack> attacks, Norm norm)
    {
        if (model is not BlackBoxModel) return null;
        string[] names = [.. attacks.SelectMany(attack => attack.Parts(norm)).Where(part => part.NeedsGradient)
            .Select(part => part.Name).Distinct()];
        return names.Length == 0 ? null : $"the model can only be asked, and has no gradient for {string.Join(", ", names)}; "
            + $"expected attacks without gradients, such as square or rays";
    }

    private static string Shape(Tensor values) => string.Join(",", values.shape);
}

/// <summary>An attack with settings, which its description names.</summary>
internal abstract class Attack<TOptions>(TOptions? options) : Attack where TOptions : class, new()
{
    public TOptions Options { get; } = (options ?? new()).Validated();
    public override string Description => $"{Name}: {OptionsText.Line(Options)}";
}

/// <summary>How an attack finds its points.</summary>
public enum AttackKind
{
    /// <summary>By the network's own gradient, in many steps.</summary>
    Gradient,

    /// <summary>By the network's own gradient, in one step.</summary>
    OneStep,

    /// <summary>From the network's outputs alone, without a gradient.</summary>
    GradientFree,

    /// <summary>By the gradient of another network.</summary>
    Transferred,
}
