using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Ard.Trainers.Data;

/// <summary>
/// A data set as a file whose pixels are as they are in memory, so that it can be mapped. All numbers are little-endian:
/// <code>
///  0  "ARDIMAGE"
///  8  int32   version, 1
/// 12  int32   length of this header, a multiple of 4096
/// 16  int32   bytes of a value: 1 (0 to 255) or 4 (float32 in [0,1])
/// 20  int32   channels, height, width
/// 32  int64   N
/// 40  byte    SHA-256 of pixels, labels and this header with zeros in this place [32]
/// 72  int32   classes, then of each the length of its name in UTF-8 (int32) and the name
///     zeros to the end of the header; pixels [N,channels,height,width]; labels int64 [N]
/// </code>
/// </summary>
internal static class ImageFile
{
    private const int Version = 1, Page = 4096, DigestAt = 40, LongestHeader = 1 << 26, PieceBytes = 1 << 24;
    private static readonly byte[] Magic = "ARDIMAGE"u8.ToArray();

    public static bool Is(string path)
    {
        if (!File.Exists(path)) return false;
        using var file = File.OpenRead(path);
        var start = new byte[Magic.Length];
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.AsSpan().SequenceEqual(Magic);
    }

    private static readonly byte[] NoDigest = new byte[SHA256.HashSizeInBytes];

    private sealed record Header(int ElementBytes, int Channels, int Height, int Width, long Count, IReadOnlyList<string> ClassNames)
    {
        public ScalarType Type => ElementBytes == 1 ? ScalarType.Byte : ScalarType.Float32;

        /// <summary>The header with zeros in place of the digest.</summary>
        public byte[] ToBytes()
        {
            using var bytes = new MemoryStream();
            using var writer = new BinaryWriter(bytes);
            writer.Write(Magic);
            writer.Write(Version);
            writer.Write(0);
            foreach (var number in new[] { ElementBytes, Channels, Height, Width }) writer.Write(number);
            writer.Write(Count);
            writer.Write(NoDigest);
            writer.Write(ClassNames.Count);
            foreach (var name in ClassNames.Select(Encoding.UTF8.GetBytes))
            {
                writer.Write(name.Length);
                writer.Write(name);
            }
            var length = (bytes.Length + Page - 1) / Page * Page;
            if (length > LongestHeader)
                throw new ArgumentException($"The class names take {length} bytes, expected at most {LongestHeader}.");
            bytes.SetLength(length);
            var all = bytes.ToArray();
            BinaryPrimitives.WriteInt32LittleEndian(all.AsSpan(Magic.Length + sizeof(int)), all.Length);
            return all;
        }
    }

    /// <summary>A file that is being written, from front to back in one pass. It is in its place after <see cref="Finish"/>.</summary>
    public sealed class Writer : IDisposable
    {
        private readonly bool temporary;
        private readonly string path;
        private readonly Header header;
        private readonly int headerBytes;
        private readonly AtomicFile file;
        private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        /// <summary>Begins a file; without a path one that is deleted with its data set, whose digest nobody asks for.</summary>
        public Writer(string? path, ScalarType type, (int Channels, int Height, int Width) shape, IReadOnlyList<string> classNames)
        {
            temporary = path is null;
            this.path = path ?? Path.Combine(Path.GetTempPath(), $"ard-images-{Guid.NewGuid():N}");
            header = new(type == ScalarType.Byte ? 1 : sizeof(float), shape.Channels, shape.Height, shape.Width, 0, classNames);
            var room = header.ToBytes();
            headerBytes = room.Length;
            file = new AtomicFile(this.path, temporary);
            file.Stream.Write(room);
        }

        public void Write(ReadOnlySpan<byte> pixels)
        {
            if (!temporary) hash.AppendData(pixels);
            file.Stream.Write(pixels);
        }

        /// <summary>The pixels so far, in pieces; nothing more may be written.</summary>
        public IEnumerable<byte[]> Pieces()
        {
            var end = file.Stream.Position;
            file.Stream.Position = headerBytes;
            while (end - file.Stream.Position is > 0 and var left)
            {
                var piece = new byte[Math.Min(left, PieceBytes)];
                file.Stream.ReadExactly(piece);
                yield return piece;
            }
        }

        /// <summary>Adds the labels, int64 [N], puts the file in its place and maps it.</summary>
        public ImageDataset Finish(Tensor labels)
        {
            foreach (var piece in TensorBytes.Chunks(labels))
                using (piece) Write(piece.bytes);
            var whole = header with { Count = labels.shape[0] };
            var bytes = whole.ToBytes();
            if (!temporary)
            {
                hash.AppendData(bytes);
                hash.GetHashAndReset().CopyTo(bytes, DigestAt);
            }
            file.Stream.Position = 0;
            file.Stream.Write(bytes);
            file.Commit();
            return Map(path, whole, headerBytes, labels, temporary);
        }

        public void Dispose()
        {
            file.Dispose();
            hash.Dispose();
        }
    }

