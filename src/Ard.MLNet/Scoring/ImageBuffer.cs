using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Ard.MLNet.Scoring;

/// <summary>A place for the images of a batch, planes of float32 on the CPU, which rows are written to without a copy in between.</summary>
internal sealed class ImageBuffer(PixelFormat format, int capacity) : IDisposable
{
    private readonly Tensor images =
        empty([capacity, format.Channels, format.Height, format.Width], ScalarType.Float32).DetachFromDisposeScope();

    /// <summary>As many images as a span can reach.</summary>
    public static int MostImages(PixelFormat format) => int.MaxValue / sizeof(float) / format.Size;

    /// <summary>The image of one row.</summary>
    public Span<float> this[int slot] => Values.Slice(slot * format.Size, format.Size);

    /// <summary>All values.</summary>
    public Span<float> Values => MemoryMarshal.Cast<byte, float>(images.bytes);

    /// <summary>The first images [count,C,H,W], in the same memory.</summary>
    public Tensor First(int count) => images.narrow(0, 0, count);

    public void Dispose() => images.Dispose();
}
