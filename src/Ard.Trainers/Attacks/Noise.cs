using static TorchSharp.torch;

namespace Ard.Trainers.Attacks;

/// <summary>A source of random numbers for attacks. None of them touches the global random state.</summary>
public abstract class Noise
{
    /// <summary>Independent numbers, uniform in [-1,1), with shape, dtype and device of <paramref name="like"/>.</summary>
    public abstract Tensor Uniform(Tensor like);

    /// <summary>Independent standard normal numbers with shape, dtype and device of <paramref name="like"/>.</summary>
    public abstract Tensor Normal(Tensor like);
}

/// <summary>
/// Noise drawn on the device by a generator, a whole batch at a time: fast, for training. A point's numbers depend on the batch that it is
/// in; an evaluation uses <see cref="PointNoise"/>.
/// </summary>
/// <param name="generator">Where the numbers come from; it is on the device of the images.</param>
public sealed class GeneratorNoise(Generator generator) : Noise
{
    /// <inheritdoc/>
    public override Tensor Uniform(Tensor like) => empty_like(like).uniform_(-1, 1, generator);

    /// <inheritdoc/>
    public override Tensor Normal(Tensor like) => empty_like(like).normal_(0, 1, generator);
}
