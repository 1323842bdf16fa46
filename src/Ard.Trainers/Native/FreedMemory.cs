using System.Runtime.InteropServices;

namespace Ard.Trainers.Native;

/// <summary>
/// Memory that is freed stays with the process until a training, an evaluation or a cursor ends, for the next step asks for as much. Left
/// alone, glibc gives it back to the system, which clears every page anew: PGD-10 on MobileNetV2 in batches of 32 takes 0.83 of the
/// processor's time so. Heaps of
/// other threads than the first are glibc's own business: it gives them back once they are empty.
/// </summary>
internal static class FreedMemory
{
    // M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h.
    private const int TrimThreshold = -1, MapThreshold = -3;

    private static readonly string[] Users = ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"];

    /// <summary>Whether it stays: with glibc, unless the user's environment has settings of the same.</summary>
    public static bool Stays { get; } =
        OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out _)
        && !Users.Any(name => Environment.GetEnvironmentVariable(name) is not null);

    public static void Keep()
    {
        if (!Stays) return;
        _ = Set(MapThreshold, int.MaxValue);
        _ = Set(TrimThreshold, int.MaxValue);
    }

    /// <summary>Gives back to the system what lies free, after work that needed much.</summary>
    public static void Return()
    {
        if (Stays) _ = Trim(0);
    }

    [DllImport("libc.so.6", EntryPoint = "mallopt")]
    private static extern int Set(int parameter, int value);

    [DllImport("libc.so.6", EntryPoint = "malloc_trim")]
    private static extern int Trim(nint pad);
}
