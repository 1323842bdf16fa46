// Stands in for Microsoft.ML.ImageAnalytics: ResizeImages.
using Microsoft.ML.Data;
using Microsoft.ML.Internal;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

[assembly: Microsoft.ML.LoadableClass(typeof(ImageResizingTransformer), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Image resizing", ImageResizingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms.Image;

public sealed class ImageResizingEstimator : TrivialEstimator<ImageResizingTransformer>
{
    public enum ResizingKind : byte
    {
        /// <summary>The whole image, with its proportions; what it does not cover is transparent black.</summary>
        IsoPad = 0,

        /// <summary>The largest part of the image with the proportions of the result.</summary>
        IsoCrop = 1,

        /// <summary>The whole image, stretched.</summary>
        Fill = 2,
    }

    public enum Anchor : byte
    {
        Right = 0,
        Left = 1,
        Top = 2,
        Bottom = 3,
        Center = 4,
    }

    private readonly InputOutputColumnPair[] _columns;
    private readonly ImageDataViewType _type;

    internal ImageResizingEstimator(InputOutputColumnPair[] columns, int width, int height, ResizingKind kind, Anchor anchor)
        : base(new ImageResizingTransformer(columns, width, height, kind, anchor))
    {
        _columns = columns;
        _type = new ImageDataViewType(height, width);
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return inputSchema.With(_columns.Select(pair =>
        {
            ImageColumns.Check(inputSchema, pair.InputColumnName);
            return new SchemaShape.Column(pair.OutputColumnName, SchemaShape.Column.VectorKind.Scalar, _type, false);
        }));
    }
}

public sealed class ImageResizingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "ImageScalerTransform";

    private readonly int _width;
    private readonly int _height;
    private readonly ImageResizingEstimator.ResizingKind _kind;
    private readonly ImageResizingEstimator.Anchor _anchor;

    internal ImageResizingTransformer(InputOutputColumnPair[] columns, int width, int height, ImageResizingEstimator.ResizingKind kind,
        ImageResizingEstimator.Anchor anchor) : base(columns)
    {
        if (width <= 0) throw new ArgumentOutOfRangeException("imageWidth");
        if (height <= 0) throw new ArgumentOutOfRangeException("imageHeight");
        _width = width;
        _height = height;
        _kind = kind;
        _anchor = anchor;
    }

    private protected override MappedColumn MapColumn(DataViewSchema.Column input, string output, int index)
    {
        ImageColumns.Check(input);
        return new MappedColumn(new DataViewSchema.DetachedColumn(output, new ImageDataViewType(_height, _width)),
            new[] { input.Index }, row =>
        {
            var get = row.GetGetter<MLImage>(input);
            return (ValueGetter<MLImage>)((ref MLImage result) =>
            {
                MLImage image = null;
                get(ref image);
                result = image == null ? null : Resize(image);
            });
        });
    }

    private MLImage Resize(MLImage image)
    {
        if (image.Width == _width && image.Height == _height) return Resampling.Smooth(image, _width, _height);
        if (_kind == ImageResizingEstimator.ResizingKind.Fill) return Resampling.Nearest(image, _width, _height);
        double toWidth = (double)_width / image.Width, toHeight = (double)_height / image.Height;
        bool crops = _kind == ImageResizingEstimator.ResizingKind.IsoCrop;
        double scale = crops ? Math.Max(toWidth, toHeight) : Math.Min(toWidth, toHeight);
        // The side that decides is met exactly; the other is rounded down.
        int width = scale == toWidth ? _width : Math.Max((int)(image.Width * scale), 1);
        int height = scale == toHeight ? _height : Math.Max((int)(image.Height * scale), 1);
        var scaled = Resampling.Smooth(image, width, height);
        return Resampling.Window(scaled, Offset(width - _width, ImageResizingEstimator.Anchor.Left, ImageResizingEstimator.Anchor.Right),
            Offset(height - _height, ImageResizingEstimator.Anchor.Top, ImageResizingEstimator.Anchor.Bottom), _width, _height);
    }

    // Where the part to keep begins; an image smaller than the result lies at its left and top, as in the real library.
    private int Offset(int excess, ImageResizingEstimator.Anchor first, ImageResizingEstimator.Anchor last) =>
        excess <= 0 || _anchor == first ? 0 : _anchor == last ? excess : excess / 2;

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(new VersionInfo("IMGSCALF", 0x00010001, 0x00010001, 0x00010001, GetType().Assembly.FullName, LoaderSignature));
        ctx.SaveColumns(Columns);
        ctx.Writer.Write(_width);
        ctx.Writer.Write(_height);
        ctx.Writer.Write((byte)_kind);
        ctx.Writer.Write((byte)_anchor);
    }

    private static ImageResizingTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        new(ctx.LoadColumns(), ctx.Reader.ReadInt32(),
        ctx.Reader.ReadInt32(), (ImageResizingEstimator.ResizingKind)ctx.Reader.ReadByte(),
            (ImageResizingEstimator.Anchor)ctx.Reader.ReadByte());
}

internal static class ImageColumns
{
    public static void Check(DataViewSchema.Column input)
    {
        if (input.Type is not ImageDataViewType) throw SchemaErrors.Mismatch("input", input.Name, "image", input.Type.ToString());
    }

    public static void Check(SchemaShape inputSchema, string name)
    {
        var input = inputSchema.Find("input", name);
        if (input.ItemType is not ImageDataViewType)
            throw SchemaErrors.Mismatch("input", name, new ImageDataViewType().ToString(), input.GetTypeString());
    }
}
