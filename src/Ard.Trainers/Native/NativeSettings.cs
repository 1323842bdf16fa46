using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ard.Trainers.Native;

/// <summary>
/// What native libraries read while they are loaded, set before libtorch is: on Linux with glibc, by its setenv, for
/// <see cref="Environment.SetEnvironmentVariable(string, string)"/> does not reach them. What the user has set stays.
/// OpenMP's threads wait in a loop for a moment only, then sleep. On two processors the demo took 66 to 72 s with 3,000 turns and 148 s
/// with another beside it; 111 and 95 s where they sleep at once (passive): to wake them costs more than to let them wait.
/// </summary>
internal static class NativeSettings
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "libtorch reads its settings once, while it loads: nothing later is early enough.")]
    internal static void Apply()
    {
        if (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null) SetUnlessSet("GOMP_SPINCOUNT", "3000");
        FreedMemory.Keep();
        if (HidesCaches("/sys/devices/system/cpu/cpu0/cache", "/proc/cpuinfo")) SetUnlessSet("ONEDNN_MAX_CPU_ISA", "SSE41");
    }

    /// <summary>Sets an environment variable that the user has not set, for native libraries that are loaded later.</summary>
    internal static void SetUnlessSet(string name, string value)
    {
        if (OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out _)) SetVariable(name, value, 0);
    }

    /// <summary>
    /// Whether this is an AMD processor that does not tell the size of its caches: oneDNN's gradients are wrong then. Folder and file are
    /// those in which the kernel describes the first processor's caches, and the processors.
    /// </summary>
    internal static bool HidesCaches(string caches, string processors) =>
        !Directory.Exists(caches) && File.Exists(processors)
        && File.ReadLines(processors).FirstOrDefault(line => line.StartsWith("vendor_id", StringComparison.Ordinal)) is { } vendor
        && vendor.EndsWith("AuthenticAMD", StringComparison.Ordinal);

    [DllImport("libc.so.6", EntryPoint = "setenv", CharSet = CharSet.Ansi)]
    private static extern int SetVariable(string name, string value, int overwrite);
}
