namespace Ard.Trainers.Training;

/// <summary>
/// The operations of RandAugment, with torchvision's ranges: on float images [N,C,H,W] in [0,1], by a magnitude from 0 to the strongest
/// and, where there are two, the direction of each image, [N] of 1 and -1.
/// </summary>
internal static class ImageOperations
{
    public const int Strongest = 30;

    // The highest value of a byte.
    private const long White = 255;

    public static IReadOnlyList<(string Name, Func<Tensor, int, Tensor, Tensor> Apply)> All { get; } =
    [
        ("identity", (images, _, _) => images),
        ("autocontrast", (images, _, _) => AutoContrast(images)),
        ("equalize", (images, _, _) => Equalize(images)),
        ("rotate", (images, magnitude, sign) => Rotate(images, sign.Times(Of(magnitude, Math.PI / 6)))),
        ("solarize", (images, magnitude, _) => where(images.Ge(1 - Of(magnitude, 1)), 1.Minus(images), images)),
        ("colour", (images, magnitude, sign) => Blend(images, Gray(images), magnitude, sign)),
        ("posterize", (images, magnitude, _) => Posterize(images, 8 - (int)Math.Round(Of(magnitude, 4)))),
        ("contrast", (images, magnitude, sign) => Blend(images, Gray(images).mean([1, 2, 3], keepdim: true), magnitude, sign)),
        ("brightness", (images, magnitude, sign) => Blend(images, zeros_like(images), magnitude, sign)),
        ("sharpness", (images, magnitude, sign) => Blend(images, Smooth(images), magnitude, sign)),
        ("shear-x", (images, magnitude, sign) => Shear(images, sign.Times(Of(magnitude, 0.3)), zeros_like(sign))),
        ("shear-y", (images, magnitude, sign) => Shear(images, zeros_like(sign), sign.Times(Of(magnitude, 0.3)))),
        ("translate-x", (images, magnitude, sign) => Translate(images, sign.Times(Pixels(magnitude, images.shape[3])), zeros_like(sign))),
        ("translate-y", (images, magnitude, sign) => Translate(images, zeros_like(sign), sign.Times(Pixels(magnitude, images.shape[2])))),
    ];

    private static double Of(int magnitude, double most) => most * magnitude / Strongest;

    // Whole pixels, at the strongest 150 of 331.
    private static double Pixels(int magnitude, long size) => Math.Floor(Of(magnitude, 150.0 / 331 * size));

    // Away from the other image by up to 90 %, or towards it.
    private static Tensor Blend(Tensor images, Tensor others, int magnitude, Tensor sign)
    {
        var factor = sign.Times(Of(magnitude, 0.9)).Plus(1).view(-1, 1, 1, 1);
        return (images * factor).Plus(others * 1.Minus(factor)).Clamp(0, 1);
    }

    // The weights of ITU-R 601-2, as torchvision rounds them.
    private static Tensor Gray(Tensor images) => images.shape[1] == 1 ? images
        : images.narrow(1, 0, 1).Times(0.2989).Plus(images.narrow(1, 1, 1).Times(0.587)).Plus(images.narrow(1, 2, 1).Times(0.114));

    // Each pixel with its neighbours, 5 of 13 its own; those at the border stay.
    private static Tensor Smooth(Tensor images)
    {
        var (channels, height, width) = (images.shape[1], images.shape[2], images.shape[3]);
        if (height <= 2 || width <= 2) return images;
        var kernel = tensor([1.0, 1, 1, 1, 5, 1, 1, 1, 1], images.dtype, images.device).Div_(13).view(1, 1, 3, 3).expand(channels, 1, 3, 3);
        var smooth = images.clone();
        smooth.narrow(2, 1, height - 2).narrow(3, 1, width - 2).copy_(functional.conv2d(images, kernel, groups: channels));
        return smooth;
    }

    // Each channel from 0 to 1; one of a single value stays.
    private static Tensor AutoContrast(Tensor images)
    {
        var (low, high) = (images.amin([2, 3], keepdim: true), images.amax([2, 3], keepdim: true));
        var range = high - low;
        return where(range.Gt(0), ((images - low) / range).Clamp(0, 1), images);
    }

    private static Tensor Bytes(Tensor images) => images.Times(White).round();

    private static Tensor Posterize(Tensor images, int bits)
    {
        var step = 1 << (8 - bits);
        return Bytes(images).Over(step, RoundingMode.floor).Times(step / (double)White);
    }

    // The values of each channel spread so that all are alike frequent, on 256 levels.
    private static Tensor Equalize(Tensor images)
    {
        var (count, channels, pixels) = (images.shape[0], images.shape[1], images.shape[2] * images.shape[3]);
        var levels = Bytes(images).to(ScalarType.Int64).view(count * channels, pixels);
        var frequencies = zeros([count * channels, 256], ScalarType.Int64, images.device).scatter_add_(1, levels, ones_like(levels));
        var highest = frequencies.gather(1, levels.amax([1], keepdim: true));
        var step = highest.negative().Plus(pixels).Over(White, RoundingMode.floor);
        var below = frequencies.cumsum(1).roll(1, 1);
        below.narrow(1, 0, 1).zero_();
        // Where there are too few other pixels, the channel stays.
        var table = below.Plus(step.Over(2, RoundingMode.floor)).div(step.ClampMin(1), RoundingMode.floor).Clamp(0, White);
        var equal = table.gather(1, levels).to(images.dtype).Over(White).view(images.shape);
        return where(step.Eq(0).view(count, channels, 1, 1), images, equal);
    }

    private static Tensor Rotate(Tensor images, Tensor angle)
    {
        var (cos, sin, none) = (angle.cos(), angle.sin(), zeros_like(angle));
        return Affine(images, cos, sin.negative(), none, sin, cos, none);
    }

    // About the upper left corner.
    private static Tensor Shear(Tensor images, Tensor x, Tensor y)
    {
        var one = ones_like(x);
        return Affine(images, one, x, x.Times(images.shape[2] / 2.0), y, one, y.Times(images.shape[3] / 2.0));
    }

    private static Tensor Translate(Tensor images, Tensor x, Tensor y)
    {
        var (one, none) = (ones_like(x), zeros_like(x));
        return Affine(images, one, none, x.negative(), none, one, y.negative());
    }

    // The pixel at (x, y) from the middle is that at (xx · x + xy · y + x0, yx · x + yy · y + y0), the nearest one; black outside.
    private static Tensor Affine(Tensor images, Tensor xx, Tensor xy, Tensor x0, Tensor yx, Tensor yy, Tensor y0)
    {
        double height = images.shape[2], width = images.shape[3];
        // affine_grid counts in halves of the image.
        Tensor[] rows =
        [
            xx, xy.Times(height / width), x0.Times(2 / width),
            yx.Times(width / height), yy, y0.Times(2 / height),
        ];
        var grid = functional.affine_grid(stack(rows, 1).view(-1, 2, 3), images.shape, align_corners: false);
        return functional.grid_sample(images, grid, GridSampleMode.Nearest, GridSamplePaddingMode.Zeros, align_corners: false);
    }
}
