using System.Runtime.InteropServices;

namespace Ard.Trainers.Data;

/// <summary>
/// Makes a data set of images that come one after another, in one pass: bytes, or floats from the first image on that is not made of bytes.
/// Without a path they are in memory, which is reserved for all at once, and which the system provides as it is filled; where it would be
/// more than the most, what came so far goes to a temporary file, and the rest behind it. How many are expected may not be known.
/// </summary>
internal sealed class ImageCollector(
    (int Channels, int Height, int Width) shape, IReadOnlyList<string> classNames, string? path, long? expected, long? mostInMemory = null)
    : IDisposable
{
    /// <summary>The share of the machine's memory that images may take, in bytes.</summary>
    public static long QuarterOfMemory => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;

    private readonly long size = (long)shape.Channels * shape.Height * shape.Width;
    private ScalarType type = ScalarType.Byte;
    // One of the two, from the first image on.
    private Tensor? memory;
    private ImageFile.Writer? file;
    private long bytesSoFar;

    private int ElementBytes => type == ScalarType.Byte ? 1 : sizeof(float);

    public void Add(ReadOnlySpan<byte> pixels) => Write(type == ScalarType.Byte ? pixels : Floats(pixels));

    public void Add(ReadOnlySpan<float> pixels)
    {
        if (type == ScalarType.Byte) Move(ScalarType.Float32, toFile: file is not null);
        Write(MemoryMarshal.AsBytes(pixels));
    }

    public ImageDataset Finish(ReadOnlySpan<long> labels)
    {
        using var scope = NewDisposeScope();
        var classes = tensor(labels.ToArray());
        if (file is not null) return file.Finish(classes);
        var all = memory!.narrow(0, 0, labels.Length * size);
        // If less than half of the room was needed, not even its addresses are kept.
        if (all.numel() <= memory.numel() / 2) all = all.clone();
        return new ImageDataset(all.view(labels.Length, shape.Channels, shape.Height, shape.Width), classes, classNames, null);
    }

    public void Dispose()
    {
        memory?.Dispose();
        file?.Dispose();
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        if (memory is null && file is null) Open(toFile: false);
        if (memory is not null && bytesSoFar + bytes.Length > memory.numel() * ElementBytes) Move(type, toFile: true);
        if (memory is null) file!.Write(bytes);
        else
        {
            using var place = memory.narrow(0, bytesSoFar / ElementBytes, bytes.Length / ElementBytes);
            bytes.CopyTo(place.bytes);
        }
        bytesSoFar += bytes.Length;
    }

    private void Open(bool toFile)
    {
        var most = path is null ? (mostInMemory ?? QuarterOfMemory) / (size * ElementBytes) : 0;
        var images = expected > most ? 0 : expected ?? most;
        if (toFile || images == 0) file = new ImageFile.Writer(path, type, shape, classNames);
        else memory = empty(images * size, type).DetachFromDisposeScope();
    }

    // What came so far goes to another place, or becomes floats.
    private void Move(ScalarType to, bool toFile)
    {
        var (from, oldMemory, oldFile) = (type, memory, file);
        var pieces = oldFile?.Pieces() ?? (oldMemory is null ? [] : Pieces(oldMemory, bytesSoFar / ElementBytes));
        (type, memory, file, bytesSoFar) = (to, null, null, 0);
        try
        {
            if (toFile) Open(toFile);
            foreach (var piece in pieces) Write(from == to ? piece : Floats(piece));
        }
        finally
        {
            oldMemory?.Dispose();
            oldFile?.Dispose();
        }
    }

    private static IEnumerable<byte[]> Pieces(Tensor memory, long elements)
    {
        using var filled = memory.narrow(0, 0, elements);
        foreach (var chunk in TensorBytes.Chunks(filled))
            using (chunk) yield return chunk.bytes.ToArray();
    }

    private static ReadOnlySpan<byte> Floats(ReadOnlySpan<byte> bytes)
    {
        var pixels = new float[bytes.Length];
        for (var i = 0; i < bytes.Length; i++) pixels[i] = bytes[i] / 255f;
        return MemoryMarshal.AsBytes(pixels.AsSpan());
    }
}
