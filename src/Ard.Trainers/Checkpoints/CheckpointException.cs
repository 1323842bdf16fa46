namespace Ard.Trainers.Checkpoints;

/// <summary>
/// A file that holds tensors is damaged, truncated or not what it claims to be, or it is sound and holds something else. The message names
/// the file, the byte at which a damage was found, what was expected and what was found.
/// </summary>
public sealed class CheckpointException : IOException
{
    /// <summary>Describes a file that is sound and not the one that is needed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="expected">What the right file has.</param>
    /// <param name="found">What this file has.</param>
    /// <param name="inner">The exception that led here, if any.</param>
    internal CheckpointException(string path, string expected, string found, Exception? inner = null)
        : base($"{path}: expected {expected}, found {found.TrimEnd('.')}.", inner)
    {
        (Path, Expected, Found) = (path, expected, found);
    }

    /// <summary>Describes a damage.</summary>
    /// <param name="path">The file.</param>
    /// <param name="offset">The byte, counted from the start of the file, at which the fault was found.</param>
    /// <param name="expected">What a sound file has there.</param>
    /// <param name="found">What this file has there.</param>
    /// <param name="inner">The exception that led here, if any.</param>
    internal CheckpointException(string path, long offset, string expected, string found, Exception? inner = null)
        : base($"{path}, offset {offset}: expected {expected}, found {found}.", inner)
    {
        (Path, Offset, Expected, Found) = (path, offset, expected, found);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The byte, counted from the start of the file, at which a damage was found; null where the file is sound.</summary>
    internal long? Offset { get; }

    /// <summary>What was expected.</summary>
    internal string Expected { get; }

    /// <summary>What was found.</summary>
    internal string Found { get; }
}
