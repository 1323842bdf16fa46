using System.Formats.Tar;

namespace Ard.Trainers.Data;

/// <summary>
/// A tar archive for <see cref="TarReader"/>. Too many bytes, damaged compressed data and extended headers of an absurd size, for which the
/// reader would take memory by what they claim, are errors with file and offset.
/// </summary>
internal sealed class TarStream(Stream stream, string path, long limit) : Stream
{
    private const int HeaderLength = 512;
    private long position;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => position; set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        try
        {
            // A header is asked for by itself.
            var least = buffer.Length == HeaderLength ? HeaderLength : Math.Min(1, buffer.Length);
            var count = stream.ReadAtLeast(buffer, least, throwOnEndOfStream: false);
            if (count == HeaderLength && IsTooLong(buffer))
                throw new DataFileException(path, position, "an extended header of less than 16 MiB", "a longer one");
            position += count;
            return position <= limit ? count : throw new DataFileException(path, limit, $"at most {limit} unpacked bytes", "more");
        }
        catch (InvalidDataException exception)
        {
            throw new DataFileException(path, position, "sound compressed data", $"'{exception.Message}'", exception);
        }
    }

    // The type is one of an extension, and the first four of the size's twelve octal digits are not zero.
    private static bool IsTooLong(ReadOnlySpan<byte> header) =>
        header[156] is (byte)'x' or (byte)'g' or (byte)'L' or (byte)'K' && header[124..128].ContainsAnyExcept("0 \0"u8);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) stream.Dispose();
        base.Dispose(disposing);
    }
}
