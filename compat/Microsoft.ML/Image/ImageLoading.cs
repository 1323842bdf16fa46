// Stands in for Microsoft.ML.ImageAnalytics: LoadImages, from paths of files to images.
using Microsoft.ML.Data;
using Microsoft.ML.Internal;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

[assembly: Microsoft.ML.LoadableClass(typeof(ImageLoadingTransformer), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Image loading", ImageLoadingTransformer.LoaderSignature)]

namespace Microsoft.ML.Data;

public sealed class ImageLoadingEstimator : TrivialEstimator<ImageLoadingTransformer>
{
    private readonly InputOutputColumnPair[] _columns;

    internal ImageLoadingEstimator(string imageFolder, InputOutputColumnPair[] columns)
        : base(new ImageLoadingTransformer(imageFolder, columns)) => _columns = columns;

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return inputSchema.With(_columns.Select(pair =>
        {
            var input = inputSchema.Find("input", pair.InputColumnName);
            if (input.ItemType is not TextDataViewType || input.Kind != SchemaShape.Column.VectorKind.Scalar)
                throw SchemaErrors.Mismatch("input", input.Name, TextDataViewType.Instance.ToString(), input.GetTypeString());
            return new SchemaShape.Column(pair.OutputColumnName, SchemaShape.Column.VectorKind.Scalar, new ImageDataViewType(), false);
        }));
    }
}

public sealed class ImageLoadingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "ImageLoaderTransform";

    public readonly string ImageFolder;

    internal ImageLoadingTransformer(string imageFolder, InputOutputColumnPair[] columns) : base(columns) => ImageFolder = imageFolder;

    private protected override MappedColumn MapColumn(DataViewSchema.Column input, string output, int index)
    {
        if (input.Type is not TextDataViewType)
            throw SchemaErrors.Mismatch("input", input.Name, TextDataViewType.Instance.ToString(), input.Type.ToString());
        return new MappedColumn(new DataViewSchema.DetachedColumn(output, new ImageDataViewType()), new[] { input.Index }, row =>
        {
            var get = row.GetGetter<ReadOnlyMemory<char>>(input);
            ReadOnlyMemory<char> path = default;
            return (ValueGetter<MLImage>)((ref MLImage image) =>
            {
                get(ref path);
                image = path.IsEmpty ? null : Load(path.ToString());
            });
        });
    }

    private MLImage Load(string path)
    {
        if (!string.IsNullOrWhiteSpace(ImageFolder)) path = Path.Combine(ImageFolder, path);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        var image = MLImage.CreateFromStream(stream);
        image.Tag = path;
        return image;
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(new VersionInfo("IMGLOADT", 0x00010001, 0x00010001, 0x00010001, GetType().Assembly.FullName, LoaderSignature));
        Codec.WriteString(ctx.Writer, ImageFolder);
        ctx.SaveColumns(Columns);
    }

    private static ImageLoadingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        string folder = Codec.ReadString(ctx.Reader);
        return new ImageLoadingTransformer(folder, ctx.LoadColumns());
    }
}
