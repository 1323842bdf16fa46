using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;

namespace Ard.Trainers.Tests.Reports;

public sealed class HtmlReportTests
{
    private static IHtmlDocument Parse(HtmlReport report) => Parse(report.ToHtml());

    private static IHtmlDocument Parse(string html) =>
        new HtmlParser(new HtmlParserOptions { IsStrictMode = false, IsKeepingSourceReferences = false }).ParseDocument(html);

    [Fact]
    public void A_page_has_every_section_that_there_is_something_for_and_no_other()
    {
        Assert.Equal(
            ["accuracy", "comparison", "flags", "classes", "budget", "images", "confusion", "training", "settings"],
            Sections(SampleReport.Of()));
        Assert.Equal(["settings"], Sections(new HtmlReport("nothing")));
        var training = new HtmlReport("only") { Models = [new("student") { Training = SampleReport.Training(new Random(1), 3) }] };
        Assert.Equal(["training", "settings"], Sections(training));

        static IEnumerable<string?> Sections(HtmlReport report) => Parse(report).QuerySelectorAll("section h2").Select(title => title.Id);
    }

    [Fact]
    public void Every_text_from_outside_is_shown_as_it_is_and_is_nowhere_a_tag()
    {
        var html = SampleReport.Of().ToHtml();
        Assert.DoesNotContain("<script", html);
        var page = Parse(html);
        var shown = SampleReport.Hostile.Replace('\u0001', '\uFFFD').Replace('\uD800', '\uFFFD');
        string[] places = ["title", "h1", "header p", "th[scope=rowgroup]", ".flags li", ".confusion th", ".legend li", "pre", "h3"];
        foreach (var place in places)
            Assert.Contains(page.QuerySelectorAll(place), element => element.TextContent.Contains(shown));
        Assert.Contains(page.QuerySelectorAll("img"), image => image.GetAttribute("alt")!.Contains(shown));
        Assert.Contains(page.QuerySelectorAll("svg[aria-label]"), chart => chart.GetAttribute("aria-label")!.Contains(shown));
    }

    [Fact]
    public void A_page_refers_to_nothing_outside_of_itself_and_forbids_it()
    {
        var html = SampleReport.Of().ToHtml();
        var page = Parse(html);
        Assert.Empty(page.QuerySelectorAll("script, link, iframe, object, embed, form, base"));
        foreach (var element in page.All)
            foreach (var attribute in element.Attributes)
            {
                Assert.DoesNotMatch("^on", attribute.Name);
                if (attribute.Name is "src" or "href" or "srcset" or "action" or "data" or "xlink:href")
                    Assert.Matches("^(#[a-z]+|data:image/png;base64,)", attribute.Value);
            }
        Assert.DoesNotMatch(@"https?://|url\(|@import", html);
        Assert.StartsWith("default-src 'none'", page.QuerySelector("meta[http-equiv=Content-Security-Policy]")!.GetAttribute("content"));
        Assert.All(page.QuerySelectorAll("nav a, .alarm a"), link => Assert.NotNull(page.GetElementById(link.GetAttribute("href")![1..])));
    }

    [Theory]
    [InlineData(4, 50, 10)]
    [InlineData(1, 1, 2)]
    [InlineData(20, 200, 10)]
    public void Every_mark_of_every_chart_lies_within_it_and_no_labels_overlap(int networks, int epochs, int classes)
    {
        var page = Parse(SampleReport.Of(networks, epochs, classes));
        var charts = page.QuerySelectorAll("figure > svg");
        Assert.Equal(1 + (networks > 1 ? 3 : 0) + networks + 1 + 2 * networks, charts.Length);
        Assert.All(charts, chart =>
        {
            ChartCheck.IsDrawn(chart);
            ChartCheck.LabelsAreApart(chart);
        });
    }

