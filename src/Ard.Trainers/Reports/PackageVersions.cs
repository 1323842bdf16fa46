using System.Reflection;

namespace Ard.Trainers.Reports;

internal static class PackageVersions
{
    /// <summary>By name: of the packages that take part in this process, libtorch and .NET.</summary>
    public static IReadOnlyDictionary<string, string> Here()
    {
        // This assembly does not refer to all of them.
        var packages =
            from family in new[] { "Ard.Trainers", "Ard.MLNet", "TorchSharp", "Microsoft.ML" }
            from version in AppDomain.CurrentDomain.GetAssemblies()
                .Where(assembly => $"{assembly.GetName().Name}.".StartsWith(family + ".", StringComparison.Ordinal))
                .Select(assembly => assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion)
                .OfType<string>().Distinct().Take(1)
            select KeyValuePair.Create(family, version);
        return new Dictionary<string, string>(packages) { ["libtorch"] = torch.__version__, [".NET"] = Environment.Version.ToString() };
    }
}
