using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace Ard.MLNet.Saving;

/// <summary>
/// What <see cref="ArdCatalog.RegisterArd"/> was told for one MLContext. It is kept beside the context's catalog of loadable classes, which
/// loaders can reach.
/// </summary>
internal sealed class RegisteredNetworks
{
    private static readonly ConditionalWeakTable<ComponentCatalog, RegisteredNetworks> All = [];

    private readonly Dictionary<string, NetworkDefinition> networks = [];
    private WeakReference<MLContext>? context;

    public static RegisteredNetworks For(ComponentCatalog catalog) => All.GetOrCreateValue(catalog);

    public void Add(MLContext mlContext, IEnumerable<NetworkDefinition> definitions)
    {
        lock (networks)
        {
            context = new WeakReference<MLContext>(mlContext);
            foreach (var definition in definitions) networks[definition.Name] = definition;
        }
    }

    /// <summary>The network of the user's own of that name.</summary>
    /// <exception cref="FormatException">It was not registered.</exception>
    public NetworkDefinition Find(string? name)
    {
        lock (networks)
        {
            return name is not null && networks.TryGetValue(name, out var definition) ? definition : throw new FormatException(
                $"it has a network of its own, '{name}': hand its NetworkDefinition.Custom(\"{name}\", …) "
                + "to mlContext.RegisterArd before the model is loaded");
        }
    }

    /// <summary>Where loaded networks go.</summary>
    public torch.Device Device() =>
        context is not null && context.TryGetTarget(out var mlContext) ? Devices.Find(mlContext, "auto") : torch.CPU;
}