    [Fact]
    public void A_chart_says_its_figures_in_a_table_and_in_words()
    {
        var page = Parse(SampleReport.Of(1));
        foreach (var figure in page.QuerySelectorAll("figure.chart").Skip(1))
        {
            var title = figure.QuerySelector("figcaption")!.TextContent;
            Assert.StartsWith(title, figure.QuerySelector("svg")!.GetAttribute("aria-label"));
            Assert.Equal("img", figure.QuerySelector("svg")!.GetAttribute("role"));
            Assert.NotEmpty(figure.QuerySelectorAll("details.figures tbody tr"));
        }
        Assert.All(page.QuerySelectorAll("table"), table => Assert.NotEmpty(table.QuerySelectorAll("thead th[scope=col]")));
        Assert.All(page.QuerySelectorAll("img"), image => Assert.NotEmpty(image.GetAttribute("alt")!));
        Assert.Equal("en", page.DocumentElement.GetAttribute("lang"));
    }

    [Fact]
    public void The_table_of_attacks_has_the_figures_of_the_report_with_their_intervals()
    {
        var report = SampleReport.Of(2);
        var rows = Parse(report).QuerySelectorAll("#accuracy ~ div table tbody tr:not(:first-child)").ToArray();
        var expected = report.Models.SelectMany(
            model => model.Robustness!.Attacks.Prepend(model.Robustness.Clean).Append(model.Robustness.WorstCase));
        Assert.Equal(
            expected.Select(result => string.Create(
                CultureInfo.InvariantCulture,
                $"{100 * result.Accuracy:F1} %|{100 * result.Interval.Low:F1} to {100 * result.Interval.High:F1} %|"
                    + $"{result.CorrectCount} of 500")),
            rows.Select(row => string.Join('|', row.QuerySelectorAll("td").Select(cell => cell.TextContent))));
        Assert.Equal(["clean", "FGSM", "PGD-20", "worst case"], rows.Take(4).Select(row => row.QuerySelector("th")!.TextContent));
    }

    [Fact]
    public void The_union_of_several_adversaries_is_a_row_of_the_last_one()
    {
        var random = new Random(3);
        var (first, second) = (SampleReport.Evaluation(random, 40, 4), SampleReport.Evaluation(new Random(3), 40, 4));
        var union = RobustnessUnion.Combine(
            first with { Labels = second.Labels, Clean = second.Clean }, second with { Threat = ThreatModel.L2(2) });
        var page = new HtmlReport("Union")
        {
            Models = [new("one") { Robustness = first }, new("other") { Robustness = second, Union = union.WorstCase }],
        };
        var html = page.ToHtml();
        Assert.Equal(1, html.Split(">union <span class=\"note\">of Linf 0.1, L2 2</span>").Length - 1);
        Assert.Contains($"<td>{union.WorstCase.CorrectCount} of 40</td>", html);
        Assert.DoesNotContain(">union", (page with { Models = [page.Models[0]] }).ToHtml());
    }

    [Fact]
    public void What_is_left_after_each_part_of_a_sequence_has_a_row_and_is_in_the_JSON()
    {
        var model = SampleReport.Model(1, 2, 10);
        var sequence = model.Robustness!.Attacks[0] with { Name = "autoattack", Parts = [("apgd-ce", 310), ("square", 300)] };
        var report = model.Robustness with { Attacks = [sequence] };
        var page = Parse(new HtmlReport("page") { Models = [model with { Robustness = report }] });
        Assert.Equal(
            ["after apgd-ce62.0 %310 of 500", "after square60.0 %300 of 500"],
            page.QuerySelectorAll("table.attacks th.part").Select(cell => cell.ParentElement!.TextContent.Trim()));
        using var json = JsonDocument.Parse(EvaluationSummary.Create(report).ToJson());
        Assert.Equal(
            ["apgd-ce 310", "square 300"],
            json.RootElement.GetProperty("attacks")[0].GetProperty("parts").EnumerateArray()
                .Select(part => $"{part.GetProperty("name")} {part.GetProperty("correctCount")}"));
    }

