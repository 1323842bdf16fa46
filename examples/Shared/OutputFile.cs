namespace Ard.Examples;

/// <summary>A file of results.</summary>
internal static class OutputFile
{
    /// <summary>Writes a text and a line's end; the file appears whole or not at all. Missing folders are made.</summary>
    public static void Write(string path, string text)
    {
        var beside = Path.GetFullPath(path) + ".part";
        Directory.CreateDirectory(Path.GetDirectoryName(beside)!);
        using (var stream = File.Create(beside))
        {
            stream.Write(System.Text.Encoding.UTF8.GetBytes(text + "\n"));
            stream.Flush(flushToDisk: true);
        }
        File.Move(beside, path, overwrite: true);
    }
}
