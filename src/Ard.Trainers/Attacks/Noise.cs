namespace Ard.Trainers.Attacks;

/// <summary>A source of random numbers for attacks. None of them touches the global random state.</summary>
public abstract class Noise
{
    private protected Noise() { }

    /// <summary>Independent numbers, uniform in [-1,1), with shape, dtype and device of <paramref name="like"/>.</summary>
    public Tensor Uniform(Tensor like) => Draw(like, normal: false);

    /// <summary>Independent standard normal numbers with shape, dtype and device of <paramref name="like"/>.</summary>
    public Tensor Normal(Tensor like) => Draw(like, normal: true);

    private protected abstract Tensor Draw(Tensor like, bool normal);
}

/// <summary>
/// Noise drawn by a generator, on the device of the images, a whole batch at a time: fast, for training. A point's numbers depend on its
/// batch; an evaluation uses <see cref="PointNoise"/>. Where some rows of a batch are this process's, those of the whole batch are drawn.
/// </summary>
internal sealed class GeneratorNoise(Generator generator, BatchShare? share = null) : Noise
{
    private protected override Tensor Draw(Tensor like, bool normal)
    {
        if (share is null or { IsAll: true }) return Filled(empty_like(like));
        using var scope = NewDisposeScope();
        return share.Select(Filled(empty([share.Count, .. like.shape[1..]], like.dtype, like.device))).MoveToOuterDisposeScope();

        Tensor Filled(Tensor numbers) => normal ? numbers.normal_(0, 1, generator) : numbers.uniform_(-1, 1, generator);
    }
}

/// <summary>
/// Noise in which every point has a random sequence of its own, so that what is drawn for it does not depend on the batch that it is in:
/// not on its size, its order, nor on who has left. The numbers are the same on every device and, rounded, in every dtype.
/// </summary>
/// <remarks>SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), keyed by seed, point and draw; normal numbers by Box and Muller.</remarks>
public sealed class PointNoise : Noise
{
    private readonly ulong[] keys;
    private ulong draws;

    /// <summary>The noise of points, each named by a number, usually its place in the data. Different seeds give unrelated noise.</summary>
    internal PointNoise(long seed, IEnumerable<long> points)
    {
        var seeded = Mix(unchecked((ulong)seed));
        keys = [.. points.Select(point => Mix(seeded ^ Mix(~unchecked((ulong)point))))];
    }

    private PointNoise(ulong[] keys, ulong draws) => (this.keys, this.draws) = (keys, draws);

    /// <summary>The rows 0 to <paramref name="count"/> - 1.</summary>
    internal static IEnumerable<long> Rows(long count, long first = 0)
    {
        for (var row = first; row < first + count; row++) yield return row;
    }

    internal int Count => keys.Length;

    /// <summary>The noise of some of the rows, in the order given, going on where this one stands.</summary>
    public PointNoise Select(IEnumerable<long> rows) => new([.. rows.Select(row => keys[row])], draws);

    private protected override Tensor Draw(Tensor like, bool normal)
    {
        if (like.shape[0] != keys.Length)
            throw new ArgumentException($"Noise of {keys.Length} points was asked for {like.shape[0]} points.", nameof(like));
        draws++;
        var values = new float[like.numel()];
        var width = keys.Length == 0 ? 0 : values.Length / keys.Length;
        for (var row = 0; row < keys.Length; row++)
        {
            var state = Mix(keys[row] ^ Mix(draws));
            foreach (ref var value in values.AsSpan(row * width, width))
                value = (float)(normal ? Normal(ref state) : Unit(ref state) * 2 - 1);
        }
        return tensor(values, like.shape, dtype: like.dtype, device: like.device);
    }

    private static double Normal(ref ulong state)
    {
        // 1 - u lies in (0,1], so the logarithm is finite.
        var radius = Math.Sqrt(-2 * Math.Log(1 - Unit(ref state)));
        return radius * Math.Cos(2 * Math.PI * Unit(ref state));
    }

    // 24 bits: every number is exact in float32, so that float32 and float64 runs start alike.
    private static double Unit(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        return (Finish(state) >> 40) * (1.0 / (1 << 24));
    }

    private static ulong Mix(ulong value) => Finish(value + 0x9E3779B97F4A7C15);

    private static ulong Finish(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
