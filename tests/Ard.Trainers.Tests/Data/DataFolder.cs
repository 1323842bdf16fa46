using System.IO.Compression;

namespace Ard.Trainers.Tests.Data;

/// <summary>A folder for one test's files, deleted in the end.</summary>
internal sealed class DataFolder : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("ard-data-").FullName;

    public string Root => root;

    public string File(string name) => Path.Combine(root, name);

    public string Write(string name, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File(name))!);
        System.IO.File.WriteAllBytes(File(name), bytes);
        return File(name);
    }

    public void Dispose() => Directory.Delete(root, recursive: true);

    public static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(bytes);
        return packed.ToArray();
    }

    public static byte[] Idx(uint magic, uint[] sizes, byte[] body)
    {
        var bytes = new byte[4 + 4 * sizes.Length + body.Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, magic);
        for (var i = 0; i < sizes.Length; i++) BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4 + 4 * i), sizes[i]);
        body.CopyTo(bytes, 4 + 4 * sizes.Length);
        return bytes;
    }

    /// <summary>Bytes that differ from place to place.</summary>
    public static byte[] Pattern(int length, int start = 0) =>
        [.. Enumerable.Range(start, length).Select(i => (byte)(i * 37 + i / 251))];

    /// <summary>A fault is reported with the file's name, the offset, what was expected and what was found.</summary>
    public static void AssertFault(string path, long offset, string expected, string found, Action read)
    {
        var exception = Assert.Throws<DataFileException>(read);
        Assert.Equal(path, exception.Path);
        Assert.Equal(offset, exception.Offset);
        Assert.Contains(expected, exception.Expected);
        Assert.Contains(found, exception.Found);
        foreach (var part in new[] { path, $"offset {offset}", exception.Expected, exception.Found })
            Assert.Contains(part, exception.Message);
    }
}
