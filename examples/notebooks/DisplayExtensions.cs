/// <summary>What a notebook shows below a cell, a program writes into a file.</summary>
internal static class DisplayExtensions
{
    private static readonly string Folder = Path.Combine("out", "notebooks");
    private static int count;

    /// <summary>Writes a picture, and says where.</summary>
    public static void DisplayAs(this string value, string mimeType)
    {
        if (mimeType != "image/svg+xml")
            throw new ArgumentException($"The type is '{mimeType}', expected image/svg+xml.", nameof(mimeType));
        var name = $"{Path.GetFileNameWithoutExtension(Environment.ProcessPath)}-{++count}.svg";
        var path = Path.Combine(Directory.CreateDirectory(Folder).FullName, name);
        File.WriteAllText(path, value);
        Console.WriteLine($"Picture: {path}");
    }
}
