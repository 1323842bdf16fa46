using static System.Math;

namespace Ard.Trainers.Evaluation;

/// <summary>
/// The steps of the JPEG format (ITU-T T.81, baseline) that lose information: brightness and, at half the resolution, two differences of
/// colour are taken in blocks of eight by eight to cosines, whose coefficients are rounded to multiples of those in a table.
/// </summary>
internal static class JpegLoss
{
    // T.81, annex K.1: the tables for brightness and colour that everybody uses, row by row.
    private static readonly int[] BrightnessTable =
    [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
        72, 92, 95, 98, 112, 100, 103, 99,
    ];

    private static readonly int[] ColourTable =
    [
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
        .. Enumerable.Repeat(99, 32),
    ];

    // JFIF: brightness and the differences of blue and red from it, of red, green and blue.
    private static readonly float[,] FromColours =
    {
        { 0.299f, 0.587f, 0.114f }, { -0.168736f, -0.331264f, 0.5f }, { 0.5f, -0.418688f, -0.081312f },
    };

    private static readonly float[,] ToColours = { { 1, 0, 1.402f }, { 1, -0.344136f, -0.714136f }, { 1, 1.772f, 0 } };

    /// <summary>Images [N,C,H,W] in [0,1], of one channel or three, as they come out of a file of libjpeg's quality, 1 to 100.</summary>
    public static Tensor Apply(Tensor images, int quality)
    {
        var (height, width) = (images.shape[2], images.shape[3]);
        // Whole blocks, of colours twice as wide; the last row and column are repeated.
        var padded = nn.functional.pad(
            images.Times(255).round(), [0L, (16 - width % 16) % 16, 0L, (16 - height % 16) % 16], TorchSharp.PaddingModes.Replicate);
        if (images.shape[1] == 1) return Cut(Blocks(padded.Minus(128), BrightnessTable, quality).Plus(128));
        var mixed = Mix(padded, FromColours);
        var brightness = Blocks(mixed.narrow(1, 0, 1).round().Minus(128), BrightnessTable, quality).Plus(128);
        var colours = Blocks(nn.functional.avg_pool2d(mixed.narrow(1, 1, 2), 2).round(), ColourTable, quality);
        var full = nn.functional.interpolate(colours, scale_factor: [2.0, 2.0], mode: InterpolationMode.Bilinear, align_corners: false);
        return Cut(Mix(cat([brightness, full.round()], 1), ToColours));

        Tensor Cut(Tensor pixels) => pixels.narrow(2, 0, height).narrow(3, 0, width).round().Clamp(0, 255).Over(255);
    }

    private static Tensor Mix(Tensor planes, float[,] weights) => einsum("dc,nchw->ndhw", tensor(weights), planes);

    private static Tensor Blocks(Tensor planes, int[] table, int quality)
    {
        var scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
        var steps = tensor(table.Select(step => (float)Clamp((step * scale + 50) / 100, 1, 255)).ToArray()).reshape(8, 8);
        var cosines = new float[8, 8];
        for (var wave = 0; wave < 8; wave++)
            for (var x = 0; x < 8; x++) cosines[wave, x] = (float)((wave == 0 ? Sqrt(0.125) : 0.5) * Cos((2 * x + 1) * wave * PI / 16));
        var transform = tensor(cosines);
        var (rows, columns) = (planes.shape[2] / 8, planes.shape[3] / 8);
        var blocks = planes.reshape(planes.shape[0], planes.shape[1], rows, 8, columns, 8).transpose(3, 4);
        var coefficients = (transform.matmul(blocks).matmul(transform.t()) / steps).round() * steps;
        var back = transform.t().matmul(coefficients).matmul(transform).transpose(3, 4).reshape(planes.shape);
        return back.round().Clamp(-128, 127);
    }
}
