namespace Ard.Trainers.Training;

/// <summary>
/// RandAugment (Cubuk et al., NeurIPS 2020): to each image a few operations, drawn from fourteen with the same probability, all of one
/// magnitude and each in a direction that is drawn too. The operations and their ranges are torchvision's: identity, automatic contrast,
/// equalising, rotation, solarising, colour, posterising, contrast, brightness, sharpness, shear and translation both ways. What comes from
/// outside of an image is black. For images of one or three channels.
/// </summary>
public sealed record RandAugment
{
    /// <summary>N, operations an image. Default 2, as in torchvision; the paper has 3 for WideResNet-28-10 on CIFAR-10.</summary>
    [Range(1, 100)]
    public int Operations { get; init; } = 2;

    /// <summary>M, how strong they are, of 30. Default 9, as in torchvision; the paper counts to 10 and has 5 there.</summary>
    [Range(0, ImageOperations.Strongest)]
    public int Magnitude { get; init; } = 9;

    /// <summary>Of a process's share of a batch, float [N,C,H,W] in [0,1]; drawn is for the whole batch, on the CPU.</summary>
    internal Tensor Apply(Tensor images, Generator generator, BatchShare share)
    {
        for (var n = 0; n < Operations; n++)
        {
            var chosen = Draw(ImageOperations.All.Count);
            var direction = Draw(2);
            foreach (var (number, operation) in ImageOperations.All.Index())
            {
                long[] rows = [.. chosen.Index().Where(each => each.Item == number).Select(each => (long)each.Index)];
                if (rows.Length == 0) continue;
                var sign = tensor([.. rows.Select(row => 2.0 * direction[row] - 1)], images.dtype, images.device);
                var places = tensor(rows, device: images.device);
                images = images.index_copy(0, places, operation.Apply(images.index_select(0, places), Magnitude, sign));
            }
        }
        return images;

        // On the CPU, so that no step waits for a GPU.
        long[] Draw(long choices) =>
            [.. share.Select(randint(0, choices, [share.Count], dtype: ScalarType.Int64, generator: generator)).data<long>()];
    }

    /// <summary>For people, such as <c>randaugment 2x9</c>.</summary>
    public override string ToString() => $"randaugment {Operations}x{Magnitude}";
}
