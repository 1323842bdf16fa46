namespace Ard.Trainers.Training;

/// <summary>
/// The teacher's logits of every clean image in every variant that the augmentation makes of it, computed when the first are asked for, in
/// order and in batches of the training's size, so that an interruption changes nothing. They may differ in the last bits from those of the
/// image in another batch. Of several processes each computes some batches; a failure or a cancellation in one ends the work in all.
/// </summary>
internal sealed class TeacherLogitsCache(
    Module<Tensor, Tensor> teacher, TrainingImages images, int variants, int batchSize, ScalarType dtype, ProcessGroup group,
    CancellationToken cancellation) : IDisposable
{
    // [variants · images, classes]
    private Tensor? logits;

    /// <summary>The rule where the options leave it open: fewer variants of an image than epochs. All auxiliary images count.</summary>
    public static bool Pays(TrainingOptions options, TrainingImages images) => options.Mixing is null
        && options.Augmentation!.Variants * images.Count < options.Epochs!.Value * images.Epoch;

    /// <summary>Logits [N,classes] of the images of these numbers, int64 [N], and variants; null for the images as they are.</summary>
    public Tensor Find(Tensor numbers, Tensor? variant)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        logits ??= Compute();
        var row = numbers.to(logits.device);
        if (variant is not null) row = row.Plus(variant.to(logits.device).Times(images.Count));
        return logits.index_select(0, row).MoveToOuterDisposeScope();
    }

    public void Dispose() => logits?.Dispose();

    private Tensor Compute()
    {
        var all = group.Together(OwnPart);
        if (group.Any(all is null)) throw new OperationCanceledException(cancellation);
        group.Sum(all!);
        return all!.DetachFromDisposeScope();
    }

    // Zeros where another process computes; null where it was cancelled.
    private Tensor? OwnPart()
    {
        var parts = new List<Tensor>();
        for (var variant = 0; variant < variants; variant++)
        {
            for (long first = 0; first < images.Count; first += batchSize)
            {
                if (cancellation.IsCancellationRequested) return null;
                using var step = NewDisposeScope();
                var count = Math.Min(batchSize, images.Count - first);
                var numbers = Arange(count, ScalarType.Int64).Plus(first);
                var part = parts.Count % group.Size == group.Rank
                    ? teacher.call(Augmentation.Variant(images.Batch(numbers).Images, variant).to(dtype))
                    : zeros([count, images.Classes], dtype, images.Device);
                parts.Add(part.MoveToOuterDisposeScope());
            }
        }
        return cat(parts, 0);
    }
}
