using System.Reflection;
using Microsoft.ML.Transforms.Image;

namespace Ard.MLNet.Scoring;

/// <summary>The values of one source column for the rows of a batch.</summary>
internal abstract class ColumnBuffer
{
    private static readonly MethodInfo ScalarMethod = ((Delegate)Scalar<int>).Method.GetGenericMethodDefinition();
    private static readonly MethodInfo VectorMethod = ((Delegate)Vector<int>).Method.GetGenericMethodDefinition();

    public static ColumnBuffer Create(DataViewRow source, DataViewSchema.Column column, int capacity)
    {
        if (column.Type is ImageDataViewType) return new PictureBuffer(source.GetGetter<MLImage>(column), capacity);
        var method = column.Type is VectorDataViewType { ItemType.RawType: var item }
            ? VectorMethod.MakeGenericMethod(item)
            : ScalarMethod.MakeGenericMethod(column.Type.RawType);
        return method.CreateDelegate<Func<DataViewRow, DataViewSchema.Column, int, ColumnBuffer>>()(source, column, capacity);
    }

    public abstract void Read(int slot);
    public abstract Delegate Getter(Func<int> slot);

    private static ColumnBuffer Scalar<T>(DataViewRow source, DataViewSchema.Column column, int capacity) =>
        new ScalarBuffer<T>(source.GetGetter<T>(column), capacity);

    private static ColumnBuffer Vector<T>(DataViewRow source, DataViewSchema.Column column, int capacity) =>
        new VectorBuffer<T>(source.GetGetter<VBuffer<T>>(column), capacity);

    private sealed class ScalarBuffer<T>(ValueGetter<T> get, int capacity) : ColumnBuffer
    {
        private readonly T[] values = new T[capacity];

        public override void Read(int slot) => get(ref values[slot]);
        public override Delegate Getter(Func<int> slot) => (ValueGetter<T>)((ref T value) => value = values[slot()]);
    }

    private sealed class VectorBuffer<T>(ValueGetter<VBuffer<T>> get, int capacity) : ColumnBuffer
    {
        private readonly VBuffer<T>[] values = new VBuffer<T>[capacity];

        public override void Read(int slot) => get(ref values[slot]);

        public override Delegate Getter(Func<int> slot) =>
            (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => values[slot()].CopyTo(ref value));
    }

    /// <summary>
    /// A getter that makes images, as ML.NET's own do, frees the one that it finds in the place that it fills, or may have given before: of
    /// such there are copies here, and this one makes images too. One that gives images of somebody's own, as of objects in memory, gives
    /// the same again when asked again; those are passed on.
    /// </summary>
    private sealed class PictureBuffer(ValueGetter<MLImage> get, int capacity) : ColumnBuffer
    {
        private readonly ValueGetter<MLImage>[] values = new ValueGetter<MLImage>[capacity];
        private MLImage? picture;
        private bool? isMade;

        public override void Read(int slot)
        {
            get(ref picture!);
            if (isMade is null && picture is { } first)
            {
                picture = null;
                get(ref picture!);
                isMade = first != picture;
                if (isMade == true) first.Dispose();
            }
            var image = picture!;
            values[slot] = isMade == true && image is not null ? Copies(image) : (ref MLImage value) => value = image!;
        }

        public override Delegate Getter(Func<int> slot) => (ValueGetter<MLImage>)((ref MLImage value) => values[slot()](ref value));

        private static ValueGetter<MLImage> Copies(MLImage image)
        {
            var (pixels, width, height, format, tag) = (image.Pixels.ToArray(), image.Width, image.Height, image.PixelFormat, image.Tag);
            return (ref MLImage value) =>
            {
                value?.Dispose();
                value = MLImage.CreateFromPixels(width, height, format, pixels);
                value.Tag = tag;
            };
        }
    }
}
