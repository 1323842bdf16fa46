using Microsoft.ML.Transforms.Image;

namespace Ard.MLNet.Data;

/// <summary>
/// The images of a column, row by row: a vector of floats as the layout says, a vector of bytes from 0 to 255, or a picture, which is
/// scaled to the network's size.
/// </summary>
internal abstract class ImageColumn
{
    public const string Kinds = "Vector<Single> or Vector<Byte> of known size, or Image";

    /// <summary>The column, checked for its type, and for the length and dimensions of that of the training, if it has any.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is missing, or of another type, length or dimensions.</exception>
    public static DataViewSchema.Column Find(DataViewSchema schema, string name, PixelFormat format, string role = "feature")
    {
        var column = SchemaErrors.Find(schema, role, name);
        if (column.Type is ImageDataViewType)
            return format.Channels is 1 or 3 ? column : throw SchemaErrors.Mismatch(
                role, name, $"vectors of floats or bytes, images of {format} as in the training data", column.Type);
        var fits = VectorSize(name, column.Type) == format.Size;
        var type = (VectorDataViewType)column.Type;
        // Whoever gives a layout may have trained on a column that says something else.
        if (fits && (Sides(type) is not { Length: > 1 } sides || Fits(format.FloatsType) || Fits(format.Column))) return column;
        throw SchemaErrors.Mismatch(
            role, name,
            $"{new VectorDataViewType(type.ItemType, format.FloatsType.Dimensions)}, images of {format} as in the training data", type);

        bool Fits(DataViewType other) => other is VectorDataViewType vector && Sides(vector).SequenceEqual(sides);

        // Where one of them is 1, it makes no difference which.
        static int[] Sides(VectorDataViewType type) => [.. type.Dimensions.Where(side => side != 1)];
    }

    /// <summary>The length of a column of vectors.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is a column of something else.</exception>
    public static int VectorSize(string name, DataViewType type) =>
        type is VectorDataViewType { IsKnownSize: true, Size: var size, ItemType: var item }
            && (item.Equals(NumberDataViewType.Single) || item.Equals(NumberDataViewType.Byte))
            ? size
            : throw SchemaErrors.Mismatch("feature", name, Kinds, type
                + (type is VectorDataViewType { IsKnownSize: false } ? SchemaErrors.SizeHint : ""));

    /// <summary>The images of a column of a row, or of a cursor, in which it is active.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing, or of another type, length or dimensions.</exception>
    public static ImageColumn Open(DataViewRow row, string name, PixelFormat format)
    {
        var column = Find(row.Schema, name, format);
        return column.Type is ImageDataViewType ? new Pictures(row, column, format)
            : ((VectorDataViewType)column.Type).ItemType.Equals(NumberDataViewType.Byte) ? new Bytes(row, column, format)
            : new Floats(row, column, format);
    }

    /// <summary>Takes the value of the row where the source stands; what the steps before throw comes through.</summary>
    public abstract void Fetch();

    /// <summary>The image of the value, planes of pixels in [0,1].</summary>
    /// <exception cref="InvalidOperationException">It is missing, or has another length, or a pixel is not in [0,1].</exception>
    public abstract void Convert(Span<float> image);

    private sealed class Floats(DataViewRow row, DataViewSchema.Column column, PixelFormat format) : ImageColumn
    {
        private readonly ValueGetter<VBuffer<float>> get = row.GetGetter<VBuffer<float>>(column);
        private VBuffer<float> values;

        public override void Fetch() => get(ref values);
        public override void Convert(Span<float> image) => format.Read(values, image, column.Name, row.Position);
    }

    private sealed class Bytes(DataViewRow row, DataViewSchema.Column column, PixelFormat format) : ImageColumn
    {
        private readonly ValueGetter<VBuffer<byte>> get = row.GetGetter<VBuffer<byte>>(column);
        private readonly byte[] dense = new byte[format.Size];
        private VBuffer<byte> values;

        public override void Fetch() => get(ref values);

        public override void Convert(Span<float> image)
        {
            format.CheckLength(values.Length, column.Name, row.Position);
            values.CopyTo(dense);
            format.Read(dense, image);
        }
    }

    private sealed class Pictures(DataViewRow row, DataViewSchema.Column column, PixelFormat format) : ImageColumn
    {
        private readonly ValueGetter<MLImage> get = row.GetGetter<MLImage>(column);
        private readonly PictureScaling scaling = new(format.Height, format.Width, format.Layout.Resizing);
        // Kept from row to row: getters that make images free the one that they find here, and others give one that is not ours.
        private MLImage? picture;

        public override void Fetch() => get(ref picture!);

        public override void Convert(Span<float> image)
        {
            if (picture is null)
                throw new InvalidOperationException($"Row {row.Position}, feature column '{column.Name}': the image is missing.");
            var red = picture.PixelFormat == MLPixelFormat.Bgra32 ? 2 : 0;
            format.Read(scaling.Scale(picture.Pixels, picture.Height, picture.Width), red, image);
        }
    }
}
