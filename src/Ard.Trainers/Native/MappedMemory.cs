using System.Runtime.InteropServices;

namespace Ard.Trainers.Native;

/// <summary>
/// Memory in which a file is mapped. On Linux its pages count as the process's own from the first touch on, until the system needs them
/// for something else; given back, they stay in the system's cache and belong to nobody.
/// </summary>
internal static class MappedMemory
{
    // Of mman.h.
    private const int DoNotNeed = 4;

    /// <summary>Gives back the pages of a file that is mapped shared: its contents stay. Elsewhere than on Linux nothing happens.</summary>
    /// <param name="first">The first byte of the mapping.</param>
    /// <param name="length">Its bytes.</param>
    public static void GiveBack(ReadOnlySpan<byte> first, long length)
    {
        if (OperatingSystem.IsLinux()) _ = Advise(in MemoryMarshal.GetReference(first), (nuint)length, DoNotNeed);
    }

    [DllImport("libc", EntryPoint = "madvise")]
    private static extern int Advise(in byte start, nuint length, int advice);
}
