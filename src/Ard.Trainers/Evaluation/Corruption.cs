using static System.Math;

namespace Ard.Trainers.Evaluation;

/// <summary>
/// What happens to photographs without an adversary: the fifteen corruptions of Hendrycks and Dietterich (Benchmarking Neural Network
/// Robustness to Common Corruptions and Perturbations, ICLR 2019), each at five severities with the settings of CIFAR-10-C.
/// </summary>
/// <remarks>
/// The corruptions are made here and not read from the published files, so figures differ a little: by random numbers, by rounding, and for
/// <c>frost</c>, which lays photographs of ice over an image, by a fractal texture in their place. The settings are in pixels of images of
/// 32 by 32, as in CIFAR-10-C, but for <c>elastic_transform</c>, which goes by the size.
/// </remarks>
public static class Corruption
{
    internal const int Severities = 5;

    private delegate Tensor Change(Tensor images, int severity, Noise noise);

    private static readonly (string Name, Change Change)[] All =
    [
        ("gaussian_noise", GaussianNoise), ("shot_noise", ShotNoise), ("impulse_noise", ImpulseNoise), ("defocus_blur", DefocusBlur),
        ("glass_blur", GlassBlur), ("motion_blur", MotionBlur), ("zoom_blur", ZoomBlur), ("snow", Snow), ("frost", Frost), ("fog", Fog),
        ("brightness", Brightness), ("contrast", Contrast), ("elastic_transform", Elastic), ("pixelate", Pixelate),
        ("jpeg_compression", (images, severity, _) => JpegLoss.Apply(images, Pick(severity, 80, 65, 58, 50, 40))),
    ];

    /// <summary>Their names, as CIFAR-10-C names its files: <c>gaussian_noise</c> and so on.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(each => each.Name)];

    /// <summary>Corrupts images.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="images">[N,C,H,W] with one channel or three, of at least 16 by 16: floating point in [0,1], or bytes.</param>
    /// <param name="severity">From 1 to 5.</param>
    /// <param name="seed">Decides whatever chance decides; each image has random numbers of its own, by its place in the batch.</param>
    /// <returns>The corrupted images, float32 [N,C,H,W] in [0,1] on the CPU, multiples of 1/255 as files of images have them.</returns>
    /// <exception cref="ArgumentException">The name, the images' shape or type or the severity are none of these.</exception>
    public static Tensor Apply(string name, Tensor images, int severity, long seed = 0)
    {
        ArgumentNullException.ThrowIfNull(images);
        return Apply(name, images, severity, new PointNoise(seed, PointNoise.Rows(images.shape[0])));
    }

    /// <summary>The same with noise that has as many points as there are images.</summary>
    internal static Tensor Apply(string name, Tensor images, int severity, Noise noise)
    {
        var change = Array.Find(All, each => each.Name == name).Change
            ?? throw new ArgumentException($"There is no corruption '{name}': expected {string.Join(", ", Names)}.", nameof(name));
        if (severity is < 1 or > Severities)
            throw new ArgumentException($"The severity is {severity}, expected 1 to {Severities}.", nameof(severity));
        if (images.shape is not [_, 1 or 3, >= 16, >= 16])
            throw new ArgumentException(
                $"The images have shape [{string.Join(",", images.shape)}], expected [N,1 or 3,16 or more,16 or more].", nameof(images));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var changed = images.shape[0] == 0 ? images : change(ImageBatch.Convert(images, ScalarType.Float32, CPU), severity, noise);
        // As a file of bytes cuts them off.
        return changed.to(ScalarType.Float32).Clamp(0, 1).Times(255).floor().Over(255).MoveToOuterDisposeScope();
    }

    private static T Pick<T>(int severity, params ReadOnlySpan<T> values) => values[severity - 1];

    private static Tensor GaussianNoise(Tensor images, int severity, Noise noise) =>
        images.PlusScaled(noise.Normal(images), Pick(severity, 0.04, 0.06, 0.08, 0.09, 0.10));

