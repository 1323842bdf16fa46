namespace Ard.Trainers.Data;

/// <summary>
/// A file of data or weights is missing, damaged, truncated or not what it should be. The message names the file, what was expected and
/// what was found, and of a damage the byte.
/// </summary>
public sealed class DataFileException : IOException
{
    /// <summary>Describes a file that is sound and not the one that is needed.</summary>
    internal DataFileException(string path, string expected, string found, Exception? inner = null)
        : base($"{path}: expected {expected}, found {found.TrimEnd('.')}.", inner) =>
        (Path, Expected, Found) = (path, expected, found);

    /// <summary>Describes a damage at a byte, counted from the start of the (unpacked) file.</summary>
    internal DataFileException(string path, long offset, string expected, string found, Exception? inner = null)
        : base($"{path}, offset {offset}: expected {expected}, found {found.TrimEnd('.')}.", inner) =>
        (Path, Offset, Expected, Found) = (path, offset, expected, found);

    /// <summary>The file; for one inside an archive, the archive, a colon and the entry.</summary>
    public string Path { get; }

    // Null where the file is sound.
    internal long? Offset { get; }

    internal string Expected { get; }
    internal string Found { get; }
}
