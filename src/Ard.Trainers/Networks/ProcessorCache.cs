using System.Runtime.Intrinsics.X86;

namespace Ard.Trainers.Networks;

/// <summary>What the processor says about its caches.</summary>
internal static class ProcessorCache
{
    /// <summary>
    /// Whether the size of the innermost data cache is told. Some virtual machines hide it; oneDNN 3, which is in libtorch from 2 on, takes
    /// it for 0 there and divides by it when tensors in its layout are added, which ends the process (oneDNN's issue 2716).
    /// </summary>
    public static bool IsKnown { get; } = X86Base.IsSupported && (IsTold(4) || (HasTopology() && IsTold(AmdCaches)));

    private const int Extended = unchecked((int)0x80000000);
    private const int AmdCaches = Extended + 0x1D;

    // A processor answers a function above its highest with something else.
    private static bool IsTold(int function) =>
        Highest(function) >= unchecked((uint)function) && (X86Base.CpuId(function, 0).Eax & 0x1F) != 0;

    private static bool HasTopology() =>
        Highest(Extended) > unchecked((uint)Extended) && (X86Base.CpuId(Extended + 1, 0).Ecx & (1 << 22)) != 0;

    private static uint Highest(int function) => unchecked((uint)X86Base.CpuId(function & Extended, 0).Eax);
}
