using System.Globalization;

namespace Ard.Trainers.Data;

/// <summary>
/// Labelled images as two tensors. Bytes stay bytes (a quarter of the memory of floats) until a batch asks for [0,1].
/// Disposing of the data set frees its tensors.
/// </summary>
public sealed class ImageDataset : IDisposable
{
    /// <summary>Takes over two tensors and checks them.</summary>
    /// <param name="images">[N,C,H,W], uint8 (0 to 255) or float32 in [0,1], N at least 1.</param>
    /// <param name="labels">[N], int64, from 0 to one less than the number of names.</param>
    /// <param name="classNames">One name a class.</param>
    /// <exception cref="ArgumentException">A tensor is not of this kind; the message holds all faults.</exception>
    public ImageDataset(Tensor images, Tensor labels, IReadOnlyList<string> classNames)
        : this(images, labels, [.. classNames], check: true)
    {
    }

    private ImageDataset(Tensor images, Tensor labels, IReadOnlyList<string> classNames, bool check)
    {
        if (check && Faults(images, labels, classNames) is { Count: > 0 } faults)
            throw new ArgumentException($"Image data set: {string.Join("; ", faults)}.");
        // The set lives as long as its owner wants, not as long as the scope in which it happens to be made.
        (Images, Labels, ClassNames) = (images.DetachFromDisposeScope(), labels.DetachFromDisposeScope(), classNames);
    }

    /// <summary>[N,C,H,W], uint8 (0 to 255) or float32 in [0,1].</summary>
    public Tensor Images { get; }

    /// <summary>[N], int64.</summary>
    public Tensor Labels { get; }

    /// <summary>One name a class, in the order of the labels.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Number of images.</summary>
    public long Count => Labels.shape[0];

    /// <summary>Number of classes.</summary>
    public int Classes => ClassNames.Count;

    /// <summary>Channels of the images.</summary>
    public int Channels => (int)Images.shape[1];

    /// <summary>Rows of the images.</summary>
    public int Height => (int)Images.shape[2];

    /// <summary>Columns of the images.</summary>
    public int Width => (int)Images.shape[3];

    /// <summary>The class names of Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017).</summary>
    public static IReadOnlyList<string> FashionMnistClasses { get; } =
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

    /// <summary>Reads what <paramref name="path"/> is:
    /// <list type="bullet">
    /// <item>A folder with the IDX files of MNIST or its relatives, train-images-idx3-ubyte, train-labels-idx1-ubyte and t10k-…, plain or
    /// with .gz.</item>
    /// <item>NumPy's arrays: a .npz, a folder of .npy, or a .npy of images with labels.npy beside it. Of the arrays with train in their
    /// names (test for the test split) the one of three or four dimensions are the images, [N,H,W], [N,H,W,C] or [N,C,H,W] with 1 or 3
    /// channels, and the one of one dimension the labels; where no name says train or test, there is only a test split.</item>
    /// <item>CIFAR-10 or CIFAR-100 (fine labels), binary or for Python: the folder, a folder that holds it, or the .tar.gz.</item>
    /// </list></summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="split">Which of the two splits.</param>
    /// <param name="classes">The number of classes, for files that do not say it. Default: the largest label and 1, of both splits; with
    /// IDX at least 10.</param>
    /// <param name="classNames">One name a class; a label beyond them is a fault. Default: as the file says, else numbers.</param>
    /// <exception cref="ArgumentException">There are not as many names as classes.</exception>
    /// <exception cref="DataFileException">None of them is there, a file is not sound, or it has other classes.</exception>
    public static ImageDataset Load(string path, DataSplit split, int? classes = null, IReadOnlyList<string>? classNames = null)
    {
        if (classNames is not null && classes is not null && classes != classNames.Count)
            throw new ArgumentException($"There are {classNames.Count} class names, expected {classes}.", nameof(classNames));
        classes ??= classNames?.Count;
        classNames ??= classes is { } number ? Idx.Numbers(number) : null;
        if (Idx.IsFolder(path)) return Idx.LoadFolder(path, split, classNames);
        if (Npy.Is(path)) return Npy.Load(path, split, classNames);
        if (!Cifar.Is(path))
            throw new DataFileException(path, 0, $"{Idx.Description}, {Npy.Description}, or {Cifar.Description}",
                Directory.Exists(path) ? "a folder without them" : File.Exists(path) ? "another file" : "nothing");
        var cifar = Cifar.Load(path, split);
        if (classes is null || classes == cifar.Classes) return cifar;
        using (cifar) throw new DataFileException(path, 0, $"{classes} classes", $"CIFAR-{cifar.Classes}");
    }

    /// <summary>
    /// A batch: the images of these numbers as float32 in [0,1] with their labels, new tensors on the data set's device.
    /// </summary>
    /// <param name="indices">[B], int64, each from 0 to <see cref="Count"/> - 1, on any device.</param>
    public (Tensor Images, Tensor Labels) Batch(Tensor indices)
    {
        using var scope = NewDisposeScope();
        indices = indices.to(Images.device);
        var images = ToUnit(Images.index_select(0, indices));
        return (images.MoveToOuterDisposeScope(), Labels.index_select(0, indices).MoveToOuterDisposeScope());
    }

