using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Ard.MLNet.Data;

/// <summary>
/// The images of a data view for an evaluation: read as they are asked for, by one pass as long as that goes forwards, and by another pass
/// for what was passed before, which has to give the same. Nothing is kept but what was asked for last.
/// </summary>
internal sealed class ViewImages(IDataView data, string features, PixelFormat format, long count) : ImageSource, IDisposable
{
    private const int RowsOfPiece = 256;
    private readonly IncrementalHash bytesDigest = TensorDigest.Begin(ScalarType.Byte, Shape(count, format));
    private readonly IncrementalHash floatsDigest = TensorDigest.Begin(ScalarType.Float32, Shape(count, format));
    // The first so many are in the digests, those of bytes as long as all have been bytes.
    private long digested;
    private bool allBytes = true;
    private string? digest;

    private DataViewRowCursor? cursor;
    private ImageColumn? column;
    // The row where the cursor stands.
    private long row = -1;
    private long[] heldRows = [];
    private Tensor? held;

    public override long Count => count;
    public override Device Device => CPU;

    /// <summary>Some images, by their numbers, which rise; bytes where all of them are multiples of 1/255.</summary>
    public override Tensor Rows(IReadOnlyList<long> rows)
    {
        int[] places = [.. rows.Select(wanted => Array.BinarySearch(heldRows, wanted))];
        if (Array.Exists(places, place => place < 0))
        {
            Read([.. rows]);
            places = [.. Enumerable.Range(0, rows.Count)];
        }
        using var index = tensor(places, dtype: ScalarType.Int64);
        return held?.index_select(0, index) ?? empty(Shape(0, format), ScalarType.Byte);
    }

    /// <summary>Taken as the images are read in their order; only what has not been read so yet costs a pass.</summary>
    public override string Digest()
    {
        while (digested < count) Read([.. Enumerable.Range(0, (int)Math.Min(RowsOfPiece, count - digested)).Select(i => digested + i)]);
        return digest ??= Convert.ToHexStringLower((allBytes ? bytesDigest : floatsDigest).GetHashAndReset());
    }

    public void Dispose()
    {
        bytesDigest.Dispose();
        floatsDigest.Dispose();
        held?.Dispose();
        cursor?.Dispose();
    }

    private void Read(long[] rows)
    {
        using var scope = NewDisposeScope();
        held?.Dispose();
        (held, heldRows) = (null, []);
        var images = empty(Shape(rows.Length, format), ScalarType.Float32);
        var bytes = empty(images.shape, ScalarType.Byte);
        var areBytes = true;
        for (var i = 0; i < rows.Length; i++)
        {
            MoveTo(rows[i]);
            using var image = images[i];
            using var imageBytes = bytes[i];
            var pixels = MemoryMarshal.Cast<byte, float>(image.bytes);
            ImageReader.Fetch(column!, data, features, format);
            column!.Convert(pixels);
            areBytes = areBytes && UnitPixels.ToBytes(pixels, imageBytes.bytes);
        }
        if (rows[0] == digested && rows[^1] == digested + rows.Length - 1)
        {
            floatsDigest.AppendData(images.bytes);
            if (allBytes &= areBytes) bytesDigest.AppendData(bytes.bytes);
            digested += rows.Length;
        }
        (held, heldRows) = ((areBytes ? bytes : images).DetachFromDisposeScope(), rows);
    }

    private static long[] Shape(long rows, PixelFormat format) => [rows, format.Channels, format.Height, format.Width];

    private void MoveTo(long wanted)
    {
        if (cursor is null || wanted <= row)
        {
            cursor?.Dispose();
            cursor = data.GetRowCursor([ImageColumn.Find(data.Schema, features, format)]);
            (column, row) = (ImageColumn.Open(cursor, features, format), -1);
        }
        for (; row < wanted; row++)
        {
            if (!ImageReader.Named(data, features, format, cursor.MoveNext))
                throw new InvalidOperationException($"The data had {count} rows at first, and {row + 1} when they were read again.");
        }
    }
}