    [Fact]
    public void Each_class_has_a_bar_and_its_figures_the_weakest_first_and_of_many_the_weakest()
    {
        var model = SampleReport.Model(1, 2, 10);
        var page = Parse(new HtmlReport("page") { Models = [model], ClassNames = SampleReport.ClassNames });
        var rows = page.QuerySelectorAll("#classes ~ div tbody tr").ToArray();
        var classes = model.Robustness!.Classes.OrderBy(each => each.Accuracy).ToArray();
        Assert.Equal(10, rows.Length);
        Assert.Equal(classes.Select(each => each.Accuracy), rows.Select(row => Percent(row, 2)), (one, two) => Math.Abs(one - two) < 6e-4);
        var weakest = classes[0];
        var name = SampleReport.ClassNames[(int)weakest.Class];
        Assert.Contains(rows.TakeWhile(row => Percent(row, 2) <= weakest.Accuracy + 6e-4), row => row.TextContent.Trim() == string.Create(
            CultureInfo.InvariantCulture,
            $"{name}50{100 * weakest.CleanCount / 50.0:F1} %{100 * weakest.Accuracy:F1} %"
                + $"{100 * weakest.Interval.Low:F1} to {100 * weakest.Interval.High:F1} %"));
        Assert.Equal(10, page.QuerySelectorAll("#classes ~ div svg .bar").Length);

        page = Parse(SampleReport.Of(1, 2, 100));
        Assert.Equal(20, page.QuerySelectorAll("#classes ~ div svg .bar").Length);
        Assert.Contains("The weakest 20 of 100 classes.", page.QuerySelector("#classes ~ div")!.TextContent);

        static double Percent(IElement row, int column) =>
            double.Parse(row.QuerySelectorAll("td")[column].TextContent.TrimEnd(' ', '%'), CultureInfo.InvariantCulture) / 100;
    }

    [Fact]
    public void Corruptions_have_a_bar_each_and_their_figures_by_severity()
    {
        var report = new Ard.Trainers.Evaluation.CorruptionReport(
            40, 36, [new("fog", 1, 30), new("fog", 2, 20), new("jpeg_compression", 1, 35)]);
        var page = Parse(new HtmlReport("page") { Models = [new("student") { Corruptions = report }] });
        Assert.Equal(
            ["fog75.0 %50.0 %62.5 %", "JPEG87.5 %–87.5 %"],
            page.QuerySelectorAll("#corruptions ~ div tbody tr").Select(row => row.TextContent.Trim()));
        var chart = page.QuerySelector("#corruptions ~ div svg")!;
        Assert.Equal(["90.0", "62.5", "87.5", "75.0"], chart.QuerySelectorAll(".value").Select(value => value.TextContent));
        ChartCheck.IsDrawn(chart);
        ChartCheck.LabelsAreApart(chart);
    }

    [Theory]
    [InlineData(true, "kept: epoch 2, which 50 attacked validation images cannot tell from the best.")]
    [InlineData(false, "kept: epoch 2, which 50 validation images cannot tell from the best.")]
    public void A_training_says_on_how_many_images_the_choice_of_its_epoch_rests(bool attacked, string expected)
    {
        var training = SampleReport.Training(new Random(1), 2) with { ValidationImages = 50, ChosenUnderAttack = attacked };
        Assert.Contains(expected, new HtmlReport("page") { Models = [new("student") { Training = training }] }.ToHtml());
    }

    [Theory]
    [InlineData(1, "1 of these 6 is taken for another class.")]
    [InlineData(2, "2 of these 6 are taken for another class.")]
    public void Attacked_images_are_counted_in_a_sentence(int broken, string expected)
    {
        var images = SampleReport.Images(new Random(1), channels: 1, classes: 10);
        var each = images.Each.Select((image, row) => image with { AttackedPrediction = (image.Label + (row < broken ? 1 : 0)) % 10 });
        images = new(images.Attack, images.Threat, 1, 16, 16, [.. each]);
        Assert.Contains(expected, new HtmlReport("page") { Models = [new("student") { Images = images }] }.ToHtml());
    }

