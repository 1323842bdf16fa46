using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.ML.Runtime;

namespace Ard.MLNet;

/// <summary>What an environment of ML.NET's has: of an MLContext, of any of its catalogs, or of a model that is loaded by it.</summary>
internal static class Environments
{
    private static readonly ConditionalWeakTable<ComponentCatalog, ConcurrentDictionary<string, NetworkDefinition>> Networks = [];

    extension(IHostEnvironment env)
    {
        public TransformsCatalog Transforms => new(env);
        public MulticlassClassificationCatalog MulticlassClassification => new(env);
    }

    /// <summary>Makes a network of the user's own known where models with it are loaded.</summary>
    public static void Add(this IHostEnvironment env, NetworkDefinition network) =>
        Networks.GetOrAdd(env.ComponentCatalog, _ => [])[network.Name] = network;

    /// <summary>The network of the user's own of that name.</summary>
    /// <exception cref="FormatException">It was not registered.</exception>
    public static NetworkDefinition Network(this IHostEnvironment env, string? name) =>
        name is not null && Networks.TryGetValue(env.ComponentCatalog, out var found) && found.TryGetValue(name, out var network)
            ? network
            : throw new FormatException(
                $"it has a network of its own, '{name}': hand its NetworkDefinition.Custom(\"{name}\", …) "
                + $"to mlContext.{nameof(ArdCatalog.RegisterNetworks)} before the model is loaded");

    /// <summary>
    /// The name of the device: "auto" becomes the GPU that MLContext.GpuDeviceId names, if it names one. Where there is no such GPU, that
    /// is an error, or the CPU if MLContext.FallbackToCpu is true.
    /// </summary>
    public static string Device(this IHostEnvironment env, string device)
    {
        if (device != "auto" || (env as IHostEnvironmentInternal)?.GpuDeviceId is not { } gpu) return device;
        var found = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        if (gpu >= 0 && gpu < found) return $"cuda:{gpu}";
        if (((IHostEnvironmentInternal)env).FallbackToCpu) return "cpu";
        throw new InvalidOperationException(
            $"MLContext.GpuDeviceId is {gpu}: expected a GPU of this machine, found {found} GPU(s). "
            + "MLContext.FallbackToCpu = true takes the CPU instead.");
    }
}
