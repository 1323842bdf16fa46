using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace Ard.Trainers.Networks;

/// <summary>oneDNN, by which libtorch computes convolutions on CPUs.</summary>
internal static class OneDnn
{
    /// <summary>
    /// Why tensors must not be kept in its layout here; null where they may. Some virtual machines hide the size of the innermost data
    /// cache. The oneDNN in libtorch 2 takes it for 0 there and divides by it when such tensors are added, which ends the process (oneDNN's
    /// issue 2716).
    /// </summary>
    public static string? LayoutFault { get; } = __version__.StartsWith("1.", StringComparison.Ordinal) || CacheIsTold() ? null
        : $"libtorch {__version__} would end the process: this machine does not tell the size of its caches";

    private const int Extended = unchecked((int)0x80000000);
    private const int AmdCaches = Extended + 0x1D;

    private static bool CacheIsTold() => X86Base.IsSupported && (IsTold(4) || (HasTopology() && IsTold(AmdCaches)));

    // A processor answers a function above its highest with something else.
    private static bool IsTold(int function) =>
        Highest(function) >= unchecked((uint)function) && (X86Base.CpuId(function, 0).Eax & 0x1F) != 0;

    private static bool HasTopology() =>
        Highest(Extended) > unchecked((uint)Extended) && (X86Base.CpuId(Extended + 1, 0).Ecx & (1 << 22)) != 0;

    private static uint Highest(int function) => unchecked((uint)X86Base.CpuId(function & Extended, 0).Eax);
}
