using System.Runtime.CompilerServices;

namespace Ard.Trainers.Tests;

/// <summary>Reference files that are not part of this repository: data sets, checkpoints and traces.</summary>
internal static class Shared
{
    /// <summary>The folder named by ARD_SHARED, else the folder <c>shared</c> beside the repository.</summary>
    public static string Root => Environment.GetEnvironmentVariable("ARD_SHARED") is { Length: > 0 } folder
        ? folder
        : System.IO.Path.Combine(Repository(), "..", "shared");

    public static string Path(string relative) => System.IO.Path.GetFullPath(System.IO.Path.Combine(Root, relative));

    public static bool Has(string relative) => File.Exists(Path(relative)) || Directory.Exists(Path(relative));

    /// <summary>A file of the repository itself.</summary>
    public static string InRepository(string relative) => System.IO.Path.Combine(Repository(), relative);

    // The sources' own place, so that tests find it from any output folder.
    private static string Repository([CallerFilePath] string here = "") =>
        System.IO.Path.GetFullPath(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(here)!, "..", ".."));
}

/// <summary>A test that needs a shared reference file and is reported as skipped, with the file's name, where it is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedFactAttribute : FactAttribute
{
    public SharedFactAttribute(params string[] files)
    {
        var missing = files.Where(file => !Shared.Has(file)).ToArray();
        if (missing.Length > 0) Skip = $"needs the shared files {string.Join(", ", missing)} (set ARD_SHARED to their folder)";
    }
}
