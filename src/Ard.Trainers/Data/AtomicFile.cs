namespace Ard.Trainers.Data;

/// <summary>
/// A file that is either the old one or the new one, never half of each, whenever the process or the machine stops: written beside its
/// place, flushed to the disk and renamed. Until then the previous file stays as it was, as it does where this is disposed of before.
/// </summary>
internal sealed class AtomicFile : IDisposable
{
    private readonly string path;
    private readonly string beside;
    private readonly bool temporary;
    private readonly FileStream stream;

    /// <summary>Begins a file, and makes missing folders. A temporary one is for this process alone, and need not be on the disk.</summary>
    public AtomicFile(string path, bool temporary = false)
    {
        (this.path, this.temporary) = (Path.GetFullPath(path), temporary);
        // Found out before there is something to lose.
        if (Directory.Exists(path)) throw new IOException($"'{path}' is a folder, expected a file.");
        Directory.CreateDirectory(Path.GetDirectoryName(this.path)!);
        // The name is unique, so that two writers of one path cannot mix their bytes; the later rename wins.
        beside = $"{this.path}.{Guid.NewGuid():N}.tmp";
        var options = new FileStreamOptions
        { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 1 << 16 };
        if (temporary && !OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        stream = new FileStream(beside, options);
    }

    /// <summary>The contents; it can seek and read.</summary>
    public Stream Stream => stream;

    public void Commit()
    {
        stream.Flush(flushToDisk: !temporary);
        stream.Dispose();
        File.Move(beside, path, overwrite: true);
    }

    public void Dispose()
    {
        try
        {
            stream.Dispose();
        }
        finally
        {
            // What is left to be written may find the disk full.
            File.Delete(beside);
        }
    }

    /// <summary>Writes a file whole, to a stream that can seek. If that throws, the previous file is kept.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        using var file = new AtomicFile(path);
        write(file.Stream);
        file.Commit();
    }

    /// <summary>Writes text as UTF-8 without a byte order mark; see <see cref="Write"/>.</summary>
    public static void WriteAllText(string path, string text) =>
        Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
}
