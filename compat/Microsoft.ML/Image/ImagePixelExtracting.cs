// Stands in for Microsoft.ML.ImageAnalytics: ExtractPixels, from images to vectors of numbers.
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

[assembly: Microsoft.ML.LoadableClass(typeof(ImagePixelExtractingTransformer), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Pixel extraction", ImagePixelExtractingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms.Image;

public sealed class ImagePixelExtractingEstimator : TrivialEstimator<ImagePixelExtractingTransformer>
{
    [Flags]
    public enum ColorBits : byte
    {
        Alpha = 0x01,
        Red = 0x02,
        Green = 0x04,
        Blue = 0x08,
        Rgb = Red | Green | Blue,
        All = Alpha | Red | Green | Blue,
    }

    public enum ColorsOrder : byte
    {
        ARGB = 1,
        ARBG = 2,
        ABRG = 3,
        ABGR = 4,
        AGRB = 5,
        AGBR = 6,
    }

    private readonly InputOutputColumnPair[] _columns;
    private readonly bool _asFloat;

    internal ImagePixelExtractingEstimator(InputOutputColumnPair[] columns, PixelExtraction extraction)
        : base(new ImagePixelExtractingTransformer(columns, extraction))
    {
        _columns = columns;
        _asFloat = extraction.AsFloat;
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return inputSchema.With(_columns.Select(pair =>
        {
            ImageColumns.Check(inputSchema, pair.InputColumnName);
            return new SchemaShape.Column(pair.OutputColumnName, SchemaShape.Column.VectorKind.Vector,
                _asFloat ? NumberDataViewType.Single : NumberDataViewType.Byte, false);
        }));
    }
}

/// <summary>What is taken from a pixel: which colours in which order, planes or pixel by pixel, as (value - offset) * scale.</summary>
internal sealed record PixelExtraction(ImagePixelExtractingEstimator.ColorBits Colors, ImagePixelExtractingEstimator.ColorsOrder Order,
    bool Interleave,
    float Offset, float Scale, bool AsFloat)
{
    /// <summary>The places of the colours within a pixel of the image, in the order of extraction.</summary>
    public int[] Channels(MLImage image)
    {
        var (red, green, blue, alpha) = image.ChannelOffsets;
        return Order.ToString()
            .Select(letter => letter switch
            {
                'A' => (Bit: ImagePixelExtractingEstimator.ColorBits.Alpha, At: alpha),
                'R' => (Bit: ImagePixelExtractingEstimator.ColorBits.Red, At: red),
                'G' => (Bit: ImagePixelExtractingEstimator.ColorBits.Green, At: green),
                _ => (Bit: ImagePixelExtractingEstimator.ColorBits.Blue, At: blue),
            })
            .Where(color => (Colors & color.Bit) != 0)
            .Select(color => color.At).ToArray();
    }

    public int Planes => System.Numerics.BitOperations.PopCount((uint)(Colors & ImagePixelExtractingEstimator.ColorBits.All));
}

public sealed class ImagePixelExtractingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "ImagePixelExtractor";

    private readonly PixelExtraction _extraction;

    internal ImagePixelExtractingTransformer(InputOutputColumnPair[] columns, PixelExtraction extraction) : base(columns)
    {
        if (extraction.Planes == 0) throw new ArgumentException("Need to use at least one color", "colorsToExtract");
        if (!Enum.IsDefined(extraction.Order)) throw new ArgumentOutOfRangeException("orderOfExtraction");
        if (!float.IsFinite(extraction.Offset)) throw new ArgumentOutOfRangeException("offsetImage");
        if (!float.IsFinite(extraction.Scale) || extraction.Scale == 0) throw new ArgumentOutOfRangeException("scaleImage");
        _extraction = extraction;
    }

    private protected override MappedColumn MapColumn(DataViewSchema.Column input, string output, int index)
    {
        ImageColumns.Check(input);
        var type = (ImageDataViewType)input.Type;
        if (type.Height == 0 || type.Width == 0)
        {
            throw new ArgumentOutOfRangeException("inputSchema",
                $"Cannot extract pixels from the column '{input.Name}' of images of unknown size: resize them first.");
        }
        int planes = _extraction.Planes;
        PrimitiveDataViewType item = _extraction.AsFloat ? NumberDataViewType.Single : NumberDataViewType.Byte;
        var vector = _extraction.Interleave
            ? new VectorDataViewType(item, type.Height, type.Width, planes)
            : new VectorDataViewType(item, planes, type.Height, type.Width);
        return new MappedColumn(new DataViewSchema.DetachedColumn(output, vector), new[] { input.Index },
            row => _extraction.AsFloat ? FloatGetter(row, input, type) : ByteGetter(row, input, type));
    }

    private ValueGetter<VBuffer<float>> FloatGetter(DataViewRow row, DataViewSchema.Column input, ImageDataViewType type)
    {
        // One multiplication for each of the 256 values of a colour, not for each pixel.
        var table = Enumerable.Range(0, 256).Select(value => (value - _extraction.Offset) * _extraction.Scale).ToArray();
        return Getter(row, input, type, table);
    }

    private ValueGetter<VBuffer<byte>> ByteGetter(DataViewRow row, DataViewSchema.Column input, ImageDataViewType type) =>
        Getter(row, input, type, Enumerable.Range(0, 256).Select(value => (byte)value).ToArray());

    private ValueGetter<VBuffer<T>> Getter<T>(DataViewRow row, DataViewSchema.Column input, ImageDataViewType type, T[] table)
    {
        var get = row.GetGetter<MLImage>(input);
        int size = type.Width * type.Height;
        int planes = _extraction.Planes;
        var (pixelStep, planeStep) = _extraction.Interleave ? (planes, 1) : (1, size);
        return (ref VBuffer<T> value) =>
        {
            MLImage image = null;
            get(ref image);
            if (image == null)
            {
                // A missing image is black.
                value = VBufferEditor.Create(ref value, size * planes, 0).Commit();
                return;
            }
            if (image.Width != type.Width || image.Height != type.Height)
            {
                throw new InvalidOperationException(
                    $"Column '{input.Name}' holds an image of height {image.Height} and width {image.Width}: "
                    + $"expected {type.Height} and {type.Width}.");
            }
            var editor = VBufferEditor.Create(ref value, size * planes);
            var pixels = image.Pixels;
            var values = editor.Values;
            var channels = _extraction.Channels(image);
            for (int p = 0; p < channels.Length; p++)
            {
                int channel = channels[p], at = p * planeStep;
                for (int i = channel; i < pixels.Length; i += 4, at += pixelStep) values[at] = table[pixels[i]];
            }
            value = editor.Commit();
        };
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(new VersionInfo("IMGPXEXT", 0x00010001, 0x00010001, 0x00010001, GetType().Assembly.FullName, LoaderSignature));
        ctx.SaveColumns(Columns);
        ctx.Writer.Write((byte)_extraction.Colors);
        ctx.Writer.Write((byte)_extraction.Order);
        ctx.Writer.Write(_extraction.Interleave);
        ctx.Writer.Write(_extraction.Offset);
        ctx.Writer.Write(_extraction.Scale);
        ctx.Writer.Write(_extraction.AsFloat);
    }

    private static ImagePixelExtractingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var reader = ctx.Reader;
        var columns = ctx.LoadColumns();
        return new ImagePixelExtractingTransformer(columns, new PixelExtraction((ImagePixelExtractingEstimator.ColorBits)reader.ReadByte(),
            (ImagePixelExtractingEstimator.ColorsOrder)reader.ReadByte(), reader.ReadBoolean(), reader.ReadSingle(), reader.ReadSingle(),
                reader.ReadBoolean()));
    }
}
