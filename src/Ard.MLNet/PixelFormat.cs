using System.Globalization;
using Ard.MLNet.Data;
using Ard.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.MLNet;

/// <summary>
/// An <see cref="ImageLayout"/> with all sizes known: converts between a column's values and the networks' images, planes of pixels in
/// [0,1].
/// </summary>
internal sealed record PixelFormat(int Channels, int Height, int Width, bool Interleaved, double Scale, double Offset)
{
    // What rounding in the steps before may add to a pixel of 0 or 1.
    private const float Tolerance = 1e-6f;

    /// <summary>The number of values of an image; of one that no vector can hold, more than any vector has.</summary>
    public int Size { get; } = (int)Int128.Min((Int128)Channels * Height * Width, int.MaxValue);

    private bool IsPlain => !Interleaved && Scale == 1 && Offset == 0;

    /// <summary>The feature column, checked for its type and length.</summary>
    public DataViewSchema.Column Find(DataViewSchema schema, string column)
    {
        var found = SchemaErrors.Find(schema, "feature", column);
        if (ImageLayout.VectorSize(column, found.Type) != Size)
            throw SchemaErrors.Mismatch("feature", column, $"Vector<Single, {Size}>, an image of {this}", found.Type);
        return found;
    }

    /// <summary>The image of a row, with pixels in [0,1]; what rounding may have added beyond is cut off.</summary>
    /// <param name="values">The row's vector.</param>
    /// <param name="image">Where the image goes.</param>
    /// <param name="column">The column that it comes from, for messages.</param>
    /// <param name="row">The row that it comes from, for messages.</param>
    /// <param name="pastCaches">As <see cref="UnitPixels.Copy"/> has it.</param>
    /// <exception cref="InvalidOperationException">The vector has another length, or a pixel is not in [0,1].</exception>
    public void Read(in VBuffer<float> values, Span<float> image, string column, long row, bool pastCaches = false)
    {
        if (values.Length != Size)
            throw new InvalidOperationException(
                $"Row {row}, feature column '{column}': expected {Size} values, an image of {this}, found {values.Length}.");
        if (IsPlain && values.IsDense)
        {
            if (!UnitPixels.Copy(values.GetValues(), image, pastCaches)) Limit(image, column, row);
            return;
        }
        ToImage(values, image);
        if (!UnitPixels.Copy(image, image)) Limit(image, column, row);
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

    /// <summary>The inverse of <see cref="Read"/>.</summary>
    public void FromImage(ReadOnlySpan<float> image, Span<float> values)
    {
        for (var i = 0; i < values.Length; i++) values[i] = IsPlain ? image[i] : (float)(image[Place(i)] / Scale + Offset);
    }

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

    private string Hint(float pixel) => pixel switch
    {
        float.NaN => "",
        _ when Scale != 1 || Offset != 0 => string.Create(CultureInfo.InvariantCulture,
            $" after (value - {Offset:G6}) * {Scale:G6}, the Offset and Scale of the classifier's layout"),
        < 0 => "; images from -1 to 1 need a trainer with Layout = new() { Scale = 0.5, Offset = -1 }",
        _ => "; images from 0 to 255 need a trainer with Layout = new() { Scale = 1.0 / 255 }",
    };

    /// <summary>For people, such as <c>3x32x32 (channels, height, width)</c>.</summary>
    public override string ToString() => $"{Channels}x{Height}x{Width} (channels, height, width)";

    private float Pixel(float value) => (float)((value - Offset) * Scale);

    // Where the value of this index stands in planes.
    private int Place(int index) => Interleaved ? index % Channels * Height * Width + index / Channels : index;
}
