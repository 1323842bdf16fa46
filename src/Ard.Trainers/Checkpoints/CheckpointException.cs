namespace Ard.Trainers.Checkpoints;

/// <summary>
/// A file that holds tensors is damaged, truncated or not what it claims to be, or it is sound and holds something else. The message names
/// the file, the byte at which a damage was found, what was expected and what was found.
/// </summary>
public sealed class CheckpointException : IOException
{
    /// <summary>Describes a file that is sound and not the one that is needed.</summary>
    internal CheckpointException(string path, string expected, string found, Exception? inner = null)
        : base($"{path}: expected {expected}, found {found.TrimEnd('.')}.", inner) =>
        (Path, Expected, Found) = (path, expected, found);

    /// <summary>Describes a damage at a byte, counted from the start of the file.</summary>
    internal CheckpointException(string path, long offset, string expected, string found, Exception? inner = null)
        : base($"{path}, offset {offset}: expected {expected}, found {found}.", inner) =>
        (Path, Offset, Expected, Found) = (path, offset, expected, found);

    /// <summary>The file.</summary>
    public string Path { get; }

    // Null where the file is sound.
    internal long? Offset { get; }

    internal string Expected { get; }

    internal string Found { get; }
}