    // Counts of Poisson's distribution, by its inverse: an image of bytes has 256 means.
    private static Tensor ShotNoise(Tensor images, int severity, Noise noise)
    {
        var most = Pick(severity, 500, 250, 100, 75, 50);
        double[][] sums = [.. Enumerable.Range(0, 256).Select(level => PoissonSums(most * level / 255.0))];
        var levels = images.Times(255).round().to(ScalarType.Byte).contiguous().data<byte>().ToArray();
        var chances = noise.Uniform(images).data<float>().ToArray();
        var counts = new float[levels.Length];
        for (var i = 0; i < counts.Length; i++)
        {
            var place = Array.BinarySearch(sums[levels[i]], (chances[i] + 1) / 2);
            counts[i] = (float)(place < 0 ? ~place : place) / most;
        }
        return tensor(counts, images.shape);
    }

    private static double[] PoissonSums(double mean)
    {
        var sums = new double[(int)(mean + 10 * Sqrt(mean)) + 10];
        var (sum, term) = (0.0, Exp(-mean));
        for (var count = 0; count < sums.Length; term *= mean / ++count) sums[count] = sum += term;
        return sums;
    }

    // Salt and pepper.
    private static Tensor ImpulseNoise(Tensor images, int severity, Noise noise)
    {
        var share = Pick(severity, 0.01, 0.02, 0.03, 0.05, 0.07);
        var (struck, salt) = (noise.Uniform(images).Plus(1).Over(2).Lt(share), noise.Uniform(images).Ge(0));
        return where(struck, salt.to(images.dtype), images);
    }

    private static Tensor DefocusBlur(Tensor images, int severity, Noise noise)
    {
        var (radius, sigma) = Pick(severity, (0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1));
        var disk = new float[5, 5];
        for (var y = -1; y <= 1; y++)
            for (var x = -1; x <= 1; x++)
                if (x * x + y * y <= radius * radius) disk[y + 2, x + 2] = 1;
        var kernel = tensor(disk);
        // The disk, with its edges softened by a Gaussian of three pixels.
        double[] soft = [Exp(-0.5 / (sigma * sigma)), 1, Exp(-0.5 / (sigma * sigma))];
        var blur = zeros(5, 5);
        for (var i = 0; i < 5; i++)
            for (var j = -1; j <= 1; j++)
                if (i + j is >= 0 and < 5) blur[i, i + j] = tensor((float)(soft[j + 1] / soft.Sum()));
        kernel = blur.matmul(kernel).matmul(blur.t());
        kernel = (kernel / kernel.sum()).reshape(1, 1, 5, 5).expand(images.shape[1], 1, 5, 5);
        var padded = nn.functional.pad(images, [2L, 2L, 2L, 2L], TorchSharp.PaddingModes.Reflect);
        return nn.functional.conv2d(padded, kernel, groups: images.shape[1]);
    }

    // A blur, pixels that change places with a neighbour's, and a blur again.
    private static Tensor GlassBlur(Tensor images, int severity, Noise noise)
    {
        var (sigma, rounds) = Pick(severity, (0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2));
        var blurred = Resampling.Gaussian(images, sigma, Resampling.Nearest);
        var (height, width) = ((int)images.shape[2], (int)images.shape[3]);
        var planes = blurred.reshape(images.shape[0], images.shape[1], -1).clone().contiguous();
        for (var round = 0; round < rounds; round++)
        {
            // In each direction one pixel back or none.
            var back = noise.Uniform(zeros(images.shape[0], 2, height, width)).Lt(0).to(ScalarType.Byte).data<byte>().ToArray();
            Shuffle(planes, back, height, width);
        }
        return Resampling.Gaussian(planes.reshape(images.shape), sigma, Resampling.Nearest);
    }

    // As the published files have it: a pixel becomes its neighbour, which stays what it is. In raster order from the end.
    private static void Shuffle(Tensor planes, byte[] back, int height, int width)
    {
        var (images, channels, size) = ((int)planes.shape[0], (int)planes.shape[1], height * width);
        var values = planes.data<float>().ToArray();
        for (var image = 0; image < images; image++)
            for (var y = height - 1; y > 1; y--)
                for (var x = width - 1; x > 1; x--)
                {
                    var place = y * width + x;
                    var from = (y - back[2 * image * size + place]) * width + x - back[(2 * image + 1) * size + place];
                    for (var channel = 0; channel < channels; channel++)
                    {
                        var plane = (image * channels + channel) * size;
                        values[plane + place] = values[plane + from];
                    }
                }
        planes.copy_(tensor(values, planes.shape));
    }

