using Ard.Trainers.Data;
using Ard.Trainers.Distributed;

namespace Ard.Trainers.Training;

/// <summary>What a teacher sees in auxiliary images: labels (Carmon et al., NeurIPS 2019), or how noisy their own are.</summary>
internal static class TeacherLabels
{
    // The deviation of a share of so many is at most half a percent.
    private const long Most = 10_000;

    /// <summary>
    /// Asks a teacher in eval mode, of several processes each for its part: of all images, whose int64 labels come back in no dispose
    /// scope, or else of some of them, for how its answers compare with the labels that the images have.
    /// </summary>
    public static (Tensor? Labels, LabelNoise Noise) Find(
        Module<Tensor, Tensor> teacher, ImageDataset images, bool all, int batchSize, ScalarType dtype, ProcessGroup group,
        CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var count = all ? images.Count : Math.Min(Most, images.Count);
        using var part = all ? null : images.Subset(Arange(count, ScalarType.Int64).Times(images.Count).Over(count, RoundingMode.floor));
        var some = part ?? images;
        using var answers = new TeacherLogitsCache(teacher, new(some), variants: 1, batchSize, dtype, group, cancellation);
        var (confidence, labels) = answers.Find(Arange(count, ScalarType.Int64), null).softmax(1).max(1);
        double? disagreement = some.IsLabelled
            ? labels.ne(some.Labels.to(labels.device)).to(ScalarType.Float64).mean().item<double>()
            : null;
        var noise = new LabelNoise(count, disagreement, confidence.to(ScalarType.Float64).mean().item<double>());
        return (all ? labels.DetachFromDisposeScope() : null, noise);
    }
}
