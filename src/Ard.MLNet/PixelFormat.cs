using static Microsoft.ML.Transforms.Image.ImagePixelExtractingEstimator;

namespace Ard.MLNet;

/// <summary>
/// An <see cref="ImageLayout"/> with all sizes known: converts between a column's values and the networks' images, planes of pixels in
/// [0,1].
/// </summary>
internal sealed record PixelFormat(int Channels, int Height, int Width, ImageLayout Layout)
{
    // What rounding in the steps before may add to a pixel of 0 or 1.
    private const float Tolerance = 1e-6f;

    // By the order's number: in which plane of red, green and blue the channels of a vector are.
    private static readonly int[][] Planes =
    [
        .. Enumerable.Range(0, 1 + Enum.GetValues<ColorsOrder>().Max(order => (int)order))
            .Select(order => $"{(ColorsOrder)order}".Where(letter => letter != 'A').Select(letter => "RGB".IndexOf(letter)).ToArray()),
    ];

    /// <summary>The number of values of an image; of one that no vector can hold, more than any vector has.</summary>
    public int Size { get; } = (int)Int128.Min((Int128)Channels * Height * Width, int.MaxValue);

    /// <summary>The type of the column that the images were first found in.</summary>
    public required DataViewType Column { get; init; }

    /// <summary>The type of a column of floats that holds such images.</summary>
    public VectorDataViewType FloatsType => Layout.Interleaved
        ? new(NumberDataViewType.Single, Height, Width, Channels)
        : new(NumberDataViewType.Single, Channels, Height, Width);

    private bool IsScaled => Layout.Scale != 1 || Layout.Offset != 0;

    // Values stand where pixels do.
    private bool IsInOrder => !Layout.Interleaved && (Channels != 3 || Layout.ColorOrder == ColorsOrder.ARGB);

    /// <summary>The image of a row, with pixels in [0,1]; what rounding may have added beyond is cut off.</summary>
    /// <exception cref="InvalidOperationException">The vector has another length, or a pixel is not in [0,1].</exception>
    public void Read(in VBuffer<float> values, Span<float> image, string column, long row)
    {
        CheckLength(values.Length, column, row);
        if (IsInOrder && !IsScaled && values.IsDense) values.GetValues().CopyTo(image);
        else ToImage(values, image);
        if (!UnitPixels.Are(image)) Limit(image, column, row);
        if (IsScaled) Snap(image);
    }

    /// <summary>The image of bytes from 0 to 255, whose scale is known.</summary>
    public void Read(ReadOnlySpan<byte> values, Span<float> image)
    {
        if (IsInOrder) UnitPixels.From(values, image);
        else
        {
            for (var i = 0; i < values.Length; i++) image[Place(i)] = values[i] / 255f;
        }
    }

    /// <summary>
    /// The image of a picture of this size: four bytes a pixel, row by row, of which <paramref name="red"/>, 0 or 2, is red and 1 green.
    /// </summary>
    public void Read(ReadOnlySpan<byte> pixels, int red, Span<float> image)
    {
        var area = Height * Width;
        for (var i = 0; i < area; i++)
        {
            var (r, g, b) = (pixels[4 * i + red], pixels[4 * i + 1], pixels[4 * i + 2 - red]);
            if (Channels == 1) image[i] = (byte)(0.3f * r + 0.59f * g + 0.11f * b + 0.5f) / 255f;
            else (image[i], image[area + i], image[2 * area + i]) = (r / 255f, g / 255f, b / 255f);
        }
    }

    /// <exception cref="InvalidOperationException">A row's vector has another length.</exception>
    public void CheckLength(int length, string column, long row)
    {
        if (length != Size)
            throw new InvalidOperationException(
                $"Row {row}, feature column '{column}': expected {Size} values, an image of {this}, found {length}.");
    }

    private void ToImage(in VBuffer<float> values, Span<float> image)
    {
        if (values.IsDense)
        {
            var dense = values.GetValues();
            for (var i = 0; i < dense.Length; i++) image[Place(i)] = Pixel(dense[i]);
            return;
        }
        image.Fill(Pixel(0));
        var indices = values.GetIndices();
        var present = values.GetValues();
        for (var i = 0; i < present.Length; i++) image[Place(indices[i])] = Pixel(present[i]);
    }

    /// <summary>The values of an image, of which it is read again.</summary>
    public void FromImage(ReadOnlySpan<float> image, Span<float> values)
    {
        for (var i = 0; i < values.Length; i++)
            values[i] = IsScaled ? (float)(image[Place(i)] / Layout.Scale + Layout.Offset) : image[Place(i)];
    }

    /// <summary>The same values as bytes from 0 to 255, rounded.</summary>
    public void FromImage(ReadOnlySpan<float> image, Span<byte> values)
    {
        for (var i = 0; i < values.Length; i++) values[i] = ToByte(image[Place(i)]);
    }

    /// <summary>The picture of an image, of which it is read again: red, green, blue and 255, rounded, row by row.</summary>
    public void ToPicture(ReadOnlySpan<float> image, Span<byte> pixels)
    {
        var area = Height * Width;
        for (var i = 0; i < area; i++)
        {
            for (var colour = 0; colour < 3; colour++) pixels[4 * i + colour] = ToByte(image[(Channels == 1 ? 0 : colour) * area + i]);
            pixels[4 * i + 3] = byte.MaxValue;
        }
    }

    private static byte ToByte(float pixel) => (byte)(pixel * 255 + 0.5f);

    private void Limit(Span<float> image, string column, long row)
    {
        foreach (ref var pixel in image)
        {
            if (!(pixel >= -Tolerance && pixel <= 1 + Tolerance))
                throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture,
                    $"Row {row}, feature column '{column}': expected pixels in [0,1], found {pixel}{Hint(pixel)}."));
            pixel = Math.Clamp(pixel, 0, 1);
        }
    }

    // Scaled there and back, a pixel of 8 bits is a rounding away from what it was.
    private static void Snap(Span<float> image)
    {
        foreach (ref var pixel in image)
        {
            var nearest = MathF.Round(pixel * 255) / 255;
            if (Math.Abs(pixel - nearest) <= Tolerance) pixel = nearest;
        }
    }

    private string Hint(float pixel) => pixel switch
    {
        float.NaN => "",
        _ when IsScaled => string.Create(CultureInfo.InvariantCulture,
            $" after (value - {Layout.Offset:G6}) * {Layout.Scale:G6}, the Offset and Scale of the classifier's layout"),
        < 0 => "; images from -1 to 1 need a trainer with Layout = new() { Scale = 0.5, Offset = -1 }",
        _ => "; images from 0 to 255 need a trainer with Layout = new() { Scale = 1.0 / 255 }",
    };

    /// <summary>For people, such as <c>3x32x32 (channels, height, width)</c>.</summary>
    public override string ToString() => $"{Channels}x{Height}x{Width} (channels, height, width)";

    private float Pixel(float value) => (float)((value - Layout.Offset) * Layout.Scale);

    // Where the value of this index stands in planes of red, green and blue.
    private int Place(int index)
    {
        var (channel, pixel) = Layout.Interleaved
            ? (index % Channels, index / Channels) : (index / (Height * Width), index % (Height * Width));
        return (Channels == 3 ? Planes[(int)Layout.ColorOrder][channel] : channel) * Height * Width + pixel;
    }
}
