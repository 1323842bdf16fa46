using System.ComponentModel.DataAnnotations;
using Ard.MLNet.Schema;
using Ard.Trainers.Networks;
using Microsoft.ML.Data;

namespace Ard.MLNet;

/// <summary>
/// How a vector column holds an image. The default fits what <c>ExtractPixels(output, input, scaleImage: 1f / 255)</c> makes: planes of
/// red, green and blue, values in [0,1]. For <c>interleavePixelColors: true</c> set <see cref="Interleaved"/>; without <c>scaleImage</c>
/// set <see cref="Scale"/> to 1.0/255; after
/// <c>offsetImage: o, scaleImage: s</c> set <see cref="Scale"/> to 1/(255 s) and <see cref="Offset"/> to -o s.
/// </summary>
public sealed record ImageLayout : IValidatableObject
{
    /// <summary>
    /// Channels. Default null: the column's own dimensions if it has three, else those of the network's specification if they multiply to
    /// the length of the vector, else what makes a square image of 3 channels, or of 1.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? Channels { get; init; }

    /// <summary>Rows of pixels. Default as for <see cref="Channels"/>.</summary>
    [Range(1, int.MaxValue)]
    public int? Height { get; init; }

    /// <summary>Columns of pixels. Default as for <see cref="Channels"/>.</summary>
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

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (Scale == 0) yield return new("Scale is 0, expected another number");
    }

    /// <summary>The layout with all sizes, for a column of this type.</summary>
    internal PixelFormat Resolve(string column, DataViewType type, NetworkSpec? spec)
    {
        var size = VectorSize(column, type);
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
        var format = new PixelFormat(
            Channels ?? found?.Channels ?? 0, Height ?? found?.Height ?? 0, Width ?? found?.Width ?? 0, Interleaved, Scale, Offset);
        if (format.Channels == 0 || format.Height == 0 || format.Width == 0)
            throw SchemaErrors.Mismatch(
                "feature", column, "a square image of 3 channels or of 1",
                $"{type}; for another one say Layout = new() {{ Channels = …, Height = …, Width = … }}");
        if (format.Size != size)
            throw SchemaErrors.Mismatch(
                "feature", column, $"Vector<Single, {format.Size}>, an image of {format}", type);
        return format;

        bool Fits(int channels, int side) => (long)channels * side * side == size;
    }

    /// <summary>The length of a column of pixels.</summary>
    internal static int VectorSize(string column, DataViewType type) =>
        type is VectorDataViewType { IsKnownSize: true, Size: var size, ItemType: var item } && item.Equals(NumberDataViewType.Single)
            ? size
            : throw SchemaErrors.Mismatch("feature", column, "Vector<Single> of known size", type
                + (type is VectorDataViewType { IsKnownSize: false } ? SchemaErrors.SizeHint : ""));
}
