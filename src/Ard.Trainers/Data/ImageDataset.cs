namespace Ard.Trainers.Data;

/// <summary>
/// Labelled images: in memory, or mapped from a file and then in memory only as far as the system has room. Bytes stay bytes (a quarter of
/// the memory of floats) until a batch asks for [0,1]. Disposing of the data set frees its tensors.
/// </summary>
public sealed class ImageDataset : IDisposable
{
    private const int RowsOfPiece = 1024;
    private readonly Lock gathering = new();
    private readonly Device? device;
    private MappedFile? file;
    private Tensor stored;
    // int64 [N]: which of the stored images are those of this set; null for all.
    private Tensor? rows;

    /// <summary>Takes over two tensors and checks them.</summary>
    /// <param name="images">[N,C,H,W], uint8 (0 to 255) or float32 in [0,1], N at least 1.</param>
    /// <param name="labels">[N], int64, from 0 to one less than the number of names.</param>
    /// <param name="classNames">One name a class.</param>
    /// <exception cref="ArgumentException">A tensor is not of this kind; the message holds all faults.</exception>
    public ImageDataset(Tensor images, Tensor labels, IReadOnlyList<string> classNames)
        : this(Checked(images, labels, classNames), labels, [.. classNames], null)
    {
    }

    // The same unchecked. The rows, int64 [N], are those of the stored images that belong to the set. Batches are on the device, or where
    // the images are: in memory, or mapped from the file.
    internal ImageDataset(
        Tensor stored, Tensor labels, IReadOnlyList<string> classNames, MappedFile? file, Tensor? rows = null, Device? device = null)
    {
        // The set lives as long as its owner wants, not as long as the scope in which it happens to be made.
        (this.stored, Labels, ClassNames) = (stored.DetachFromDisposeScope(), labels.DetachFromDisposeScope(), classNames);
        (this.file, this.rows, this.device) = (file, rows?.DetachFromDisposeScope(), device);
    }

    /// <summary>
    /// [N,C,H,W], uint8 (0 to 255) or float32 in [0,1]. The tensor of a data set from a file is mapped, and must not be written to. A part
    /// that <see cref="Split"/> made copies its images when they are first asked for, to where the whole is (memory, or a temporary file);
    /// batches need no copy.
    /// </summary>
    public Tensor Images
    {
        get
        {
            lock (gathering)
            {
                if (rows is not null) Gather();
                return stored;
            }
        }
    }

    /// <summary>[N], int64.</summary>
    public Tensor Labels { get; }

    /// <summary>One name a class, in the order of the labels.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Number of images.</summary>
    public long Count => Labels.shape[0];

    internal int Classes => ClassNames.Count;

    /// <summary>Channels of the images.</summary>
    public int Channels => (int)stored.shape[1];

    /// <summary>Rows of the images.</summary>
    public int Height => (int)stored.shape[2];

    /// <summary>Columns of the images.</summary>
    public int Width => (int)stored.shape[3];

    /// <summary>Whether there are labels. A set without, which <see cref="Npy.Load"/> may give, has -1 in their place.</summary>
    internal bool IsLabelled => Labels[0].item<long>() >= 0;

    internal long[] Shape => [Count, .. stored.shape[1..]];
    internal long ElementBytes => stored.element_size();
    internal Device Device => device ?? stored.device;

    /// <summary>The path of the file that the images are mapped from; null where they are in memory.</summary>
    internal string? MappedFrom => file?.Path;

    /// <summary>The class names of Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017).</summary>
    public static IReadOnlyList<string> FashionMnistClasses { get; } =
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

