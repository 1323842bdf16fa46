using Ard.Trainers.Native;

namespace Ard.Trainers.Data;

/// <summary>A file that is mapped in memory for a data set. One that is temporary is gone with the last that uses it.</summary>
internal sealed class MappedFile : IDisposable
{
    // What may count as this process's memory before it is given back.
    private const long MostBytes = 1 << 28;

    // What Linux maps around a page that is touched (/sys/kernel/debug/fault_around_bytes).
    private const long AroundBytes = 1 << 16;

    private readonly bool temporary;
    private long touched;

    /// <param name="path">The file.</param>
    /// <param name="contents">Its contents from the first byte on, mapped shared.</param>
    /// <param name="temporary">Whether it is to be deleted.</param>
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

    /// <summary>Told what was read, it sees to it that not all of the file counts as memory of this process.</summary>
    /// <param name="bytes">How much.</param>
    /// <param name="places">At how many places.</param>
    public void Touched(long bytes, long places = 1)
    {
        if (Interlocked.Add(ref touched, bytes + places * AroundBytes) > MostBytes) GiveBack();
    }

    /// <summary>Its pages do not count as memory of this process until they are touched again.</summary>
    public void GiveBack()
    {
        Interlocked.Exchange(ref touched, 0);
        using var first = Contents.narrow(0, 0, 1);
        MappedMemory.GiveBack(first.bytes, Contents.numel() * Contents.element_size());
    }

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
