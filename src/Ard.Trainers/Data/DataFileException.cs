namespace Ard.Trainers.Data;

/// <summary>
/// A data file is missing, damaged, truncated or not what it should be. The message names the file, the byte at which the fault was
/// found, what was expected there and what was found.
/// </summary>
public sealed class DataFileException : IOException
{
    internal DataFileException(string path, long offset, string expected, string found, Exception? inner = null)
        : base($"{path}, offset {offset}: expected {expected}, found {found}.", inner) =>
        (Path, Offset, Expected, Found) = (path, offset, expected, found);

    /// <summary>The file; for one inside an archive, the archive, a colon and the entry.</summary>
    public string Path { get; }

    // Of the file's unpacked contents.
    internal long Offset { get; }

    internal string Expected { get; }

    internal string Found { get; }
}
