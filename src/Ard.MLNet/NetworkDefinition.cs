using System.Runtime.CompilerServices;

namespace Ard.MLNet;

/// <summary>
/// How a network is built: one of the built-in ones, by its <see cref="NetworkSpec"/> or short name, or one of your own, by a name and a
/// function. A saved model holds the definition, not the code: for one of your own, the application that loads the model hands the same
/// definition to
/// <see cref="ArdCatalog.RegisterNetworks"/>.
/// </summary>
public sealed class NetworkDefinition
{
    // What functions of the user's own have made, to find out one that gives the same module again.
    private static readonly ConditionalWeakTable<Module, object> Made = [];

    private readonly Func<Module<Tensor, Tensor>>? create;

    private NetworkDefinition(string name, NetworkSpec? spec, Func<Module<Tensor, Tensor>>? create) =>
        (Name, Spec, this.create) = (name, spec, create);

    /// <summary>The short name of a built-in network, or the name that was given.</summary>
    public string Name { get; }

    /// <summary>The specification of a built-in network; null for one of your own.</summary>
    internal NetworkSpec? Spec { get; }

    /// <summary>A built-in network. Its classes, channels and image size are set by the data that it is trained on.</summary>
    /// <param name="spec">The specification.</param>
    public static implicit operator NetworkDefinition(NetworkSpec spec) => new(spec.ToString(), spec, null);

    /// <summary>A built-in network by its short name, such as <c>mobilenetv2</c>: see <see cref="NetworkSpec.Parse"/>.</summary>
    /// <param name="name">The short name.</param>
    /// <exception cref="FormatException">It is none.</exception>
    public static implicit operator NetworkDefinition(string name)
    {
        try
        {
            return NetworkSpec.Parse(name);
        }
        catch (FormatException exception)
        {
            throw new FormatException(
                $"{exception.Message} A network of your own is {nameof(NetworkDefinition)}.{nameof(Custom)}(\"{name}\", …), not its name.",
                exception);
        }
    }

    /// <summary>A network of your own.</summary>
    /// <param name="name">A name that stands for it in saved models.</param>
    /// <param name="create">Makes a new one each time: images [N,C,H,W] in [0,1] to logits [N,classes]; initial weights are drawn by a seed
    /// of the trainer's.</param>
    /// <exception cref="ArgumentException">The name is that of a built-in network.</exception>
    public static NetworkDefinition Custom(string name, Func<Module<Tensor, Tensor>> create)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(create);
        if (OptionsValidator.Try(() => NetworkSpec.Parse(name), out _) is not null)
            throw new ArgumentException($"The network '{name}' is built in: expected another name for one of your own.");
        return new(name, null, create);
    }

    /// <summary>Builds the network, on the CPU. The same seed gives the same weights.</summary>
    /// <exception cref="InvalidOperationException">The function of a network of the user's own gave nothing, or the same again.</exception>
    internal Module<Tensor, Tensor> Build(long seed)
    {
        if (Spec is not null) return Spec.Build(seed);
        var made = Initialisation.Seeded(seed, create!)
            ?? throw new InvalidOperationException($"The function of the network {Name} gave null, expected a module.");
        if (!Made.TryAdd(made, Made))
            throw new InvalidOperationException(
                $"The function of the network {Name} gave the same module again, expected a new one each time it is called.");
        return made;
    }

    /// <summary>The definition for these images and classes: a built-in network takes them over.</summary>
    internal NetworkDefinition For(PixelFormat format, int classes) =>
        // Networks that are bound to one size are for square images; another shape is found out when the first image goes through.
        Spec is null ? this : Spec.For(classes, format.Channels, format.Height);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
