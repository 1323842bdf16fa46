using System.Runtime.CompilerServices;
using Microsoft.ML;

namespace Ard.MLNet;

/// <summary>The contexts that <see cref="ArdCatalog.RegisterArd"/> was given: ML.NET's catalogs do not tell outsiders theirs.</summary>
internal static class RegisteredContexts
{
    private static readonly ConditionalWeakTable<object, MLContext> ByCatalog = [];

    public static void Add(MLContext mlContext)
    {
        ByCatalog.AddOrUpdate(mlContext.Transforms, mlContext);
        ByCatalog.AddOrUpdate(mlContext.MulticlassClassification, mlContext);
        ByCatalog.AddOrUpdate(mlContext.MulticlassClassification.Trainers, mlContext);
    }

    /// <exception cref="InvalidOperationException">The context of the catalog was not registered.</exception>
    public static MLContext Find(object catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return ByCatalog.TryGetValue(catalog, out var context) ? context : throw new InvalidOperationException(
            $"This {catalog.GetType().Name} does not know ARD: expected mlContext.{nameof(ArdCatalog.RegisterArd)}() to be called first.");
    }
}