    private static Tensor MotionBlur(Tensor images, int severity, Noise noise)
    {
        var (radius, sigma) = Pick(severity, (6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5));
        return Resampling.Motion(images, radius, sigma, Angles(images, noise, 0));
    }

    // Of each image one of the 90 degrees around the middle.
    private static double[] Angles(Tensor images, Noise noise, double middle) =>
        [.. noise.Uniform(zeros(images.shape[0], 1)).data<float>().ToArray().Select(draw => middle + 45 * draw)];

    private static Tensor ZoomBlur(Tensor images, int severity, Noise noise)
    {
        var end = Pick(severity, 1.06, 1.11, 1.16, 1.21, 1.26);
        var zooms = (int)Ceiling((end - 1) / 0.01);
        var sum = images.clone();
        for (var i = 0; i < zooms; i++) sum.Add_(Resampling.Zoom(images, 1 + 0.01 * i));
        return sum.Over(zooms + 1);
    }

    private static Tensor Snow(Tensor images, int severity, Noise noise)
    {
        var (mean, spread, zoom, least, radius, sigma, kept) = Pick(
            severity, (0.1, 0.2, 1, 0.6, 8, 3, 0.95), (0.1, 0.2, 1, 0.5, 10, 4, 0.9), (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
            (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85), (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8));
        var flakes = Resampling.Zoom(noise.Normal(images.narrow(1, 0, 1)).Times(spread).Plus(mean), zoom);
        flakes = Resampling.Motion(flakes.MaskedFill(flakes.Lt(least), 0).Clamp(0, 1), radius, sigma, Angles(images, noise, -90));
        var pale = images.Times(kept).PlusScaled(images.maximum(Grey(images).Times(1.5).Plus(0.5)), 1 - kept);
        return pale.Add_(flakes).Add_(flakes.rot90(2, (2, 3)));
    }

    private static Tensor Grey(Tensor images) => images.shape[1] == 1 ? images
        : images.mul(tensor(new[] { 0.299f, 0.587f, 0.114f }).reshape(1, 3, 1, 1)).sum(1, keepdim: true);

    private static Tensor Frost(Tensor images, int severity, Noise noise)
    {
        var (kept, ice) = Pick(severity, (1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45));
        return images.Times(kept).PlusScaled(Resampling.Fractal(images, 1.3, noise), ice);
    }

    private static Tensor Fog(Tensor images, int severity, Noise noise)
    {
        var (strength, decay) = Pick(severity, (0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75));
        var brightest = images.amax([1, 2, 3], keepdim: true);
        return images.PlusScaled(Resampling.Fractal(images, decay, noise), strength) * brightest / brightest.Plus(strength);
    }

    // The largest channel grows, and the others in proportion, which leaves hue and saturation as they are.
    private static Tensor Brightness(Tensor images, int severity, Noise noise)
    {
        var value = images.amax([1], keepdim: true);
        var brighter = value.Plus(Pick(severity, 0.05, 0.1, 0.15, 0.2, 0.3)).Clamp_(0, 1);
        return where(value.Gt(0), images * brighter / value.ClampMin(1e-6), brighter);
    }

    private static Tensor Contrast(Tensor images, int severity, Noise noise)
    {
        var means = images.mean([2, 3], keepdim: true);
        return (images - means).Times(Pick(severity, 0.75, 0.5, 0.4, 0.3, 0.15)).Add_(means);
    }

    private static Tensor Elastic(Tensor images, int severity, Noise noise)
    {
        var (pull, smooth, shift) = Pick(
            severity, (0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03));
        var size = Min(images.shape[2], images.shape[3]);
        return Resampling.Elastic(images, pull * size, smooth * size, shift * size, noise);
    }

    private static Tensor Pixelate(Tensor images, int severity, Noise noise)
    {
        var share = Pick(severity, 0.95, 0.9, 0.85, 0.75, 0.65);
        var (height, width) = (images.shape[2], images.shape[3]);
        return Resampling.Box(Resampling.Box(images, (long)(height * share), (long)(width * share)), height, width);
    }
}
