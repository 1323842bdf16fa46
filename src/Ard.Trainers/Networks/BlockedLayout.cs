using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Ard.Trainers.Networks;

/// <summary>
/// oneDNN's own order of memory on CPUs, in blocks of channels. Elsewhere every convolution brings its input into this order and its output
/// back; here tensors go from layer to layer in it. Such a tensor can be convolved, normalised, added and rectified, and has first
/// derivatives, in float32; anything else needs it dense.
/// </summary>
internal sealed class BlockedLayout : IDisposable
{
    /// <summary>Set to false, <see cref="AppContext"/>'s switch of this name keeps every tensor dense.</summary>
    public const string Switch = "Ard.Trainers.BlockedLayout";

    // Below, folding batch normalisation into all weights costs more than is saved.
    private const int FewestImages = 16;

    // TorchSharp has no function for it, TorchScript has.
    private const string Source = """
        def to_blocked(x):
            return x.to_mkldnn()
        def to_dense(x):
            return x.to_dense()

        """;

    private static readonly Lazy<jit.CompilationUnit?> Program = new(Compile);

    [ThreadStatic]
    private static bool active;

    private readonly bool before = active;

    private BlockedLayout(bool now) => active = now;

    /// <summary>Whether what lies between the layers of the network that this thread computes is in this layout.</summary>
    public static bool IsActive => active;

    /// <summary>Whether a network that works in this layout should get those images so.</summary>
    public static bool Suits(Tensor images) =>
        FirstOrder.IsEnough && images.dtype == ScalarType.Float32 && images.device_type == DeviceType.CPU && images.shape[0] >= FewestImages
        && !(AppContext.TryGetSwitch(Switch, out var wanted) && !wanted) && Program.Value is not null;

    /// <summary>Says whether it is the layout between layers, until the result is disposed.</summary>
    public static BlockedLayout Use(bool now) => new(now);

    /// <summary>The same numbers in this layout.</summary>
    public static Tensor Blocked(Tensor dense) => Program.Value!.invoke<Tensor>("to_blocked", dense);

    /// <summary>The same numbers in rows, if they are in this layout.</summary>
    public static Tensor Dense(Tensor output) => active ? Program.Value!.invoke<Tensor>("to_dense", output) : output;

    public void Dispose() => active = before;

    // Null where it must not be used, or libtorch was built without oneDNN.
    private static jit.CompilationUnit? Compile()
    {
        if (OneDnn.LayoutFault is not null) return null;
        try
        {
            var program = jit.compile(Source);
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            program.invoke<Tensor>("to_dense", program.invoke<Tensor>("to_blocked", zeros(1, 1, 1, 1)));
            return program;
        }
        catch (ExternalException)
        {
            return null;
        }
    }
}