    /// <summary>Reads what <paramref name="path"/> is:
    /// <list type="bullet">
    /// <item>A folder with the IDX files of MNIST or its relatives, train-images-idx3-ubyte, train-labels-idx1-ubyte and t10k-…, plain or
    /// with .gz.</item>
    /// <item>NumPy's arrays: a .npz, a folder of .npy, or a .npy of images with labels.npy beside it. Among the arrays with train in their
    /// names (test for the test split) the one of three or four dimensions holds the images, [N,H,W], [N,H,W,C] or [N,C,H,W] with 1 or 3
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
        var given = classNames;
        classes ??= classNames?.Count;
        classNames ??= classes is { } number ? Idx.Numbers(number) : null;
        if (Idx.IsFolder(path)) return Idx.LoadFolder(path, split, classNames);
        if (Npy.Is(path)) return Npy.Load(path, split, classNames);
        if (!Cifar.Is(path))
            throw new DataFileException(path, 0, $"{Idx.Description}, {Npy.Description}, or {Cifar.Description}",
                Directory.Exists(path) ? "a folder without them (folders of photographs are for LoadImageFolder, in ML.NET)"
                    : File.Exists(path) ? "another file" : "nothing");
        var cifar = Cifar.Load(path, split);
        if (classes is not null && classes != cifar.Classes)
            using (cifar) throw new DataFileException(path, 0, $"{classes} classes", $"CIFAR-{cifar.Classes}");
        if (given is null) return cifar;
        using (cifar) return cifar.Named(given, cifar.Labels.alias());
    }

    /// <summary>A data set that <see cref="Save"/> wrote, mapped from its file: images are read as they are asked for.</summary>
    /// <param name="path">The file. It is read once and checked whole, digest included. Nothing may change it as long as the data set is
    /// used; it has to be one that may be written to, though nothing is written.</param>
    /// <exception cref="DataFileException">It is missing, not such a file, or damaged, or has no labels.</exception>
    public static ImageDataset Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return ImageFile.Open(path);
    }

    /// <summary>Writes images, labels and class names to a file for <see cref="Open"/>, which appears whole or not at all.</summary>
    /// <param name="path">The file to create or to replace. It takes the bytes of the images and some more.</param>
    public void Save(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        using var scope = NewDisposeScope();
        Write(path).Dispose();
    }

    /// <summary>A batch: the images of these numbers as float32 in [0,1], and their labels, new tensors on the set's device.</summary>
    /// <param name="indices">[B], int64, each from 0 to <see cref="Count"/> - 1, on any device.</param>
    public (Tensor Images, Tensor Labels) Batch(Tensor indices)
    {
        using var scope = NewDisposeScope();
        var (images, labels) = Stored(indices);
        if (images.dtype == ScalarType.Byte) images = images.to(ScalarType.Float32).Div_(255f);
        return (images.MoveToOuterDisposeScope(), labels.MoveToOuterDisposeScope());
    }

    /// <summary>The batch of <paramref name="count"/> images from <paramref name="start"/> on; see <see cref="Batch(Tensor)"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the data set.</exception>
    public (Tensor Images, Tensor Labels) Batch(long start, long count)
    {
        if (start < 0 || count < 1 || start > Count - count)
            throw new ArgumentOutOfRangeException(nameof(start), $"Images {start} to {start + count - 1} of {Count}.");
        using var indices = Range(start, count);
        return Batch(indices);
    }

    /// <summary>A new data set of the images of these numbers, in this order, in memory.</summary>
    /// <param name="indices">[M], int64, M at least 1, each from 0 to <see cref="Count"/> - 1.</param>
    internal ImageDataset Subset(Tensor indices)
    {
        if (indices.dtype != ScalarType.Int64 || indices.dim() != 1 || indices.shape[0] < 1)
            throw new ArgumentException($"Subset: expected indices int64 [M], M at least 1, found {Describe(indices)}.", nameof(indices));
        using var scope = NewDisposeScope();
        var (images, labels) = Stored(indices);
        return new ImageDataset(images, labels, ClassNames, null);
    }

    /// <summary>A new data set of the first <paramref name="count"/> images, in memory; all of them if there are no more.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is not positive.</exception>
    public ImageDataset Take(long count)
    {
        if (count < 1) throw new ArgumentOutOfRangeException(nameof(count), count, "Take: expected a positive number of images.");
        using var indices = Range(0, Math.Min(count, Count));
        return Subset(indices);
    }

    /// <summary>
    /// Two new data sets without a common image: <paramref name="count"/> images, such as a validation set, drawn by a generator of its own
    /// from <paramref name="seed"/>, and the rest. Both keep the order of this one, and share its memory or file.
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
        return (Part(tensor(order[(int)count..])), Part(tensor(order[..(int)count])));
    }

    /// <summary>A new data set, the same on another device. If it is mapped from a file, only its batches are on that device.</summary>
    internal ImageDataset To(Device device)
    {
        using var scope = NewDisposeScope();
        if (file is not null) return new ImageDataset(stored.alias(), Labels.clone(), ClassNames, file.Again(), rows?.alias(), device);
        var images = rows is null ? stored : stored.index_select(0, rows);
        return new ImageDataset(images.to(device, copy: rows is null), Labels.to(device, copy: true), ClassNames, null);
    }

    /// <summary>For people, such as <c>50000 images 3x32x32 of 10 classes</c>.</summary>
    public override string ToString() => $"{Count} images {Channels}x{Height}x{Width} of {Classes} classes";

    /// <summary>The same images with labels by other names, where those of this set are among them, else as they are.</summary>
    internal ImageDataset Relabelled(IReadOnlyList<string> names)
    {
        using var scope = NewDisposeScope();
        return Named(names, IsLabelled && PlacesAmong(names) is { } places
            ? tensor(places, device: Labels.device).index_select(0, Labels) : Labels.alias());
    }

    private ImageDataset Named(IReadOnlyList<string> names, Tensor labels) =>
        new(stored.alias(), labels, names, file?.Again(), rows?.alias(), device);

    /// <summary>So many images, drawn by a seed of its own, in their order: equal distances may meet the order of the labels.</summary>
    internal ImageDataset Sample(long count)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(0, CPU);
        return Subset(randperm(Count, dtype: ScalarType.Int64, generator: generator).narrow(0, 0, count).sort().Values);
    }

    /// <summary>Where the names of the classes are among other names; null where one is not there.</summary>
    internal long[]? PlacesAmong(IReadOnlyList<string> names)
    {
        long[] places = [.. ClassNames.Select(name => (long)names.ToList().IndexOf(name))];
        return places.Distinct().Count() == places.Length && !places.Contains(-1) ? places : null;
    }

    /// <summary>Frees the tensors; the last of those that share a temporary file deletes it.</summary>
    public void Dispose()
    {
        stored.Dispose();
        rows?.Dispose();
        Labels.Dispose();
        file?.Dispose();
    }

    /// <summary>The digest of the images, by which a checkpoint knows them; the same from memory and from a file.</summary>
    internal string PixelDigest() => TensorDigest.Compute(Images, file is null ? null : bytes => file.Touched(bytes));

    /// <summary>The images of these numbers, int64 [M], as they are stored: uint8 or float32 in [0,1].</summary>
    internal Tensor Rows(Tensor indices)
    {
        using var scope = NewDisposeScope();
        return Stored(indices).Images.MoveToOuterDisposeScope();
    }

    // As they are stored, on the device of batches.
    private (Tensor Images, Tensor Labels) Stored(Tensor indices)
    {
        indices = indices.to(Labels.device);
        var places = (rows is null ? indices : rows.index_select(0, indices)).to(stored.device);
        var images = stored.index_select(0, places);
        file?.Touched(images.numel() * images.element_size(), images.shape[0]);
        // Bytes, of which there are fewest, go to the device.
        return (images.to(Device), Labels.index_select(0, indices).to(Device));
    }

    // These of the images, where they are.
    private ImageDataset Part(Tensor indices)
    {
        indices = indices.to(Labels.device);
        var places = rows is null ? indices : rows.index_select(0, indices);
        return new ImageDataset(stored.alias(), Labels.index_select(0, indices), ClassNames, file?.Again(), places, device);
    }

    // Makes of a part a set of its own.
    private void Gather()
    {
        using var scope = NewDisposeScope();
        var (whole, places, old) = (stored, rows!, file);
        if (old is null) stored = whole.index_select(0, places.to(whole.device)).DetachFromDisposeScope();
        else
        {
            var written = Write(null);
            (stored, file) = (written.stored, written.file);
            written.Labels.Dispose();
        }
        rows = null;
        whole.Dispose();
        places.Dispose();
        old?.Dispose();
    }

    private ImageDataset Write(string? path)
    {
        using var writer = new ImageFile.Writer(path, stored.dtype, (Channels, Height, Width), ClassNames);
        for (long start = 0; start < Count; start += RowsOfPiece)
        {
            using var scope = NewDisposeScope();
            var indices = Range(start, Math.Min(RowsOfPiece, Count - start));
            var images = stored.index_select(0, (rows is null ? indices : rows.index_select(0, indices)).to(stored.device)).cpu();
            file?.Touched(images.numel() * images.element_size(), images.shape[0]);
            foreach (var piece in TensorBytes.Chunks(images))
                using (piece) writer.Write(piece.bytes);
        }
        return writer.Finish(Labels.cpu().clone());
    }

    private Tensor Range(long start, long count)
    {
        using var scope = NewDisposeScope();
        return Arange(count, dtype: ScalarType.Int64, device: Labels.device).Plus(start).MoveToOuterDisposeScope();
    }

    private static Tensor Checked(Tensor images, Tensor labels, IReadOnlyList<string> classNames)
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
            if (!(low >= 0 && high <= 1)) faults.Add(FormattableString.Invariant($"images lie in [{low},{high}], expected [0,1]"));
        }
        if (labelsFit)
        {
            var (low, high) = (labels.min().item<long>(), labels.max().item<long>());
            if (low < 0 || high >= classNames.Count) faults.Add($"labels lie in {low} to {high}, expected 0 to {classNames.Count - 1}");
        }
        return faults.Count == 0 ? images : throw new ArgumentException($"Image data set: {string.Join("; ", faults)}.");
    }

    private static string Describe(Tensor tensor) => $"{tensor.dtype} [{string.Join(",", tensor.shape)}]";
}
