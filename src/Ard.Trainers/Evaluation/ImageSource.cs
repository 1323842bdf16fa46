namespace Ard.Trainers.Evaluation;

/// <summary>The images of an evaluation, a batch at a time, mostly in order: a tensor, a data set, or what is read as it goes.</summary>
internal abstract class ImageSource
{
    private const int RowsOfPiece = 256;

    public abstract long Count { get; }
    public abstract Device Device { get; }

    /// <summary>Some of them [rows,...]: bytes, or floating point in [0,1].</summary>
    /// <param name="rows">Their numbers; none gives a tensor [0,...].</param>
    public abstract Tensor Rows(IReadOnlyList<long> rows);

    /// <summary>The digest of all of them as one tensor: of bytes, unless one of them has other values.</summary>
    public virtual string Digest() => Digest(null) ?? Digest(ScalarType.Float32)!;

    public static implicit operator ImageSource(Tensor images) =>
        new Indexed(images.shape[0], images.device, index => images.index_select(0, index));

    public static implicit operator ImageSource(ImageDataset data) => new Indexed(data.Count, data.Device, data.Rows);
    public ImageSource Part(IReadOnlyList<long> rows) => new PartSource(this, rows);

    /// <summary>All of them as one tensor of this dtype, on the CPU; bytes are divided by 255.</summary>
    public Tensor All(ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor? all = null;
        foreach (var rows in Pieces())
        {
            using var piece = ImageBatch.Convert(Rows(rows), type, CPU);
            all ??= empty([Count, .. piece.shape[1..]], type);
            if (rows.Length > 0) all.narrow(0, rows[0], rows.Length).copy_(piece);
        }
        return all!.MoveToOuterDisposeScope();
    }

    // Null where the first are bytes and others are not.
    private string? Digest(ScalarType? type)
    {
        using var scope = NewDisposeScope();
        var first = Rows(Pieces().First());
        var all = type ?? first.dtype;
        var differs = false;
        var digest = TensorDigest.Compute(all, [Count, .. first.shape[1..]], Pieces().TakeWhile(_ => !differs).Select(rows =>
        {
            var piece = Rows(rows);
            differs = piece.dtype != all && type is null;
            return piece.dtype == all ? piece : ImageBatch.Convert(piece, all, CPU);
        }));
        return differs ? null : digest;
    }

    // One, of no images, where there are none.
    private IEnumerable<long[]> Pieces() => PointNoise.Rows(Count).Chunk(RowsOfPiece).DefaultIfEmpty([]);

    private sealed class Indexed(long count, Device device, Func<Tensor, Tensor> select) : ImageSource
    {
        public override long Count => count;
        public override Device Device => device;

        public override Tensor Rows(IReadOnlyList<long> rows)
        {
            using var index = tensor(rows.ToArray(), dtype: ScalarType.Int64, device: device);
            return select(index);
        }
    }

    private sealed class PartSource(ImageSource whole, IReadOnlyList<long> part) : ImageSource
    {
        public override long Count => part.Count;
        public override Device Device => whole.Device;
        public override Tensor Rows(IReadOnlyList<long> rows) => whole.Rows([.. rows.Select(row => part[(int)row])]);
    }
}

/// <summary>Images and labels as a caller has them, a batch at a time as a network wants them.</summary>
internal static class ImageBatch
{
    /// <summary>Checks what an evaluation, the author of the message, is given.</summary>
    /// <exception cref="ArgumentException">Something is wrong; the message names every fault.</exception>
    public static void Check(string author, Tensor images, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        using var scope = NewDisposeScope();
        var faults = new List<string>();
        Attack.CheckData(images, labels, faults, ScalarType.Byte, ScalarType.Float32, ScalarType.Float64);
        if (faults.Count > 0) throw new ArgumentException($"{author}: {string.Join("; ", faults)}.");
    }

    /// <summary>Checks that a network's output is [count,classes], of two classes or more, and that all labels are among these.</summary>
    /// <exception cref="ArgumentException">The classes do not fit.</exception>
    /// <exception cref="InvalidOperationException">The output is not [count,classes].</exception>
    public static void CheckClasses(string author, Tensor logits, long count, Tensor labels)
    {
        if (logits.dim() != 2 || logits.shape[0] != count)
            throw new InvalidOperationException(
                $"The network's output has shape [{string.Join(",", logits.shape)}], expected [{count},classes].");
        var classes = logits.shape[1];
        if (classes < 2)
            throw new ArgumentException($"{author}: the network has {classes} output, expected one for each of two classes or more.");
        if (labels.numel() > 0 && labels.max().item<long>() is var largest && largest >= classes)
            throw new ArgumentException(
                $"{author}: labels go up to {largest}, the network has {classes} outputs (classes 0 to {classes - 1}).");
    }

    /// <summary>The dtype and the device of a network; of one without parameters float32 and the images' device.</summary>
    public static (ScalarType Type, Device Device) Home(Module<Tensor, Tensor> model, ImageSource images) =>
        model.parameters().FirstOrDefault() is { } parameter ? (parameter.dtype, parameter.device) : (ScalarType.Float32, images.Device);

    /// <summary>Images in another dtype and on another device; bytes are divided by 255.</summary>
    public static Tensor Convert(Tensor images, ScalarType type, Device device) =>
        images.dtype == ScalarType.Byte ? images.to(type, device).Div_(255) : images.to(type, device);
}
