namespace Ard.Trainers.Data;

/// <summary>Files that are either the old one or the new one, never half of each, whenever the process or the machine stops.</summary>
internal static class AtomicFile
{
    /// <summary>
    /// Writes a file beside <paramref name="path"/>, flushes it to the disk and renames it onto <paramref name="path"/>. Until the
    /// rename the previous file stays as it was. Missing folders are made.
    /// </summary>
    /// <param name="path">The file to create or to replace.</param>
    /// <param name="write">Writes the contents; the stream can seek. If it throws, the previous file is kept.</param>
    public static void Write(string path, Action<Stream> write)
    {
        path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        // The name is unique, so that two writers of one path cannot mix their bytes; the later rename wins.
        var beside = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(beside, path, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }

    /// <summary>Writes text as UTF-8 without a byte order mark; see <see cref="Write"/>.</summary>
    /// <param name="path">The file to create or to replace.</param>
    /// <param name="text">The whole contents.</param>
    public static void WriteAllText(string path, string text) =>
        Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
}
