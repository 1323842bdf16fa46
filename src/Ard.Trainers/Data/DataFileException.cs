namespace Ard.Trainers.Data;

/// <summary>
/// A data file is missing, damaged, truncated or not what it should be. The message names the file, the byte at which the fault was
/// found, what was expected there and what was found.
/// </summary>
public sealed class DataFileException : IOException
{
    /// <summary>Describes one fault.</summary>
    /// <param name="path">The file; for one inside an archive, the archive, a colon and the entry.</param>
    /// <param name="offset">The byte, counted from the start of the file's (unpacked) contents, at which the fault was found.</param>
    /// <param name="expected">What a sound file has there.</param>
    /// <param name="found">What this file has there.</param>
    /// <param name="inner">The exception that led here, if any.</param>
    internal DataFileException(string path, long offset, string expected, string found, Exception? inner = null)
        : base($"{path}, offset {offset}: expected {expected}, found {found}.", inner)
    {
        (Path, Offset, Expected, Found) = (path, offset, expected, found);
    }

    /// <summary>The file; for one inside an archive, the archive, a colon and the entry.</summary>
    public string Path { get; }

    /// <summary>The byte, counted from the start of the file's (unpacked) contents, at which the fault was found.</summary>
    internal long Offset { get; }

    /// <summary>What a sound file has there.</summary>
    internal string Expected { get; }

    /// <summary>What this file has there.</summary>
    internal string Found { get; }
}
