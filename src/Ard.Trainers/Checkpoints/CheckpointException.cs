namespace Ard.Trainers.Checkpoints;

/// <summary>
/// A file that holds tensors is damaged, truncated or not what it claims to be. The message names the file, the byte at which the
/// fault was found, what was expected there and what was found.
/// </summary>
public sealed class CheckpointException : IOException
{
    /// <summary>Describes one fault.</summary>
    /// <param name="path">The file.</param>
    /// <param name="offset">The byte, counted from the start of the file, at which the fault was found.</param>
    /// <param name="expected">What a sound file has there.</param>
    /// <param name="found">What this file has there.</param>
    /// <param name="inner">The exception that led here, if any.</param>
    public CheckpointException(string path, long offset, string expected, string found, Exception? inner = null)
        : base($"{path}, offset {offset}: expected {expected}, found {found}.", inner)
    {
        (Path, Offset, Expected, Found) = (path, offset, expected, found);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The byte, counted from the start of the file, at which the fault was found.</summary>
    public long Offset { get; }

    /// <summary>What a sound file has there.</summary>
    public string Expected { get; }

    /// <summary>What this file has there.</summary>
    public string Found { get; }
}
