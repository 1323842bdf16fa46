using Ard.Trainers.Data;
using Ard.Trainers.Tensors;

namespace Ard.Trainers.Evaluation;

/// <summary>
/// The images of an evaluation, which asks for a batch at a time, as a rule in their order: a tensor, a data set, or what is read
/// as it goes along.
/// </summary>
internal abstract class ImageSource
{
    private const int RowsOfPiece = 256;

    /// <summary>How many there are.</summary>
    public abstract long Count { get; }

    /// <summary>Where they are.</summary>
    public abstract Device Device { get; }

    /// <summary>Some of them [rows,...]: bytes, or floating point in [0,1].</summary>
    /// <param name="rows">Their numbers; none gives a tensor [0,...].</param>
    public abstract Tensor Rows(IReadOnlyList<long> rows);

    /// <summary>The digest of all of them as one tensor: of bytes, unless one of them has other values.</summary>
    public virtual string Digest() => Digest(null) ?? Digest(ScalarType.Float32)!;

    /// <summary>A tensor [N,...].</summary>
    public static implicit operator ImageSource(Tensor images) => new TensorSource(images);

    /// <summary>A data set.</summary>
    public static implicit operator ImageSource(ImageDataset data) => new DatasetSource(data);

    /// <summary>Some of them as a source of their own.</summary>
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

    private IEnumerable<long[]> Pieces()
    {
        long start = 0;
        do
        {
            yield return [.. Enumerable.Range(0, (int)Math.Min(RowsOfPiece, Count - start)).Select(i => start + i)];
        }
        while ((start += RowsOfPiece) < Count);
    }

    private sealed class TensorSource(Tensor images) : ImageSource
    {
        public override long Count => images.shape[0];

        public override Device Device => images.device;

        public override Tensor Rows(IReadOnlyList<long> rows)
        {
            using var index = tensor(rows.ToArray(), dtype: ScalarType.Int64, device: images.device);
            return images.index_select(0, index);
        }

        public override string Digest() => TensorDigest.Compute(images);
    }

    private sealed class DatasetSource(ImageDataset data) : ImageSource
    {
        public override long Count => data.Count;

        public override Device Device => data.Device;

        public override Tensor Rows(IReadOnlyList<long> rows)
        {
            using var index = tensor(rows.ToArray(), dtype: ScalarType.Int64);
            return data.Rows(index);
        }
    }

    private sealed class PartSource(ImageSource whole, IReadOnlyList<long> part) : ImageSource
    {
        public override long Count => part.Count;

        public override Device Device => whole.Device;

        public override Tensor Rows(IReadOnlyList<long> rows) => whole.Rows([.. rows.Select(row => part[(int)row])]);
    }
}
