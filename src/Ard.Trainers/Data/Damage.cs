namespace Ard.Trainers.Data;

/// <summary>What readers throw at files that are damaged, told in this library's words.</summary>
internal static class Damage
{
    /// <summary>What a function reads; where it throws what is damage, the fault is thrown in its place.</summary>
    public static T Tell<T>(Func<T> read, Func<Exception, bool> isDamage, Func<Exception, DataFileException> fault)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (isDamage(exception))
        {
            throw fault(exception);
        }
    }

    /// <summary>What a function reads from an archive.</summary>
    /// <exception cref="DataFileException">It met damage in place of what was expected.</exception>
    public static T TellZip<T>(string path, string expected, Func<T> read) =>
        Tell(read, IsOfZip, exception => new(path, 0, expected, $"'{exception.Message}'", exception));

    /// <summary>What <see cref="System.IO.Compression.ZipArchive"/> throws at damaged archives.</summary>
    public static bool IsOfZip(Exception exception) =>
        exception is InvalidDataException or EndOfStreamException or NotSupportedException or ArgumentException or OverflowException;
}
