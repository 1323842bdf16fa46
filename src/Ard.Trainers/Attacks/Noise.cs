using Ard.Trainers.Distributed;

namespace Ard.Trainers.Attacks;

/// <summary>A source of random numbers for attacks. None of them touches the global random state.</summary>
public abstract class Noise
{
    private protected Noise()
    {
    }

    /// <summary>Independent numbers, uniform in [-1,1), with shape, dtype and device of <paramref name="like"/>.</summary>
    public Tensor Uniform(Tensor like) => Draw(like, normal: false);

    /// <summary>Independent standard normal numbers with shape, dtype and device of <paramref name="like"/>.</summary>
    public Tensor Normal(Tensor like) => Draw(like, normal: true);

    private protected abstract Tensor Draw(Tensor like, bool normal);
}

/// <summary>
/// Noise drawn on the device by a generator, a whole batch at a time: fast, for training. A point's numbers depend on the batch that it is
/// in; an evaluation uses <see cref="PointNoise"/>.
/// </summary>
/// <param name="generator">Where the numbers come from; it is on the device of the images.</param>
internal sealed class GeneratorNoise(Generator generator) : Noise
{
    private readonly BatchShare? share;

    /// <summary>The same of the rows of a batch that are this process's: drawn are those of the whole batch.</summary>
    internal GeneratorNoise(Generator generator, BatchShare? share) : this(generator) => this.share = share;

    private protected override Tensor Draw(Tensor like, bool normal)
    {
        if (share is null or { IsAll: true }) return Filled(empty_like(like));
        using var scope = NewDisposeScope();
        return share.Select(Filled(empty([share.Count, .. like.shape[1..]], like.dtype, like.device))).MoveToOuterDisposeScope();

        Tensor Filled(Tensor numbers) => normal ? numbers.normal_(0, 1, generator) : numbers.uniform_(-1, 1, generator);
    }
}
