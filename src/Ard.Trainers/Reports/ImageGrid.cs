namespace Ard.Trainers.Reports;

/// <summary>Each image as it was, what the attack added, and the result, with what the network takes them for.</summary>
internal static class ImageGrid
{
    private static readonly int[] Factors = [1, 2, 3, 4, 5, 8, 10, 15, 20, 30, 50, 100];

    public static Markup? Render(IReadOnlyList<ModelReport> models, Func<long, string> name)
    {
        var shown = models.Where(model => model.Images is { Each.Count: > 0 }).ToArray();
        if (shown.Length == 0) return null;
        return Markup.Format($"<p>The first images of different classes that a network gets right: the clean image, what the attack adds ")
            .Line($"to it, amplified around mid-grey, and the sum that the network sees. Below, what the network takes it for.</p>")
            .Each(shown, model => Grid(model.Name, model.Images!, name));
    }

    /// <summary>The largest round factor by which all perturbations still fit around mid-grey.</summary>
    internal static int Amplification(AttackedImages images)
    {
        var largest = images.Each.Max(image => image.Clean.Zip(image.Attacked).Max(pair => Math.Abs(pair.Second - pair.First)));
        return Factors.Last(factor => factor == 1 || factor * largest <= 0.5001);
    }

    /// <summary>The images as a file of its own, each in a column: clean, what the attack adds, and attacked.</summary>
    public static Markup Picture(AttackedImages images, Func<long, string> name)
    {
        const int side = 64, column = side + 8, row = side + 22, left = 76;
        var factor = Amplification(images);
        var (width, height) = (left + column * images.Each.Count, 3 * row);
        var picture = new Markup();
        string[] titles = ["clean", $"change × {factor}", "attacked"];
        for (var y = 0; y < titles.Length; y++)
            picture.Line($"<text class=\"tick\" x=\"2\" y=\"{y * row + side / 2 + 6}\">{titles[y]}</text>");
        foreach (var (x, image) in images.Each.Index())
        {
            Tile(x, 0, [.. image.Clean], Of(image.CleanPrediction, image));
            Tile(x, 1, Change(image, factor), null);
            Tile(x, 2, [.. image.Attacked], Of(image.AttackedPrediction, image));
        }
        return Page.Picture(
            width, height,
            $"{images.Each.Count} images, clean and attacked by {Text.Attack(images.Attack)}: {Broken(images)} are then taken for another "
            + "class.",
            picture);

        string Of(long prediction, AttackedImage image) => $"{(prediction == image.Label ? "✓" : "✗")} {name(prediction)}";

        void Tile(int x, int y, float[] values, string? text)
        {
            picture.Line(
                $"<image href=\"{Png.Address(values, images.Channels, images.Height, images.Width)}\" x=\"{left + x * column}\" "
                + $"y=\"{y * row + 4}\" width=\"{side}\" height=\"{side}\" style=\"image-rendering:pixelated\"/>");
            if (text is not null)
                picture.Line($"<text class=\"middle\" x=\"{left + x * column + side / 2}\" y=\"{y * row + side + 17}\">{text}</text>");
        }
    }

    private static float[] Change(AttackedImage image, int factor) =>
        [.. image.Clean.Zip(image.Attacked, (clean, attacked) => 0.5f + factor * (attacked - clean))];

    private static Markup Grid(string model, AttackedImages images, Func<long, string> name)
    {
        var factor = Amplification(images);
        var broken = Broken(images);
        return Markup.Format($"<h3>{model}</h3><p class=\"note\">{Text.Attack(images.Attack)}, {images.Threat.Norm} ")
            .Add($"{Text.Epsilon(images.Threat)}; perturbations × {factor}; {broken} of these {images.Each.Count} ")
            .Line($"{(broken == 1 ? "is" : "are")} taken for another class.</p>")
            .Line($"<ul class=\"pictures\">").Each(images.Each, Triple).Line($"</ul>");

        Markup Triple(AttackedImage image)
        {
            var what = $"image {image.Row}, a {name(image.Label)}";
            return Markup.Format($"<li><div class=\"triple\">\n")
                .Line($"{Image([.. image.Clean], $"{what}, clean", Verdict(image.CleanPrediction, image.Label))}")
                .Line($"{Image(Change(image, factor), $"what the attack adds to image {image.Row}, times {factor}", $"× {factor}")}")
                .Line($"{Image([.. image.Attacked], $"{what}, attacked", Verdict(image.AttackedPrediction, image.Label))}")
                .Line($"</div></li>");
        }

        Markup Image(float[] values, string alternative, Markup below) => Markup
            .Format($"<span><img src=\"{Png.Address(values, images.Channels, images.Height, images.Width)}\" width=\"{images.Width}\" ")
            .Add($"height=\"{images.Height}\" alt=\"{alternative}\">{below}</span>");

        Markup Verdict(long prediction, long label) => prediction == label
            ? Markup.Format($"<b>✓ {name(prediction)}</b>") : Markup.Format($"<b class=\"wrong\">✗ {name(prediction)}</b>");
    }

    private static int Broken(AttackedImages images) => images.Each.Count(image => image.AttackedPrediction != image.Label);
}
