namespace Ard.Trainers.Networks;

/// <summary>
/// Models that answer, and of which no more is known: a pipeline of another library, a service, a program. They are attacked and evaluated
/// as any network is, but by attacks without gradients alone.
/// </summary>
public static class BlackBox
{
    /// <summary>A model that answers with scores.</summary>
    /// <param name="name">What errors call it.</param>
    /// <param name="ask">
    /// Float32 images [N,...] in [0,1] to scores [N,classes], the class of the largest being the answer. If most of the first ones are
    /// probabilities (from 0 to 1, those of an image adding up to 1), the logarithms of all are taken. Any number of threads may call it
    /// at once.
    /// </param>
    /// <returns>A module without parameters; what <paramref name="ask"/> throws comes as <see cref="InvalidOperationException"/>.</returns>
    public static Module<Tensor, Tensor> FromScores(string name, Func<Tensor, Tensor> ask) => new BlackBoxModel(name, ask);

    /// <summary>A model that says the class, and nothing of how sure it is.</summary>
    /// <param name="name">What errors call it.</param>
    /// <param name="classes">How many classes there are.</param>
    /// <param name="ask">Float32 images [N,...] in [0,1] to classes, int64 [N], also none of them. Any thread may call it.</param>
    /// <returns>As of <see cref="FromScores"/>.</returns>
    public static Module<Tensor, Tensor> FromLabels(string name, int classes, Func<Tensor, Tensor> ask)
    {
        ArgumentNullException.ThrowIfNull(ask);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        return new BlackBoxModel(name, images => OneHot(ask(images), images.shape[0])) { HasLabelsOnly = true };

        Tensor OneHot(Tensor labels, long count)
        {
            if (labels.dtype != ScalarType.Int64 || !labels.shape.SequenceEqual([count]))
                throw new InvalidOperationException(
                    $"{name}: the classes are {labels.dtype} [{string.Join(",", labels.shape)}], expected Int64 [{count}].");
            var none = labels.Lt(0).logical_or(labels.Ge(classes)).unsqueeze(1);
            return labels.unsqueeze(1).eq(Arange(classes, device: labels.device)).to(ScalarType.Float32).MaskedFill(none, double.NaN);
        }
    }
}

internal sealed class BlackBoxModel : Module<Tensor, Tensor>
{
    // Float32's rounding in a sum of many probabilities stays below.
    private const double Rounding = 1e-4;

    // Keeps the logarithm of 0 finite; no float32 is so small.
    private const double Tiny = 1e-50;

    private readonly string called;
    private readonly Func<Tensor, Tensor> ask;
    private long answered;
    private bool? areProbabilities;

    public BlackBoxModel(string name, Func<Tensor, Tensor> ask) : base(nameof(BlackBoxModel))
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(ask);
        (called, this.ask) = (name, ask);
    }

    /// <summary>Whether its scores say the class only.</summary>
    public bool HasLabelsOnly { get; init; }

    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var scores = Ask(images.detach());
        Interlocked.Add(ref answered, images.shape[0]);
        if (scores.dim() != 2) return scores.MoveToOuterDisposeScope();
        // The largest is 0 then, so that float32 tells it from the next one as well as the probabilities do.
        var exact = scores.to(ScalarType.Float64);
        var logarithms = exact.ClampMin(Tiny).log();
        logarithms.sub_(logarithms.amax([1L], keepdim: true));
        // Once for all, by most of the first answers: numbers of another kind may add up to 1 by chance.
        var sound = exact.index_select(0, exact.isfinite().all(1).nonzero().flatten());
        if (areProbabilities is null && sound.numel() > 0)
            areProbabilities = sound.Ge(0).all(1).logical_and(sound.sum(1).Minus(1).abs().Lt(Rounding))
                .to(ScalarType.Float64).mean().item<double>() > 0.5;
        return (areProbabilities == true ? logarithms : exact).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private Tensor Ask(Tensor images)
    {
        try
        {
            return ask(images);
        }
        catch (Exception exception) when (exception is not (OutOfMemoryException or OperationCanceledException))
        {
            // What steps throw on other threads comes wrapped.
            var cause = exception;
            while (cause.InnerException is { } inner) cause = inner;
            throw new InvalidOperationException(
                $"{called} failed after {Interlocked.Read(ref answered)} answers: {cause.GetType().Name}: {cause.Message}", exception);
        }
    }
}
