using System.Xml.Linq;
using AngleSharp.Dom;
using AngleSharp.Html.Parser;

namespace Ard.Trainers.Tests.Reports;

public sealed class PicturesTests
{
    private static readonly ModelReport[] Models = [.. SampleReport.Of().Models];

    public static TheoryData<string> Charts() => [Pictures.Accuracy(Models), Pictures.Curves(Models), Pictures.Curves(Models[1])];

    [Theory]
    [MemberData(nameof(Charts))]
    public void A_chart_is_a_file_that_loads_nothing_and_is_drawn_within_its_edges(string picture)
    {
        ChartCheck.IsDrawn(Drawn(picture));
        ChartCheck.LabelsAreApart(Drawn(picture));
        var svg = XElement.Parse(picture);
        Assert.Equal("http://www.w3.org/2000/svg", svg.Name.NamespaceName);
        Assert.DoesNotContain(svg.DescendantsAndSelf(), element => element.Name.LocalName is "script" or "a" or "use");
        Assert.DoesNotContain("http", picture.Replace("http://www.w3.org/2000/svg", ""));
        // Every class that it uses has a look.
        var classes = svg.Descendants().SelectMany(element => ((string?)element.Attribute("class") ?? "").Split(' ')).Distinct()
            .Except(["", "bar", "value", "d0"]);
        var style = svg.Descendants().Single(element => element.Name.LocalName == "style").Value;
        Assert.All(classes, name => Assert.Contains("." + name, style));
    }

    [Fact]
    public void Images_stand_clean_changed_and_attacked_one_below_the_other_with_what_they_are_taken_for()
    {
        var images = SampleReport.Images(new Random(1), channels: 1, classes: 4);
        var svg = Drawn(Pictures.Images(images, SampleReport.ClassNames));
        var tiles = svg.QuerySelectorAll("image").Select(tile => (X: tile.GetAttribute("x"), Png: tile.GetAttribute("href"))).ToArray();
        Assert.Equal(3 * images.Each.Count, tiles.Length);
        Assert.Equal(images.Each.Count, tiles.Select(tile => tile.X).Distinct().Count());
        Assert.Equal(Png.Address([.. images.Each[2].Attacked], 1, 16, 16), tiles[3 * 2 + 2].Png);
        var names = images.Each.SelectMany(image => new[] { image.CleanPrediction, image.AttackedPrediction }.Select(
            prediction => $"{(prediction == image.Label ? "✓" : "✗")} {SampleReport.ClassNames[prediction]}"));
        var shown = SampleReport.Hostile.Replace('\u0001', '\uFFFD').Replace('\uD800', '\uFFFD');
        Assert.Equal(
            names.Select(name => name.Replace(SampleReport.Hostile, shown)),
            svg.QuerySelectorAll("text.middle").Select(text => text.TextContent));
    }

    [Fact]
    public void What_there_is_nothing_to_show_of_is_refused_by_name()
    {
        var empty = new ModelReport("empty");
        Assert.Contains("None of 1 network has Robustness", Assert.Throws<ArgumentException>(() => Pictures.Accuracy(empty)).Message);
        var other = empty with { Curve = new RobustnessCurve(Norm.L2, [new CurvePoint(0, [true])]) };
        Assert.Contains("[Linf, L2], expected one norm", Assert.Throws<ArgumentException>(() => Pictures.Curves(Models[1], other)).Message);
        var images = SampleReport.Images(new Random(1), channels: 1, classes: 4);
        Assert.Contains("2 classes, expected", Assert.Throws<ArgumentException>(() => Pictures.Images(images, ["a", "b"])).Message);
        var none = new AttackedImages("pgd", ThreatModel.Cifar10, 1, 4, 4, []);
        Assert.Contains("no image", Assert.Throws<ArgumentException>(() => Pictures.Images(none, [])).Message);
    }

    private static IElement Drawn(string picture) => new HtmlParser().ParseDocument(picture).QuerySelector("svg")!;
}