    [Fact]
    public void The_confusion_table_counts_every_image_once()
    {
        var model = SampleReport.Model(1, 2, 10);
        var report = model.Robustness!;
        var counts = ConfusionTable.Count(report);
        Assert.Equal(500, counts.Cast<int>().Sum());
        var pairs = report.Labels.Zip(report.WorstCase.Predictions).ToLookup(pair => pair);
        for (var truth = 0; truth < 10; truth++)
            for (var taken = 0; taken < 10; taken++) Assert.Equal(pairs[(truth, taken)].Count(), counts[truth, taken]);
        Assert.Equal(report.WorstCase.CorrectCount, Enumerable.Range(0, 10).Sum(label => counts[label, label]));

        var page = Parse(new HtmlReport("page") { Models = [model], ClassNames = SampleReport.ClassNames });
        var cells = page.QuerySelectorAll(".confusion tbody td").Select(cell => cell.TextContent).ToArray();
        Assert.Equal(counts.Cast<int>().Select(count => count == 0 ? "·" : $"{count}"), cells);
        Assert.Equal(10, page.QuerySelectorAll(".confusion td.right").Length);
    }

    [Fact]
    public void An_image_that_the_network_takes_for_no_class_is_in_no_column()
    {
        var model = SampleReport.Model(1, 2, 10);
        var report = model.Robustness!;
        long[] predictions = [-1, .. report.WorstCase.Predictions.Skip(1)];
        var counts = ConfusionTable.Count(report with { WorstCase = report.WorstCase with { Predictions = predictions } });
        Assert.Equal(499, counts.Cast<int>().Sum());
    }

    [Fact]
    public void Of_a_hundred_classes_the_most_frequent_mistakes_are_listed()
    {
        var page = Parse(SampleReport.Of(1, 2, 100));
        Assert.Empty(page.QuerySelectorAll(".confusion"));
        Assert.InRange(page.QuerySelectorAll("#confusion ~ div tbody tr").Length, 10, 15);
    }

    [Fact]
    public void Figures_that_are_not_finite_leave_a_gap_and_nothing_else()
    {
        var history = new[] { 1.0, double.NaN, 3, double.PositiveInfinity, 2, 2 }
            .Select((loss, i) => new EpochRecord(i + 1, loss, double.NaN, 0.1, null, null, 1)).ToArray();
        var page = Parse(new HtmlReport("gaps") { Models = [new("student") { Training = new(history, null, 6, 6, false) }] });
        var chart = Assert.Single(page.QuerySelectorAll("figure > svg"));
        ChartCheck.IsDrawn(chart);
        Assert.Equal(4, chart.QuerySelectorAll("g.series circle").Length);
        Assert.Single(chart.QuerySelectorAll("g.series polyline"));
    }

    [Fact]
    public void A_report_is_saved_whole_in_folders_that_it_makes()
    {
        var path = Path.Combine(Evaluation.EvaluationProblem.File("sub"), "report.html");
        var report = SampleReport.Of(1, 1);
        report.Save(path);
        Assert.Equal(report.ToHtml(), File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void Versions_seed_settings_and_the_command_are_there()
    {
        var report = SampleReport.Of();
        var page = Parse(report);
        var facts = page.QuerySelectorAll("#settings ~ table tr").Select(row => row.TextContent).ToArray();
        foreach (var expected in (string[])["Ard.Trainers", "TorchSharp", "libtorch", ".NET", "seed1"])
            Assert.Contains(facts, fact => fact.StartsWith(expected));
        Assert.All(page.QuerySelectorAll(".settings"), settings => Assert.Contains("Objective.Options.Temperature4", settings.TextContent));
        Assert.Contains("./ard demo --seed 1", page.QuerySelector("pre")!.TextContent);
    }
}
