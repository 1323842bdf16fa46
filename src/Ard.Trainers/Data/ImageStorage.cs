namespace Ard.Trainers.Data;

/// <summary>
/// Where the images of a data set are kept while they are worked on. Left open, they are in memory up to a quarter of what the machine has,
/// and beyond that in a temporary file.
/// </summary>
public sealed class ImageStorage
{
    /// <summary>The share of the machine's memory that images may take where nothing is said.</summary>
    internal const double ShareOfMemory = 0.25;

    private ImageStorage(bool isMemory, string? path) => (IsMemory, Path) = (isMemory, path);

    /// <summary>In memory, however much it is.</summary>
    public static ImageStorage InMemory { get; } = new(true, null);

    /// <summary>In a file that is mapped: it takes no memory that the system could not have for something else.</summary>
    /// <param name="path">The file, as <see cref="ImageDataset.Save"/> writes it. If it is there, it is used as it is, and nothing is read:
    /// delete it when the data have changed. Default null: one in the folder of temporary files (on Linux of TMPDIR), deleted when it is no
    /// longer needed.</param>
    public static ImageStorage InFile(string? path = null) => new(false, path);

    internal bool IsMemory { get; }

    internal string? Path { get; }

    internal static long MostInMemory(ImageStorage? storage)
    {
        var all = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return storage is null ? (long)(ShareOfMemory * all) : storage.IsMemory ? (long)(0.9 * all) : 0;
    }
}
