using System.Text;

namespace Ard.Trainers.Data;

/// <summary>
/// The plain files of a tar archive (POSIX.1-1988 ustar and what came before it), read from front to back. Everything else in it, such as
/// folders, links and the extended headers of longer names, is passed over. .NET's TarReader is not used because it takes memory for
/// extended headers by the size that they claim.
/// </summary>
/// <param name="stream">The archive, unpacked; disposed of with this.</param>
/// <param name="path">What to call it in messages.</param>
/// <param name="limit">The most bytes that are read of it.</param>
internal sealed class TarArchive(Stream stream, string path, long limit) : IDisposable
{
    private const int BlockLength = 512;
    private const string Expected = "a tar archive, plain or gzip-compressed";

    private readonly byte[] block = new byte[BlockLength];
    private long position, left, padding;

    /// <summary>The file's name with its folders.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Its length in bytes.</summary>
    public long Length { get; private set; }

    /// <summary>Goes to the next file, or to the end.</summary>
    /// <exception cref="DataFileException">The archive is damaged or too long.</exception>
    public bool MoveNext()
    {
        byte type;
        do
        {
            Skip(left + padding);
            if (Fill(block) < BlockLength || block.All(value => value == 0))
            {
                // Only at the very end, after the archive's, does gzip compare its checksum.
                Skip(long.MaxValue);
                return false;
            }
            type = ReadHeader();
        }
        while (type is not (0 or (byte)'0'));
        return true;
    }

    /// <summary>The file's bytes, once.</summary>
    public Stream Contents() => new File(this);

    public void Dispose() => stream.Dispose();

    private byte ReadHeader()
    {
        var sum = block[..148].Concat(block[156..]).Sum(value => value) + 8 * ' ';   // its own place counts as spaces
        if (Octal(148, 8) != sum) throw Fault($"a header with the checksum {Convert.ToString(sum, 8)}", $"'{Text(148, 8)}'");
        Length = left = Octal(124, 12);
        padding = (BlockLength - left % BlockLength) % BlockLength;
        var prefix = block.AsSpan(257).StartsWith("ustar\0"u8) ? Text(345, 155) : "";
        Name = prefix == "" ? Text(0, 100) : $"{prefix}/{Text(0, 100)}";
        return block[156];
    }

    private string Text(int start, int length)
    {
        var bytes = block.AsSpan(start, length);
        return Encoding.UTF8.GetString(bytes.IndexOf((byte)0) is >= 0 and var end ? bytes[..end] : bytes);
    }

    private long Octal(int start, int length)
    {
        var text = Text(start, length).Trim(' ');
        if (text == "" || text.Any(digit => digit is < '0' or > '7')) throw Fault("an octal number in a header", $"'{text}'");
        return Convert.ToInt64(text, 8);
    }

    private DataFileException Fault(string expected, string found) => new(path, position - BlockLength, $"{Expected}: {expected}", found);

    private void Skip(long count)
    {
        var chunk = new byte[1 << 16];
        while (count > 0 && Read(chunk.AsSpan(0, (int)Math.Min(count, chunk.Length))) is > 0 and var read) count -= read;
        (left, padding) = (0, 0);
    }

    private int Fill(Span<byte> bytes)
    {
        var filled = 0;
        while (filled < bytes.Length && Read(bytes[filled..]) is > 0 and var read) filled += read;
        return filled;
    }

    private int Read(Span<byte> bytes)
    {
        try
        {
            var count = stream.Read(bytes);
            position += count;
            return position <= limit ? count : throw new DataFileException(path, limit, $"at most {limit} unpacked bytes", "more");
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException)
        {
            throw new DataFileException(path, position, Expected, $"'{exception.Message}'", exception);
        }
    }

    private sealed class File(TarArchive archive) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => archive.Length;

        public override long Position { get => archive.Length - archive.left; set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            var count = archive.Read(buffer[..(int)Math.Min(buffer.Length, archive.left)]);
            archive.left -= count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
