using Ard.Trainers.Data;
using Ard.Trainers.Distributed;

namespace Ard.Trainers.Training;

/// <summary>
/// What a teacher sees in auxiliary images: their labels (Carmon et al., NeurIPS 2019), or how noisy those that they have are.
/// </summary>
internal static class TeacherLabels
{
    // The deviation of a share of so many is at most half a percent.
    private const long Most = 10_000;

    /// <summary>Asks the teacher, of several processes each for its part.</summary>
    /// <param name="teacher">The teacher, in eval mode.</param>
    /// <param name="images">The images.</param>
    /// <param name="all">Whether labels are wanted for all of them; else a part is looked at.</param>
    /// <param name="batchSize">Images at a time.</param>
    /// <param name="dtype">That of the networks.</param>
    /// <param name="group">The processes.</param>
    /// <param name="cancellation">Looked at before each batch.</param>
    /// <returns>
    /// int64 labels of all where they are wanted, in no dispose scope; and how they compare with those that the images have.
    /// </returns>
    public static (Tensor? Labels, LabelNoise Noise) Find(
        Module<Tensor, Tensor> teacher, ImageDataset images, bool all, int batchSize, ScalarType dtype, ProcessGroup group,
        CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var count = all ? images.Count : Math.Min(Most, images.Count);
        using var part = all ? null : images.Subset(tensor([.. Rows(images.Count, count)], dtype: ScalarType.Int64));
        var some = part ?? images;
        using var answers = new TeacherLogitsCache(teacher, new(some), variants: 1, batchSize, dtype, group, cancellation);
        var (confidence, labels) = answers.Find(Arange(count, ScalarType.Int64), null).softmax(1).max(1);
        double? disagreement = some.IsLabelled
            ? labels.ne(some.Labels.to(labels.device)).to(ScalarType.Float64).mean().item<double>()
            : null;
        var noise = new LabelNoise(count, disagreement, confidence.to(ScalarType.Float64).mean().item<double>());
        return (all ? labels.DetachFromDisposeScope() : null, noise);
    }

    private static IEnumerable<long> Rows(long all, long count)
    {
        for (long row = 0; row < count; row++) yield return row * all / count;
    }
}
