using System.Runtime.InteropServices;

namespace Ard.MLNet.Tests.Scorer;

/// <summary>On Linux, the pages that this thread had to ask the system for.</summary>
internal static class PageFaults
{
    private static readonly byte[] Block = [.. Enumerable.Repeat((byte)1, 48 << 20)];

    /// <summary>While it filled a block of 48 MiB, which is free again.</summary>
    public static long OfLargeBlock()
    {
        var before = Count();
        var memory = Marshal.AllocHGlobal(Block.Length);
        Marshal.Copy(Block, 0, memory, Block.Length);
        Marshal.FreeHGlobal(memory);
        return Count() - before;
    }

    // The tenth field, the eighth after the name in brackets.
    private static long Count() => long.Parse(File.ReadAllText("/proc/thread-self/stat").Split(") ")[^1].Split(' ')[7]);
}
