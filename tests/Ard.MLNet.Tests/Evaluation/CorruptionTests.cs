using SkiaSharp;

namespace Ard.MLNet.Tests.Evaluation;

public sealed class CorruptionTests
{
    private readonly MLContext ml = new MLContext(1);

    [Theory]
    [InlineData(80)]
    [InlineData(65)]
    [InlineData(50)]
    [InlineData(40)]
    public void The_loss_of_JPEG_is_that_of_an_image_library(int quality)
    {
        using var scope = NewDisposeScope();
        using var bitmap = new SKBitmap(40, 32, SKColorType.Rgba8888, SKAlphaType.Opaque);
        for (var y = 0; y < 32; y++)
            for (var x = 0; x < 40; x++)
                bitmap.SetPixel(
                    x, y, new SKColor(Wave(x, y, 0.31, 0.22), Wave(y, x, 0.5, 0.11), x > 17 ? (byte)200 : Wave(x, y, 0.1, 0.4)));
        using var file = bitmap.Encode(SKEncodedImageFormat.Jpeg, quality);
        using var decoded = SKBitmap.Decode(file);

        var (images, expected) = (Pixels(bitmap), Pixels(decoded));
        var found = JpegLoss.Apply(images, quality);
        double Distance(Tensor other) => (other - expected).abs().mean().item<float>() * 255;
        // Rounding on the way, beside the loss.
        Assert.True(Distance(found) < 0.3 * Distance(images) && Distance(found) < 1, $"{Distance(found)} of {Distance(images)}");

        static byte Wave(int x, int y, double across, double down) => (byte)(128 + 60 * Math.Sin(across * x) + 60 * Math.Cos(down * y));

        static Tensor Pixels(SKBitmap of) => tensor(of.Pixels
            .SelectMany(pixel => new[] { pixel.Red / 255f, pixel.Green / 255f, pixel.Blue / 255f }).ToArray())
            .reshape(1, 32, 40, 3).permute(0, 3, 1, 2).contiguous();
    }

    [Fact]
    public void A_pipeline_is_evaluated_from_the_data_that_it_takes_as_its_network_is_from_the_images()
    {
        var chain = Tiny.Keys(ml).Fit(ml.Data.LoadGlyphs(10, 7)).Append(Tiny.Classifier);
        string[] names = ["contrast", "shot_noise"];
        var found = ml.MulticlassClassification.EvaluateCorruptions(
            chain, ml.Data.LoadGlyphs(60, seed: 7), names, new() { Evaluation = new() { Seed = 3 } });
        using var glyphs = Trainers.Data.Glyphs.Generate(60, 7);
        var expected = CorruptionReport.Evaluate(Tiny.Classifier.Model, glyphs.Images, glyphs.Labels, names, seed: 3);
        Assert.Equal(expected.ToJson(), found.ToJson());
        Assert.NotEqual(0, found.CleanCount);
    }
}
