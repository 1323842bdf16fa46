namespace Ard.Trainers.Tests.Fixtures;

/// <summary>The figures that FsCheck draws and shrinks; everything else of a <see cref="RandomCase"/> follows from them.</summary>
public sealed record Drawn(byte Count, byte Channels, byte Side, byte Classes, byte Epsilon, byte Kind, byte Attack, int Seed);

/// <summary>An attack, a random network of two linear layers with batch normalisation, and a batch for it.</summary>
internal sealed class RandomCase
{
    /// <param name="drawn">The figures.</param>
    /// <param name="attacks">The attacks to choose from, each with the number of classes that it needs.</param>
    /// <param name="halfRight">Whether the network gets many labels right, and epsilon is never 0; else labels are random.</param>
    public RandomCase(Drawn drawn, (Attack Attack, int Classes)[] attacks, bool halfRight = false)
    {
        using var generator = new Generator(unchecked((ulong)drawn.Seed));
        var dtype = (drawn.Kind & 1) == 0 ? ScalarType.Float32 : ScalarType.Float64;
        long[] shape = [1 + drawn.Count % 5, 1 + drawn.Channels % 3, 1 + drawn.Side % 6, 1 + drawn.Side / 7 % 5];
        (Attack, var classes) = attacks[drawn.Attack % attacks.Length];
        var outputs = classes + drawn.Classes % 4;
        // Values at 0 and 1 among them.
        Images = empty(shape, dtype: dtype).uniform_(-0.3, 1.3, generator).clamp_(0, 1);
        var epsilon = (drawn.Epsilon + (halfRight ? 1 : 0)) / (drawn.Epsilon % 8 == 0 ? 40.0 : 1000.0);
        Threat = new ThreatModel(Attack.Norms[drawn.Kind / 2 % Attack.Norms.Count], epsilon);
        Seed = drawn.Seed;
        var inputs = shape[1] * shape[2] * shape[3];
        Network = Sequential(Flatten(), Linear(inputs, 6), BatchNorm1d(6), ReLU(), Linear(6, outputs)).to(dtype);
        using var noGrad = no_grad();
        foreach (var parameter in Network.parameters()) parameter.normal_(0, 1, generator);
        foreach (var buffer in Network.buffers().Where(buffer => buffer.is_floating_point())) buffer.uniform_(0.5, 2, generator);
        Network.eval();
        var random = empty([shape[0]], dtype: ScalarType.Float64).uniform_(0, outputs, generator).floor().to(ScalarType.Int64);
        Labels = halfRight ? where(random.eq(0), random, Network.call(Images).argmax(1)) : random;
    }

    public Tensor Images { get; }

    public Tensor Labels { get; }

    public ThreatModel Threat { get; }

    public Attack Attack { get; }

    public long Seed { get; }

    public Sequential Network { get; }
}