    /// <summary>The batch of <paramref name="count"/> images from <paramref name="start"/> on; see <see cref="Batch(Tensor)"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the data set.</exception>
    public (Tensor Images, Tensor Labels) Batch(long start, long count)
    {
        if (start < 0 || count < 1 || start > Count - count)
            throw new ArgumentOutOfRangeException(nameof(start), $"Images {start} to {start + count - 1} of {Count}.");
        using var scope = NewDisposeScope();
        var images = Images.narrow(0, start, count);
        images = images.dtype == ScalarType.Byte ? ToUnit(images) : images.clone();
        return (images.MoveToOuterDisposeScope(), Labels.narrow(0, start, count).clone().MoveToOuterDisposeScope());
    }

    /// <summary>A new data set of the images of these numbers, in this order.</summary>
    /// <param name="indices">[M], int64, M at least 1, each from 0 to <see cref="Count"/> - 1.</param>
    public ImageDataset Subset(Tensor indices)
    {
        if (indices.dtype != ScalarType.Int64 || indices.dim() != 1 || indices.shape[0] < 1)
            throw new ArgumentException($"Subset: expected indices int64 [M], M at least 1, found {Describe(indices)}.", nameof(indices));
        using var scope = NewDisposeScope();
        indices = indices.to(Images.device);
        return new ImageDataset(Images.index_select(0, indices), Labels.index_select(0, indices), ClassNames, check: false);
    }

    /// <summary>A new data set of the first <paramref name="count"/> images; all of them if there are no more.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    public ImageDataset Take(long count)
    {
        if (count < 1) throw new ArgumentOutOfRangeException(nameof(count), count, "Take: expected a positive number of images.");
        count = Math.Min(count, Count);
        using var scope = NewDisposeScope();
        return new ImageDataset(Images.narrow(0, 0, count).clone(), Labels.narrow(0, 0, count).clone(), ClassNames, check: false);
    }

    /// <summary>
    /// Two new data sets without a common image: <paramref name="count"/> images, such as a validation set, drawn by a generator of its own
    /// from <paramref name="seed"/>, and the rest. Both keep the order of this one.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is not between 1 and one less than the number of images.</exception>
    public (ImageDataset Kept, ImageDataset Drawn) Split(long count, ulong seed)
    {
        if (count < 1 || count >= Count)
            throw new ArgumentOutOfRangeException(nameof(count), count, $"Split: expected 1 to {Count - 1} of {Count} images.");
        using var scope = NewDisposeScope();
        using var generator = new Generator(seed);
        var order = randperm(Count, dtype: ScalarType.Int64, generator: generator).data<long>().ToArray();
        Array.Sort(order, 0, (int)count);
        Array.Sort(order, (int)count, order.Length - (int)count);
        return (Subset(tensor(order[(int)count..])), Subset(tensor(order[..(int)count])));
    }

    /// <summary>A new data set, the same on another device.</summary>
    public ImageDataset To(Device device)
    {
        using var scope = NewDisposeScope();
        return new ImageDataset(Images.to(device, copy: true), Labels.to(device, copy: true), ClassNames, check: false);
    }

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        Images.Dispose();
        Labels.Dispose();
    }

    private static Tensor ToUnit(Tensor images) =>
        images.dtype == ScalarType.Byte ? images.to(ScalarType.Float32).Div_(255f) : images;

    private static List<string> Faults(Tensor images, Tensor labels, IReadOnlyList<string> classNames)
    {
        var faults = new List<string>();
        var imagesFit = images.dim() == 4 && images.numel() > 0 && images.dtype is ScalarType.Byte or ScalarType.Float32;
        var labelsFit = labels.dim() == 1 && labels.numel() > 0 && labels.dtype == ScalarType.Int64;
        if (!imagesFit) faults.Add($"images are {Describe(images)}, expected uint8 or float32 [N,C,H,W] with at least one image");
        if (!labelsFit) faults.Add($"labels are {Describe(labels)}, expected int64 [N] with at least one label");
        if (classNames.Count < 2) faults.Add($"{classNames.Count} class name(s), expected at least 2");
        using var scope = NewDisposeScope();
        if (imagesFit && labelsFit && images.shape[0] != labels.shape[0])
            faults.Add($"{images.shape[0]} images and {labels.shape[0]} labels, expected the same number");
        if (imagesFit && images.dtype == ScalarType.Float32)
        {
            var (low, high) = (images.min().item<float>(), images.max().item<float>());
            // Written so that a value that is not a number fails as well.
            if (!(low >= 0 && high <= 1)) faults.Add(Invariant($"images lie in [{low},{high}], expected [0,1]"));
        }
        if (labelsFit)
        {
            var (low, high) = (labels.min().item<long>(), labels.max().item<long>());
            if (low < 0 || high >= classNames.Count) faults.Add($"labels lie in {low} to {high}, expected 0 to {classNames.Count - 1}");
        }
        return faults;

        static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
    }

    private static string Describe(Tensor tensor) => $"{tensor.dtype} [{string.Join(",", tensor.shape)}]";
}
