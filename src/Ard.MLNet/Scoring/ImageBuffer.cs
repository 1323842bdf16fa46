namespace Ard.MLNet.Scoring;

/// <summary>A place for the images of a batch, planes of float32 on the CPU, which rows are written to without a copy in between.</summary>
internal sealed unsafe class ImageBuffer : IDisposable
{
    private readonly Tensor images;
    private readonly float* values;
    private readonly int size;
    private readonly int capacity;

    public ImageBuffer(PixelFormat format, int capacity)
    {
        (size, this.capacity) = (format.Size, capacity);
        images = empty([capacity, format.Channels, format.Height, format.Width], ScalarType.Float32).DetachFromDisposeScope();
        // Asking the tensor for its memory takes as long as copying half an image there.
        fixed (byte* place = images.bytes) values = (float*)place;
    }

    /// <summary>As many images as a span can reach.</summary>
    public static int MostImages(PixelFormat format) => int.MaxValue / sizeof(float) / format.Size;

    public Span<float> this[int slot] => Values.Slice(slot * size, size);
    public Span<float> Values => images.IsInvalid ? throw new ObjectDisposedException(nameof(ImageBuffer)) : new(values, capacity * size);

    /// <summary>The first images [count,C,H,W], in the same memory.</summary>
    public Tensor First(int count) => images.narrow(0, 0, count);

    public void Dispose() => images.Dispose();
}
