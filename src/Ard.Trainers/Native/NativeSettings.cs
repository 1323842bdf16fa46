using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ard.Trainers.Native;

/// <summary>
/// What native libraries read when they are loaded, set before libtorch is: on Linux with glibc, through setenv, for
/// <see cref="Environment.SetEnvironmentVariable(string, string)"/> does not reach them. What the user has set stays. WAITING
/// </summary>
internal static class NativeSettings
{
    // From glibc's malloc.h.
    private const int TrimThreshold = -1, MmapThreshold = -3;

    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "libtorch reads its settings once, while it loads: nothing later is early enough.")]
    internal static void Apply()
    {
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad("libc.so.6", out _)) return;
        if (!IsSet("GOMP_SPINCOUNT")) SetIfUnset("OMP_WAIT_POLICY", "passive", 0);
        if (HidesCaches("/sys/devices/system/cpu/cpu0/cache", "/proc/cpuinfo")) SetIfUnset("ONEDNN_MAX_CPU_ISA", "SSE41", 0);
    }

    /// <summary>Whether this is an AMD processor that does not tell the size of its caches, with which oneDNN's gradients are wrong.</summary>
    /// <param name="caches">The folder in which the kernel describes the first processor's caches.</param>
    /// <param name="processors">The file in which it describes the processors.</param>
    internal static bool HidesCaches(string caches, string processors) =>
        !Directory.Exists(caches) && File.Exists(processors)
        && File.ReadLines(processors).Any(line => line.StartsWith("vendor_id", StringComparison.Ordinal) && line.EndsWith("AuthenticAMD"));

    private static bool IsSet(string name) => Environment.GetEnvironmentVariable(name) is not null;

    [DllImport("libc.so.6", EntryPoint = "setenv", CharSet = CharSet.Ansi)]
    private static extern int SetIfUnset(string name, string value, int overwrite);

    [DllImport("libc.so.6", EntryPoint = "mallopt")]
    private static extern int Allocate(int parameter, int value);
}
