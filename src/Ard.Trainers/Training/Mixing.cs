namespace Ard.Trainers.Training;

/// <summary>
/// Each image of a batch becomes a mixture with another one of it, and its label a mixture of the two labels
/// (<see cref="Objectives.TrainingBatch.SoftLabels"/>). A batch has one share of mixing, drawn from Beta(alpha, alpha), and one box, as in
/// the released codes. Attacks, cross-entropies and teachers meet the mixed images and labels (Rebuffi et al., NeurIPS 2021).
/// </summary>
public abstract record Mixing
{
    private protected Mixing() { }

    /// <summary>
    /// CutMix (Yun et al., ICCV 2019): a box of the other image is pasted, of the area 1 - lambda of the image and around any pixel,
    /// cut off at the border; the labels are mixed by the areas as they are.
    /// </summary>
    /// <param name="alpha">Positive. Default 1, as in the paper: all shares are alike likely; below, those near 0 and 1 more.</param>
    public static Mixing CutMix(double alpha = 1) => new CutMixing(alpha);

    /// <summary>MixUp (Zhang et al., ICLR 2018): lambda · image + (1 - lambda) · the other, and the labels likewise.</summary>
    /// <param name="alpha">As of <see cref="CutMix"/>. Default 1, as the paper has for CIFAR-10.</param>
    public static Mixing MixUp(double alpha = 1) => new MixUpMixing(alpha);

    private protected abstract double Concentration { get; }

    /// <summary>A new batch [N,C,H,W], and what its images are of, [N,classes] in their dtype, by a generator on the CPU.</summary>
    internal (Tensor Images, Tensor SoftLabels) Apply(Tensor images, Tensor labels, int classes, Generator generator)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var partner = randperm(images.shape[0], dtype: ScalarType.Int64, generator: generator).to(images.device);
        var (mixed, share) = Mix(images, images.index_select(0, partner), Share(generator), generator);
        var own = functional.one_hot(labels, classes).to(images.dtype);
        var soft = own.Times(share).Plus(own.index_select(0, partner).Times(1 - share));
        return (mixed.MoveToOuterDisposeScope(), soft.MoveToOuterDisposeScope());
    }

    /// <summary>lambda: the share of itself that an image is to keep.</summary>
    internal double Share(Generator generator)
    {
        using var scope = NewDisposeScope();
        var alpha = Full([1], Concentration, ScalarType.Float64);
        return distributions.Beta(alpha, alpha, generator).sample().item<double>();
    }

    /// <summary>The mixtures, and the share that each image did keep.</summary>
    internal abstract (Tensor Images, double Share) Mix(Tensor images, Tensor others, double share, Generator generator);
}

internal sealed record CutMixing([property: Range(0, double.MaxValue, MinimumIsExclusive = true)] double Alpha = 1) : Mixing
{
    private protected override double Concentration => Alpha;

    internal override (Tensor Images, double Share) Mix(Tensor images, Tensor others, double share, Generator generator) =>
        Paste(images, others, share, Draw(images.shape[2], generator), Draw(images.shape[3], generator));

    /// <summary>A box of the others around this pixel: each side, halved and rounded down twice, as in the released code.</summary>
    internal static (Tensor Images, double Share) Paste(Tensor images, Tensor others, double share, long row, long column)
    {
        var (height, width) = (images.shape[2], images.shape[3]);
        var (top, rows) = Side(height, row);
        var (left, columns) = Side(width, column);
        var mixed = images.clone();
        if (rows * columns > 0)
            mixed.narrow(2, top, rows).narrow(3, left, columns).copy_(others.narrow(2, top, rows).narrow(3, left, columns));
        return (mixed, 1 - (double)(rows * columns) / (height * width));

        (long From, long Count) Side(long size, long centre)
        {
            var half = (long)(size * Math.Sqrt(1 - share)) / 2;
            var from = Math.Max(0, centre - half);
            return (from, Math.Min(size, centre + half) - from);
        }
    }

    private static long Draw(long choices, Generator generator)
    {
        using var drawn = randint(0, choices, [1], dtype: ScalarType.Int64, generator: generator);
        return drawn.item<long>();
    }
}

internal sealed record MixUpMixing([property: Range(0, double.MaxValue, MinimumIsExclusive = true)] double Alpha = 1) : Mixing
{
    private protected override double Concentration => Alpha;

    internal override (Tensor Images, double Share) Mix(Tensor images, Tensor others, double share, Generator generator) =>
        (images.Times(share).Plus(others.Times(1 - share)), share);
}
