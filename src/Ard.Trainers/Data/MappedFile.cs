using System.Runtime.InteropServices;

namespace Ard.Trainers.Data;

/// <summary>
/// A file that is mapped in memory for a data set. One that is temporary is gone with the last that uses it. On Linux its pages count as
/// the process's own from the first touch on, until the system needs them for something else; given back, they stay in the system's cache.
/// </summary>
internal sealed class MappedFile : IDisposable
{
    // What may count as this process's memory before it is given back.
    private const long MostBytes = 1 << 28;

    // What Linux maps around a page that is touched (/sys/kernel/debug/fault_around_bytes).
    private const long AroundBytes = 1 << 16;

    private readonly bool temporary;
    private long touched;

    /// <summary>Takes over a file's contents from the first byte on, mapped shared. One that is temporary is deleted.</summary>
    public MappedFile(string path, Tensor contents, bool temporary)
    {
        (Path, this.temporary) = (path, temporary);
        Contents = contents.DetachFromDisposeScope();
        Delete();
    }

    public string Path { get; }
    public Tensor Contents { get; }

    /// <summary>The same for another who uses it.</summary>
    public MappedFile Again() => new(Path, Contents.alias(), temporary);

    /// <summary>
    /// Told how much was read, at how many places, it sees to it that not all of the file counts as this process's memory.
    /// </summary>
    public void Touched(long bytes, long places = 1)
    {
        if (Interlocked.Add(ref touched, bytes + places * AroundBytes) > MostBytes) GiveBack();
    }

    private void GiveBack()
    {
        Interlocked.Exchange(ref touched, 0);
        if (!OperatingSystem.IsLinux()) return;
        using var first = Contents.narrow(0, 0, 1);
        _ = Advise(in MemoryMarshal.GetReference(first.bytes), (nuint)(Contents.numel() * Contents.element_size()), DoNotNeed);
    }

    // Of mman.h.
    private const int DoNotNeed = 4;

    [DllImport("libc", EntryPoint = "madvise")]
    private static extern int Advise(in byte start, nuint length, int advice);

    public void Dispose()
    {
        Contents.Dispose();
        Delete();
    }

    // Linux and macOS let a file go that is mapped: then nothing is left even of a process that is killed. Windows refuses until the end.
    private void Delete()
    {
        try
        {
            if (temporary) File.Delete(Path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }
}
