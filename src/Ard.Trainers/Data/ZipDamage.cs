namespace Ard.Trainers.Data;

/// <summary>What <see cref="System.IO.Compression.ZipArchive"/> throws at damaged archives.</summary>
internal static class ZipDamage
{
    public static bool Is(Exception exception) =>
        exception is InvalidDataException or EndOfStreamException or NotSupportedException or ArgumentException or OverflowException;

    /// <summary>What a function reads from an archive.</summary>
    /// <exception cref="DataFileException">It met damage in place of what was expected.</exception>
    public static T Tell<T>(string path, string expected, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (Is(exception))
        {
            throw new DataFileException(path, 0, expected, $"'{exception.Message}'", exception);
        }
    }
}