    /// <summary>Checks a file whole, and maps it.</summary>
    /// <exception cref="DataFileException">It is missing, not sound, or damaged, or has no labels and may not lack them.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written to, which a mapping asks for.</exception>
    public static ImageDataset Open(string path, bool mayLackLabels = false)
    {
        DataFileReader.OpenFile(path).Dispose();
        using var reader = new DataFileReader(new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite), path);
        var length = new FileInfo(path).Length;
        var bytes = ReadHeaderBytes(reader, length);
        var digest = bytes.AsSpan(DigestAt, NoDigest.Length).ToArray();
        var header = Parse(bytes, length, reader);

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var labels = new long[header.Count];
        Span<byte> labelBytes = MemoryMarshal.AsBytes(labels.AsSpan());
        for (long left; (left = length - labelBytes.Length - reader.Offset) > 0;)
        {
            var start = reader.Offset;
            var piece = reader.Read(Math.Min(left, PieceBytes), "pixels");
            hash.AppendData(piece);
            if (header.Type == ScalarType.Float32) CheckUnit(MemoryMarshal.Cast<byte, float>(piece), start);
        }
        var labelsAt = reader.Offset;
        reader.Read(labelBytes, "labels");
        hash.AppendData(labelBytes);
        var unlabelled = labels.AsSpan().IndexOfAnyExcept(-1L) < 0;
        if (unlabelled && !mayLackLabels) throw reader.Fault(labelsAt, "labels", "none: such images serve as auxiliary ones alone");
        if (!unlabelled && labels.AsSpan().IndexOfAnyExceptInRange(0, header.ClassNames.Count - 1) is >= 0 and var wrong)
            throw reader.Fault(labelsAt + sizeof(long) * wrong, $"a label from 0 to {header.ClassNames.Count - 1}", $"{labels[wrong]}");
        NoDigest.CopyTo(bytes, DigestAt);
        hash.AppendData(bytes);
        var found = hash.GetHashAndReset();
        if (!digest.AsSpan().SequenceEqual(found))
            throw reader.Fault(DigestAt, Convert.ToHexStringLower(found), $"the digest {Convert.ToHexStringLower(digest)}: it is damaged");
        using var scope = NewDisposeScope();
        return Map(path, header, bytes.Length, tensor(labels), temporary: false);

        void CheckUnit(ReadOnlySpan<float> pixels, long start)
        {
            // Written so that a value that is not a number fails as well.
            for (var i = 0; i < pixels.Length; i++)
                if (!(pixels[i] >= 0 && pixels[i] <= 1))
                    throw reader.Fault(start + sizeof(float) * i, "a pixel in [0,1]", Invariant($"{pixels[i]:R}"));
        }
    }

    private static byte[] ReadHeaderBytes(DataFileReader reader, long length)
    {
        var begin = reader.Read(Magic.Length + 2 * sizeof(int), "the beginning of a data set");
        if (!begin.AsSpan().StartsWith(Magic))
            throw reader.Fault(0, $"a data set, which begins with ARDIMAGE", Convert.ToHexStringLower(begin.AsSpan(0, Magic.Length)));
        var version = BitConverter.ToInt32(begin, Magic.Length);
        if (version != Version) throw reader.Fault(Magic.Length, $"version {Version}", $"{version}");
        var size = BitConverter.ToInt32(begin, Magic.Length + sizeof(int));
        if (size <= 0 || size % Page != 0 || size > Math.Min(length, LongestHeader))
            throw reader.Fault(
                Magic.Length + sizeof(int), $"the length of a header, a multiple of {Page} of at most {Math.Min(length, LongestHeader)}",
                $"{size}");
        return [.. begin, .. reader.Read(size - begin.Length, "the header")];
    }

    // All lengths against those of header and file, before anything is made of them.
    private static Header Parse(byte[] bytes, long length, DataFileReader reader)
    {
        var at = Magic.Length + 2 * sizeof(int);
        var elementBytes = Int32();
        if (elementBytes is not (1 or sizeof(float))) throw reader.Fault(at - sizeof(int), "1 or 4 bytes a value", $"{elementBytes}");
        var (channels, height, width, count) = (Int32(), Int32(), Int32(), BitConverter.ToInt64(bytes, at));
        if (channels < 1 || height < 1 || width < 1 || count < 1)
            throw reader.Fault(at - 3 * sizeof(int), "positive sizes", $"{count} images of {channels}x{height}x{width}");
        var expected = bytes.Length + (Int128)count * ((Int128)channels * height * width * elementBytes + sizeof(long));
        if (expected != length)
            throw reader.Fault(at, $"{expected} bytes of {count} images of {channels}x{height}x{width}", $"a file of {length}");
        at = DigestAt + NoDigest.Length;
        var classes = Int32();
        if (classes < 2 || classes > (bytes.Length - at) / sizeof(int))
            throw reader.Fault(at - sizeof(int), "2 or more classes, with their names", $"{classes}");
        var names = new string[classes];
        for (var i = 0; i < classes; i++)
        {
            var size = bytes.Length - at < sizeof(int) ? -1 : Int32();
            if (size < 0 || size > bytes.Length - at) throw reader.Fault(at, $"the name of class {i}", $"one of {size} bytes");
            names[i] = Encoding.UTF8.GetString(bytes, at, size);
            at += size;
        }
        return new Header(elementBytes, channels, height, width, count, names);

        int Int32() => BitConverter.ToInt32(bytes, (at += sizeof(int)) - sizeof(int));
    }

    private static ImageDataset Map(string path, Header header, int headerBytes, Tensor labels, bool temporary)
    {
        using var scope = NewDisposeScope();
        var (first, pixels) = (headerBytes / header.ElementBytes, header.Count * header.Channels * header.Height * header.Width);
        // Shared, because a private mapping that may be written to has to find room in memory beside all others.
        Tensor contents;
        try
        {
            contents = from_file(path, shared: true, first + pixels, header.Type, CPU);
        }
        catch when (temporary)
        {
            File.Delete(path);
            throw;
        }
        var mapping = new MappedFile(path, contents, temporary);
        return new ImageDataset(
            mapping.Contents.narrow(0, first, pixels).view(header.Count, header.Channels, header.Height, header.Width), labels,
            header.ClassNames, mapping);
    }
}
