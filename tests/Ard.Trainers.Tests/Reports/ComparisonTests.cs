using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using Ard.Trainers.Tests.Evaluation;

namespace Ard.Trainers.Tests.Reports;

public sealed class ComparisonTests
{
    private static RobustnessReport Report(int number) => SampleReport.Model(number, 1, 10).Robustness! with { Images = "aa" };

    private static EvaluationSummary Saved(RobustnessReport report)
    {
        var file = EvaluationProblem.File("report.json");
        File.WriteAllText(file, (EvaluationSummary.Create(report) with { ClassNames = SampleReport.ClassNames }).ToJson());
        return EvaluationSummary.Read(file);
    }

    [Fact]
    public void A_report_that_was_saved_and_read_is_the_same_but_for_what_each_attack_moved()
    {
        var report = Report(1);
        report = report with
        {
            Attacks = [report.Attacks[0] with { Details = "one step", Parts = [("apgd-ce", 310)] }, report.Attacks[1]],
            Flags = [new(RobustnessFlagCode.OneClass, "seen", "advice")],
        };
        var read = Saved(report).ToReport();
        Assert.Equal(report.Clean.Correct, read.Clean.Correct);
        Assert.Equal(report.WorstCase.Points.Select(point => point with { BrokenBy = null }),
            read.WorstCase.Points.Select(point => point with { BrokenBy = null }));
        foreach (var (one, other) in report.Attacks.Append(report.WorstCase).Zip(read.Attacks.Append(read.WorstCase)))
        {
            Assert.Equal((one.Name, one.Details, one.Accuracy), (other.Name, other.Details, other.Accuracy));
            Assert.Equal(one.Correct, other.Correct);
            Assert.Equal(one.Parts, other.Parts);
        }
        Assert.Equal(report.WorstCase.Predictions, read.WorstCase.Predictions);
        Assert.Equal((report.Threat, report.Images), (read.Threat, read.Images));
        Assert.Equal(report.Labels, read.Labels);
        Assert.Equal(report.Flags, read.Flags);
        Assert.Equal(report.Settings, read.Settings);
    }

    [Fact]
    public void The_page_has_every_pair_with_its_figures_and_plots_within_their_edges()
    {
        var reports = new[] { 0, 1, 2 }.Select(Report).ToArray();
        var page = HtmlReport.Compare([.. reports.Select((report, i) => ($"network {i}", Saved(report)))]);
        var html = new HtmlParser().ParseDocument(page.ToHtml());
        var rows = html.QuerySelectorAll("#comparison ~ div.scroll tr").Select(row => row.TextContent.Trim()).ToArray();
        Assert.Equal(1 + 3 * 3, rows.Length);
        Assert.Equal("network 0 – network 2", rows[4]);
        var found = PairedDifference.Between(reports[0].WorstCase, reports[2].WorstCase);
        Assert.Equal(FormattableString.Invariant(
            $"worst case{100 * found.Difference:+0.0;-0.0;0.0}{100 * found.Interval.Low:+0.0;-0.0;0.0} to ")
            + FormattableString.Invariant($"{100 * found.Interval.High:+0.0;-0.0;0.0}{found.PValue:F3}{found.OnlyFirst}{found.OnlySecond}"),
            rows[6]);
        // Their sizes are not known.
        Assert.Equal(
            ["Robustness and accuracy", "Robustness and what it cost to attack"],
            html.QuerySelectorAll("#comparison ~ div figcaption").Select(title => title.TextContent));
        foreach (var chart in html.QuerySelectorAll("#comparison ~ div figure > svg"))
        {
            ChartCheck.IsDrawn(chart);
            ChartCheck.LabelsAreApart(chart);
        }
        // All else that a page has of evaluations.
        Assert.Equal(
            ["accuracy", "comparison", "flags", "classes", "confusion", "settings"],
            html.QuerySelectorAll("section h2").Select(title => title.Id));
    }

    [Fact]
    public void Evaluations_of_something_else_are_refused_by_what_differs()
    {
        var report = Report(1);
        void Refused(string expected, RobustnessReport other)
        {
            Assert.Equal($"B: {expected} as of A.", Assert.Throws<ArgumentException>(
                () => HtmlReport.Compare(("A", Saved(report)), ("B", Saved(other)))).Message);
            // A page of both is one without a comparison.
            var page = new HtmlReport("page") { Models = [new("A") { Robustness = report }, new("B") { Robustness = other }] };
            Assert.DoesNotContain("id=\"comparison\"", page.ToHtml());
        }

        Refused("the threat model is L2 0.5, expected Linf 0.1", report with { Threat = ThreatModel.L2(0.5) });
        Refused("the images are others: their digest is bb, expected aa", report with { Images = "bb" });
        // Of an image that is wrong in any case.
        var wrong = report.Clean.Correct.ToList().IndexOf(false);
        long[] labels = [.. report.Labels];
        labels[wrong] = Enumerable.Range(0, 10).First(
            label => label != labels[wrong] && label != report.Clean.Predictions[wrong] && label != report.WorstCase.Predictions[wrong]);
        Refused("the labels are others, of 1 images", report with { Labels = labels });
        Refused("there are 400 images, expected 500", SampleReport.Evaluation(new Random(1), 400, 10) with { Images = "aa" });
        Refused("the attacks are [fgsm], expected [fgsm, pgd-20]", report with { Attacks = [report.Attacks[0]] });
        Refused(
            "the attacks are [fgsm, pgd-20 (of 3/255)], expected [fgsm, pgd-20]",
            report with { Attacks = [report.Attacks[0], report.Attacks[1] with { Details = "of 3/255" }] });

        Assert.Contains("expected two or more, each of another name", Assert.Throws<ArgumentException>(
            () => HtmlReport.Compare(("A", Saved(report)), ("A", Saved(report)))).Message);
        Assert.Contains("Evaluations without single images: B", Assert.Throws<ArgumentException>(
            () => HtmlReport.Compare(("A", Saved(report)), ("B", Saved(report) with { Points = null }))).Message);
    }
}
