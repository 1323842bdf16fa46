namespace Ard.Trainers.Training;

/// <summary>
/// What happens to a batch of images before training sees it: each is padded with zeros, cropped back to its size at a random place and
/// mirrored with probability one half, as one indexing operation over the whole batch; then a square of it may be blackened.
/// </summary>
/// <param name="Padding">Pixels of zeros on each side; 0 to 1024, smaller than the images.</param>
/// <param name="Flip">Whether half of the images, drawn by chance, are mirrored left to right.</param>
public sealed record Augmentation([property: Range(0, 1024)] int Padding, bool Flip)
{
    /// <summary>
    /// The side of the square that is set to 0 (Cutout, DeVries and Taylor 2017), one an image: its centre is any pixel with the same
    /// probability, so that at the border a part of it falls outside. Default 0, none; the paper has 16 for CIFAR-10 and 8 for CIFAR-100.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int Cutout { get; init; }

    /// <summary>Operations drawn for each image between flip and Cutout. Default null: none.</summary>
    public RandAugment? RandAugment { get; init; }

    /// <summary>Images as they are.</summary>
    public static Augmentation None { get; } = new(0, false);

    /// <summary>Random crop with padding 4 and horizontal flip: what ARD and its successors use on CIFAR-10.</summary>
    public static Augmentation CropAndFlip { get; } = new(4, true);

    /// <summary>
    /// What is usual: random crop with an eighth of the shorter side as padding (at 32x32 4, as <see cref="CropAndFlip"/>; at 8x8 4 would
    /// be too far), and flip for three channels only: images of one are mostly characters and signs, which mirrored are others.
    /// </summary>
    public static Augmentation For(int channels, int height, int width) => new(Math.Min(height, width) / 8, channels == 3);

    /// <summary>A new batch [N,C,H,W] of the same dtype and device.</summary>
    /// <param name="images">[N,C,H,W].</param>
    /// <param name="generator">Where the chances come from, on the CPU.</param>
    public Tensor Apply(Tensor images, Generator generator) =>
        ApplyDrawn(images, generator, new(ProcessGroup.Alone, images.shape[0])).Images;

    /// <summary>How many images this can make of one, where that are few; null where they are many.</summary>
    internal int? Variants => Padding != 0 || Cutout != 0 || RandAugment is not null ? null : Flip ? 2 : 1;

    /// <summary>One of the <see cref="Variants"/> of every image, from 0: as it is, mirrored.</summary>
    internal static Tensor Variant(Tensor images, int variant) => variant == 0 ? images : images.flip(3);

    /// <summary>
    /// As <see cref="Apply"/> to the images that are a process's share of a batch, with the number of each image's variant, int64 [N]; null
    /// where nothing is mirrored. Drawn is for the whole batch.
    /// </summary>
    internal (Tensor Images, Tensor? Variants) ApplyDrawn(Tensor images, Generator generator, BatchShare share)
    {
        if (this == None) return (images.clone(), null);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (count, channels, height, width) = (images.shape[0], images.shape[1], images.shape[2], images.shape[3]);
        var paddedWidth = width + 2 * Padding;
        var padded = Padding == 0 ? images : functional.pad(images, [Padding, Padding, Padding, Padding]);

        var top = Draw(2 * Padding + 1);
        var left = Draw(2 * Padding + 1);
        var column = Arange(width, dtype: ScalarType.Int64, device: images.device).view(1, 1, 1, width);
        Tensor? mirrored = null;
        if (Flip)
        {
            // width - 1 - column where mirrored: column · (1 - 2m) + (width - 1) · m.
            mirrored = Draw(2);
            column = (column * 1.Minus(mirrored.Times(2))).Plus(mirrored.Times(width - 1));
        }
        var row = Arange(height, dtype: ScalarType.Int64, device: images.device).view(1, 1, height, 1);
        // The same places for all channels of an image.
        var places = row.Plus(top).Times(paddedWidth).Plus(column.Plus(left)).view(count, 1, height * width)
            .expand(count, channels, height * width);
        var result = padded.flatten(2).gather(2, places).view(images.shape);
        if (RandAugment is not null) result = RandAugment.Apply(result, generator, share);
        if (Cutout > 0)
        {
            row = row - Draw(height).Minus(Cutout / 2);
            column = Arange(width, dtype: ScalarType.Int64, device: images.device).view(1, 1, 1, width) - Draw(width).Minus(Cutout / 2);
            result = result.MaskedFill(Inside(row).logical_and(Inside(column)), 0);
        }
        return (result.MoveToOuterDisposeScope(), mirrored?.view(count).MoveToOuterDisposeScope());

        Tensor Inside(Tensor offset) => offset.Ge(0).logical_and(offset.Lt(Cutout));

        Tensor Draw(long choices) => share.Select(randint(0, choices, [share.Count], dtype: ScalarType.Int64, generator: generator))
            .to(images.device).view(count, 1, 1, 1);
    }

    /// <summary>For people, such as <c>crop 4 + flip</c>.</summary>
    public override string ToString() => this == None ? "none"
        : $"crop {Padding}{(Flip ? " + flip" : "")}{(RandAugment is null ? "" : $" + {RandAugment}")}"
            + (Cutout > 0 ? $" + cutout {Cutout}" : "");
}
