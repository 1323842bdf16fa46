namespace Ard.Trainers.Training;

/// <summary>The images that batches are taken from, numbered: the training images, and behind them the auxiliary ones, if any.</summary>
internal sealed class TrainingImages(ImageDataset data, ImageDataset? auxiliary = null, double share = 0) : IDisposable
{
    public long Count => data.Count + (auxiliary?.Count ?? 0);

    /// <summary>How many an epoch takes: as many as there are training images.</summary>
    public long Epoch => data.Count;

    /// <summary>Those behind the training images; null for none.</summary>
    public ImageDataset? Auxiliary => auxiliary;

    /// <summary>Labels of the auxiliary images, int64, in place of their own; null for their own. They are freed with this.</summary>
    public Tensor? AuxiliaryLabels { get; set; }

    public int Classes => data.Classes;
    public Device Device => data.Device;

    /// <summary>The numbers of a batch, int64 [N], by its places in the epoch; drawn auxiliary images stand for the last ones.</summary>
    public Tensor Draw(Tensor places, Generator generator)
    {
        var count = (long)Math.Round(share * places.shape[0]);
        if (auxiliary is null || count == 0) return places;
        var drawn = randint(0, auxiliary.Count, [count], dtype: ScalarType.Int64, generator: generator).Plus(data.Count);
        return cat([places.narrow(0, 0, places.shape[0] - count), drawn]);
    }

    /// <summary>As <see cref="ImageDataset.Batch(Tensor)"/>, by numbers on the CPU, those of training images first.</summary>
    public (Tensor Images, Tensor Labels) Batch(Tensor numbers)
    {
        if (auxiliary is null) return data.Batch(numbers);
        using var scope = NewDisposeScope();
        var own = numbers.Lt(data.Count).sum().item<long>();
        var rest = numbers.shape[0] - own;
        if (rest == 0) return Moved(data.Batch(numbers));
        var others = numbers.narrow(0, own, rest).Minus(data.Count);
        var (images, classes) = auxiliary.Batch(others);
        if (AuxiliaryLabels is { } labels) classes = labels.index_select(0, others.to(labels.device));
        if (own == 0) return Moved((images, classes));
        var first = data.Batch(numbers.narrow(0, 0, own));
        return Moved((cat([first.Images, images]), cat([first.Labels, classes])));

        static (Tensor, Tensor) Moved((Tensor Images, Tensor Labels) batch) =>
            (batch.Images.MoveToOuterDisposeScope(), batch.Labels.MoveToOuterDisposeScope());
    }

    public void Dispose() => AuxiliaryLabels?.Dispose();
}
