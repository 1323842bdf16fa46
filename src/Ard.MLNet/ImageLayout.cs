using Microsoft.ML.Transforms.Image;
using static Microsoft.ML.Transforms.Image.ImagePixelExtractingEstimator;
using static Microsoft.ML.Transforms.Image.ImageResizingEstimator;

namespace Ard.MLNet;

/// <summary>
/// How a column holds images. A vector of floats: by default planes of red, green and blue, values in [0,1], as
/// <c>ExtractPixels(output, input, scaleImage: 1f / 255)</c> makes them; for its other settings see <see cref="AfterExtractPixels"/>. A
/// vector of bytes: 0 to 255 in the same order, whatever <see cref="Scale"/> and <see cref="Offset"/> are. Images, as LoadImages makes
/// them: scaled to the network's size.
/// </summary>
public sealed record ImageLayout : IValidatableObject
{
    /// <summary>
    /// Channels. Default null: the column's own dimensions if it has three, else those of the network's specification if they multiply to
    /// the length of the vector, else what makes a square image of 3 channels, or of 1. For a column of images: those of the network's
    /// specification, else 3.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? Channels { get; init; }

    /// <summary>Rows of pixels. Default as for <see cref="Channels"/>; of images: the column's own size if it is known, else that of the
    /// network's specification.</summary>
    [Range(1, int.MaxValue)]
    public int? Height { get; init; }

    /// <summary>Columns of pixels. Default as for <see cref="Height"/>.</summary>
    [Range(1, int.MaxValue)]
    public int? Width { get; init; }

    /// <summary>
    /// Whether the channels of a pixel stand together (height, width, channels) rather than in planes (channels, height, width). Default
    /// false.
    /// </summary>
    public bool Interleaved { get; init; }

    /// <summary>A value v of the column is the pixel (v - <see cref="Offset"/>) · Scale, which has to be in [0,1]. Default 1.</summary>
    [Range(double.MinValue, double.MaxValue)]
    public double Scale { get; init; } = 1;

    /// <summary>See <see cref="Scale"/>. Default 0.</summary>
    [Range(double.MinValue, double.MaxValue)]
    public double Offset { get; init; }

    /// <summary>The order of the colours in a vector of three channels, as ExtractPixels has it, without its alpha. Default ARGB: red,
    /// green, blue.</summary>
    public ColorsOrder ColorOrder { get; init; } = ColorsOrder.ARGB;

    /// <summary>What becomes of images with another ratio of sides than the network's: IsoCrop cuts off both ends of the longer side,
    /// IsoPad adds black to the shorter, Fill stretches. Default IsoCrop, as of ML.NET's ResizeImages. Each pixel is a weighted mean of all
    /// that go into it, as in Pillow and torchvision, which ResizeImages does not do.</summary>
    public ResizingKind Resizing { get; init; } = ResizingKind.IsoCrop;

    /// <summary>The layout of what <c>ExtractPixels</c> makes with these settings: value = (byte - offset) · scale.</summary>
    /// <param name="offsetImage">As there. Default 0.</param>
    /// <param name="scaleImage">As there. Default 1.</param>
    /// <param name="interleavePixelColors">As there. Default false.</param>
    /// <param name="orderOfExtraction">As there. Default ARGB.</param>
    public static ImageLayout AfterExtractPixels(
        float offsetImage = 0, float scaleImage = 1, bool interleavePixelColors = false,
        ColorsOrder orderOfExtraction = ColorsOrder.ARGB) => new()
        {
            Interleaved = interleavePixelColors,
            Scale = 1 / (255.0 * scaleImage),
            Offset = -(double)offsetImage * scaleImage,
            ColorOrder = orderOfExtraction,
        };

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (Scale == 0) yield return new("Scale is 0, expected another number");
    }

    /// <summary>The layout with all sizes, for a column of this type.</summary>
    internal PixelFormat Resolve(string column, DataViewType type, NetworkSpec? spec)
    {
        if (type is ImageDataViewType pictures) return Resolve(column, pictures, spec);
        var size = ImageColumn.VectorSize(column, type);
        var dimensions = type is VectorDataViewType { Dimensions: { Length: 3 } sizes } ? sizes : default;
        (int Channels, int Height, int Width)? found = dimensions.IsDefault ? null
            : Interleaved ? (dimensions[2], dimensions[0], dimensions[1]) : (dimensions[0], dimensions[1], dimensions[2]);
        // 16x16x3 is sixteen planes of 16x3 only if somebody says so.
        if (Channels is null && found is { Channels: > 4 } && (Interleaved ? found.Value.Height : found.Value.Width) is 1 or 3 or 4)
            throw SchemaErrors.Mismatch(
                "feature", column, Interleaved ? "pixels of channels (height, width, channels)" : "planes (channels, height, width)",
                $"{type}; a column the other way round needs Layout = new() {{ Interleaved = {(Interleaved ? "false" : "true")} }}, "
                + $"and {found.Value.Channels} channels indeed Layout = new() {{ Channels = {found.Value.Channels} }}");
        if (found is null && spec is not null && Fits(spec.InputChannels, spec.ImageSize))
            found = (spec.InputChannels, spec.ImageSize, spec.ImageSize);
        foreach (var channels in new[] { 3, 1 })
        {
            var side = (int)Math.Sqrt(size / channels);
            if (found is null && Fits(channels, side)) found = (channels, side, side);
        }
        var format = Format(type, Channels ?? found?.Channels ?? 0, Height ?? found?.Height ?? 0, Width ?? found?.Width ?? 0);
        if (format.Channels == 0 || format.Height == 0 || format.Width == 0)
            throw SchemaErrors.Mismatch(
                "feature", column, "a square image of 3 channels or of 1",
                $"{type}; for another one say Layout = new() {{ Channels = …, Height = …, Width = … }}");
        if (format.Size != size)
            throw SchemaErrors.Mismatch(
                "feature", column, $"Vector<{((VectorDataViewType)type).ItemType}, {format.Size}>, an image of {format}", type);
        return format;

        bool Fits(int channels, int side) => (long)channels * side * side == size;
    }

    private PixelFormat Resolve(string column, ImageDataViewType type, NetworkSpec? spec)
    {
        var format = Format(
            new ImageDataViewType(), Channels ?? spec?.InputChannels ?? 3, Height ?? Known(type.Height) ?? spec?.ImageSize ?? 0,
            Width ?? Known(type.Width) ?? spec?.ImageSize ?? 0);
        return format is { Channels: 1 or 3, Height: > 0, Width: > 0, Size: < int.MaxValue / 4 } ? format : throw SchemaErrors.Mismatch(
            "feature", column, "images of 3 channels or of 1, and a size to bring them to",
            $"{type} and {format}; say Layout = new() {{ Channels = …, Height = …, Width = … }}");

        static int? Known(int size) => size > 0 ? size : null;
    }

    /// <summary>The layout with all sizes, for a network whose training column is not known: one of floats is taken to be it.</summary>
    internal PixelFormat Resolve(NetworkSpec spec)
    {
        var format = Format(
            NumberDataViewType.Single, Channels ?? spec.InputChannels, Height ?? spec.ImageSize, Width ?? spec.ImageSize);
        return format with { Column = format.FloatsType };
    }

    private PixelFormat Format(DataViewType column, int channels, int height, int width) =>
        new(channels, height, width, this with { Channels = null, Height = null, Width = null }) { Column = column };
}
