using System.IO.Compression;

namespace Ard.Trainers.Data;

/// <summary>Reads a data file, plain or gzip-compressed, from front to back; faults have file, offset, expected and found.</summary>
internal sealed class DataFileReader(Stream stream, string path) : IDisposable
{
    public string Path { get; } = path;
    public long Offset { get; private set; }

    /// <summary>Opens a file; the first two bytes tell whether it is compressed.</summary>
    public static DataFileReader Open(string path) => new(OpenStream(path), path);

    /// <summary>A file's contents, unpacked when its first two bytes are those of gzip (RFC 1952).</summary>
    public static Stream OpenStream(string path)
    {
        var file = OpenFile(path);
        var compressed = file.ReadByte() == 0x1f && file.ReadByte() == 0x8b;
        file.Position = 0;
        return compressed ? new GZipStream(file, CompressionMode.Decompress) : file;
    }

    public static FileStream OpenFile(string path) => Damage.Tell(
        () => File.OpenRead(path),
        exception => exception is FileNotFoundException or DirectoryNotFoundException || Directory.Exists(path),
        exception => new(path, 0, "a file", Directory.Exists(path) ? "a folder" : "none", exception));

    /// <summary>Fills the whole span, or says how far the file reached.</summary>
    public void Read(Span<byte> destination, string what)
    {
        var read = 0;
        while (read < destination.Length)
        {
            var step = ReadSome(destination[read..]);
            if (step == 0) throw Fault(Offset, $"{destination.Length - read} more byte(s) of {what}", "the end of the file");
            read += step;
        }
    }

    /// <summary>Reads so many bytes. Memory grows with those that have really come, never by the length that a header claims.</summary>
    public byte[] Read(long length, string what)
    {
        var bytes = new byte[Math.Min(length, 1 << 20)];
        for (var read = 0; ;)
        {
            Read(bytes.AsSpan(read), what);
            read = bytes.Length;
            if (read == length) return bytes;
            Array.Resize(ref bytes, (int)Math.Min(length, 2L * read));
        }
    }

    public void ExpectEnd()
    {
        Span<byte> one = stackalloc byte[1];
        if (ReadSome(one) > 0) throw Fault(Offset - 1, "the end of the file", "more bytes");
    }

    public DataFileException Fault(long offset, string expected, string found, Exception? inner = null) =>
        new(Path, offset, expected, found, inner);

    public void Dispose() => stream.Dispose();

    private int ReadSome(Span<byte> destination)
    {
        try
        {
            var read = stream.Read(destination);
            Offset += read;
            return read;
        }
        // What gzip and tar streams throw when their own bytes are damaged or end early.
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException)
        {
            throw Fault(Offset, "sound compressed data", $"'{exception.Message}'", exception);
        }
    }
}
