using static System.Math;

namespace Ard.Trainers.Evaluation;

/// <summary>Blurs, zooms and warps of images [N,C,H,W] as image libraries do them, and textures, for <see cref="Corruption"/>.</summary>
internal static class Resampling
{
    /// <summary>A blur; beyond the edge an image goes on with what is there at the place that is found inside.</summary>
    public static Tensor Gaussian(Tensor images, double sigma, Func<int, int, int> inside, double truncate = 4)
    {
        var radius = (int)(truncate * sigma + 0.5);
        if (radius == 0) return images;
        double[] kernel = [.. Enumerable.Range(-radius, 2 * radius + 1).Select(x => Exp(-0.5 * x * x / (sigma * sigma)))];
        return Along(images, Matrix(images.shape[2]), Matrix(images.shape[3]));

        Tensor Matrix(long length)
        {
            var matrix = new float[length, length];
            for (var to = 0; to < length; to++)
                for (var i = 0; i < kernel.Length; i++)
                    matrix[to, inside(to + i - radius, (int)length)] += (float)(kernel[i] / kernel.Sum());
            return tensor(matrix);
        }
    }

    /// <summary>To another size, each pixel the mean of those whose middles it covers (Pillow's BOX).</summary>
    public static Tensor Box(Tensor images, long height, long width)
    {
        return Along(images, Matrix(images.shape[2], height), Matrix(images.shape[3], width));

        static Tensor Matrix(long from, long to)
        {
            var (scale, matrix) = ((double)from / to, new float[to, from]);
            var support = 0.5 * Max(scale, 1);
            for (var x = 0; x < to; x++)
            {
                var middle = (x + 0.5) * scale;
                int[] covered =
                [
                    .. Enumerable.Range(0, (int)from)
                        .Where(i => (i + 0.5 - middle) / Max(scale, 1) is > -0.5 and <= 0.5 && Abs(i + 0.5 - middle) <= support),
                ];
                foreach (var i in covered) matrix[x, i] = 1f / covered.Length;
            }
            return tensor(matrix);
        }
    }

    /// <summary>The middle of each image, magnified to its size.</summary>
    public static Tensor Zoom(Tensor images, double factor)
    {
        var (height, width) = (images.shape[2], images.shape[3]);
        var (rows, columns) = ((long)Ceiling(height / factor), (long)Ceiling(width / factor));
        var middle = images.narrow(2, (height - rows) / 2, rows).narrow(3, (width - columns) / 2, columns);
        var zoomed = nn.functional.interpolate(
            middle, [(long)Round(rows * factor), (long)Round(columns * factor)], mode: InterpolationMode.Bilinear, align_corners: true);
        return zoomed.narrow(2, (zoomed.shape[2] - height) / 2, height).narrow(3, (zoomed.shape[3] - width) / 2, width);
    }

    /// <summary>A blur along a line, to one side of each pixel (ImageMagick's motion blur), of twice the radius in pixels.</summary>
    public static Tensor Motion(Tensor images, int radius, double sigma, double[] degrees)
    {
        var (height, width) = ((int)images.shape[2], (int)images.shape[3]);
        double[] kernel = [.. Enumerable.Range(0, 2 * radius + 1).Select(i => Exp(-0.5 * i * i / (sigma * sigma)))];
        var planes = images.flatten(2);
        var blurred = zeros_like(planes);
        var places = new long[degrees.Length * height * width];
        for (var i = 0; i < kernel.Length; i++)
        {
            for (var image = 0; image < degrees.Length; image++)
            {
                var angle = degrees[image] * PI / 180;
                var (right, down) = ((int)Ceiling(i * Cos(angle) - 0.5), (int)Ceiling(i * Sin(angle) - 0.5));
                for (var y = 0; y < height; y++)
                    for (var x = 0; x < width; x++)
                        places[(image * height + y) * width + x] = Clamp(y + down, 0, height - 1) * width + Clamp(x + right, 0, width - 1);
            }
            using var index = tensor(places, [degrees.Length, 1, height * width]).expand(-1, planes.shape[1], -1);
            using var moved = planes.gather(2, index);
            blurred.AddScaled_(moved, kernel[i] / kernel.Sum());
        }
        return blurred.reshape(images.shape);
    }

