using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.ML.Runtime;

namespace Ard.MLNet;

/// <summary>
/// What <see cref="ArdCatalog.RegisterArd"/> was told for an MLContext, by its catalogs: they do not tell outsiders theirs, and loaders of
/// models are given no more than the catalog of loadable classes.
/// </summary>
internal sealed class Registration(MLContext mlContext)
{
    private static readonly ConditionalWeakTable<object, Registration> ByCatalog = [];

    private readonly ConcurrentDictionary<string, NetworkDefinition> networks = [];

    public static void Add(MLContext mlContext, IEnumerable<NetworkDefinition> networks)
    {
        var registration = ByCatalog.GetValue(mlContext.ComponentCatalog, _ => new(mlContext));
        var (transforms, classification) = (mlContext.Transforms, mlContext.MulticlassClassification);
        foreach (var catalog in new object[] { transforms, classification, classification.Trainers })
            ByCatalog.AddOrUpdate(catalog, registration);
        foreach (var network in networks) registration.networks[network.Name] = network;
    }

    /// <summary>The context of a catalog.</summary>
    /// <exception cref="InvalidOperationException">It was not registered.</exception>
    public static MLContext Context(object catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return ByCatalog.TryGetValue(catalog, out var found) ? found.Owner : throw new InvalidOperationException(
            $"This {catalog.GetType().Name} does not know ARD: expected mlContext.{nameof(ArdCatalog.RegisterArd)}() to be called first.");
    }

    /// <summary>The network of the user's own of that name.</summary>
    /// <exception cref="FormatException">It was not registered.</exception>
    public static NetworkDefinition Network(ComponentCatalog catalog, string? name) =>
        name is not null && ByCatalog.TryGetValue(catalog, out var found) && found.networks.TryGetValue(name, out var network)
            ? network
            : throw new FormatException(
                $"it has a network of its own, '{name}': hand its NetworkDefinition.Custom(\"{name}\", …) "
                + "to mlContext.RegisterArd before the model is loaded");

    /// <summary>Where loaded networks go.</summary>
    public static torch.Device Device(ComponentCatalog catalog) =>
        ByCatalog.TryGetValue(catalog, out var found) ? TrainingDevice.Find(Devices.Choose(found.Owner, "auto")) : torch.CPU;

    private MLContext Owner => mlContext;
}