    /// <summary>
    /// A texture [N,1,H,W] from 0 to 1 (Fournier, Fussell and Carpenter, Computer rendering of stochastic models, CACM 1982: midpoint
    /// displacement, by squares and diamonds on a torus), each level smaller than the one before by the decay.
    /// </summary>
    public static Tensor Fractal(Tensor like, double decay, Noise noise)
    {
        var size = 1L;
        while (size < Max(like.shape[2], like.shape[3])) size *= 2;
        var map = zeros(like.shape[0], size, size);
        var amplitude = 100.0;
        for (var step = size; step >= 2; step /= 2, amplitude /= decay)
        {
            var (corners, middles) = (Every(0, 0), Every(step / 2, step / 2));
            var across = corners.Plus(corners.roll(-1, 1));
            middles.copy_(Displaced(across.Plus(across.roll(-1, 2))));
            var (upper, lower) = (middles.Plus(middles.roll(1, 1)), corners.Plus(corners.roll(-1, 2)));
            Every(0, step / 2).copy_(Displaced(upper.Plus(lower)));
            Every(step / 2, 0).copy_(Displaced(middles.Plus(middles.roll(1, 2)).Plus(across)));

            Tensor Every(long row, long column) => map.slice(1, row, size, step).slice(2, column, size, step);

            Tensor Displaced(Tensor sum) => sum.Over(4).PlusScaled(noise.Uniform(sum), amplitude * amplitude);
        }
        map.sub_(map.amin([1, 2], keepdim: true));
        map.div_(map.amax([1, 2], keepdim: true));
        return map.unsqueeze(1).narrow(2, 0, like.shape[2]).narrow(3, 0, like.shape[3]);
    }

    /// <summary>Three points of each image are shifted by up to so many pixels, then each pixel is pulled by a smooth field.</summary>
    public static Tensor Elastic(Tensor images, double pull, double smooth, double shift, Noise noise)
    {
        var (count, height, width) = (images.shape[0], images.shape[2], images.shape[3]);
        var (y, x, reach) = (height / 2, width / 2, Min(height, width) / 3);
        var from = tensor(new float[,] { { x + reach, y + reach }, { x + reach, y - reach }, { x - reach, y - reach } });
        var to = from.PlusScaled(noise.Uniform(zeros(count, 3, 2)), shift);
        // Each pixel comes from where the plane map that takes the moved points back has it.
        var back = linalg.solve(cat([to, ones(count, 3, 1)], -1), from.expand(count, 3, 2));
        var grid = stack([.. meshgrid([Arange(height), Arange(width)], "ij").Reverse()], -1).to(ScalarType.Float32)
            .expand(count, -1, -1, -1);
        var sources = cat([grid, ones(count, height, width, 1)], -1).reshape(count, -1, 3).matmul(back).reshape(count, height, width, 2);
        var warped = Sample(images, sources, corners: true);
        if (pull == 0) return warped;
        var field = Gaussian(noise.Uniform(zeros(count, 2, height, width)), smooth, Reflected, truncate: 3).Times(pull);
        return Sample(warped, grid.Plus(field.permute(0, 2, 3, 1)), corners: false);
    }

    // Bilinear, at places [N,H,W,2] in pixels (x, y). Beyond the edge it is reflected about that, or about the last pixels' middles.
    private static Tensor Sample(Tensor images, Tensor places, bool corners)
    {
        var size = tensor(new float[] { images.shape[3], images.shape[2] });
        var grid = corners ? places.Times(2) / size.Minus(1) : places.Times(2).Plus(1) / size;
        return nn.functional.grid_sample(
            images, grid.Minus(1), mode: GridSampleMode.Bilinear, padding_mode: GridSamplePaddingMode.Reflection, align_corners: corners);
    }

    // Rows and columns by a matrix each, [to, from].
    private static Tensor Along(Tensor images, Tensor rows, Tensor columns) => rows.matmul(images).matmul(columns.t());

    /// <summary>a a | a b c | c c.</summary>
    public static int Nearest(int place, int length) => Clamp(place, 0, length - 1);

    // b a | a b c | c b.
    private static int Reflected(int place, int length)
    {
        var turned = (place % (2 * length) + 2 * length) % (2 * length);
        return turned < length ? turned : 2 * length - 1 - turned;
    }
}
