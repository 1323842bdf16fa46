namespace Ard.Trainers.Tests.Reports;

public sealed class BrowserTests
{
    // Every chart's marks as the browser lays them out: how many there are, and whether one lies outside of its chart.
    private const string Marks = """
        [...document.querySelectorAll('figure > svg')].map(svg => {
            const box = svg.getBoundingClientRect();
            const marks = [...svg.querySelectorAll('.series circle, .series rect, .series path, polyline, .bar, text')]
                .map(mark => mark.getBoundingClientRect());
            const inside = mark =>
                mark.left >= box.left - 1 && mark.right <= box.right + 1 && mark.top >= box.top - 1 && mark.bottom <= box.bottom + 1;
            return {
                title: svg.getAttribute('aria-label'),
                width: box.width,
                marks: marks.length,
                outside: marks.filter(mark => !inside(mark)).length,
            };
        })
        """;

    // Texts of one chart over each other.
    private const string Overlaps = """
        [...document.querySelectorAll('figure > svg')].flatMap(svg => {
            const texts = [...svg.querySelectorAll('text')].map(text => ({ text: text.textContent, box: text.getBoundingClientRect() }));
            return texts.flatMap((one, i) => texts.slice(i + 1).filter(other =>
                one.box.left < other.box.right - 1 && other.box.left < one.box.right - 1
                && one.box.top + 2 < other.box.bottom - 2 && other.box.top + 2 < one.box.bottom - 2)
                .map(other => one.text + ' | ' + other.text));
        })
        """;

    [BrowserFact]
    public async Task With_the_network_off_a_page_has_no_error_every_chart_is_drawn_and_a_phone_needs_no_sideways_scrolling()
    {
        var file = Evaluation.EvaluationProblem.File("report.html");
        var networks = 4;
        SampleReport.Of(networks).Save(file);
        await using var browser = await Browser.Start();
        foreach (var (width, scheme) in new[] { (390, "light"), (390, "dark"), (1280, "light"), (1280, "dark") })
        {
            await browser.Open(file, width, scheme);
            var charts = (await browser.Evaluate(Marks)).EnumerateArray().ToArray();
            Assert.Equal(5 + 3 * networks, charts.Length);
            Assert.All(charts, chart =>
            {
                Assert.InRange(Number(chart, "width"), 300, width);
                Assert.True(Number(chart, "marks") > 5, $"{chart.GetProperty("title")} has {Number(chart, "marks")} marks");
                Assert.True(Number(chart, "outside") == 0, $"{chart.GetProperty("title")} has {Number(chart, "outside")} marks outside");
            });
            Assert.Empty((await browser.Evaluate(Overlaps)).EnumerateArray());
            Assert.True((await browser.Evaluate(
                "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) "
                + "<= document.documentElement.clientWidth")).GetBoolean());
            Assert.Equal(0, (await browser.Evaluate(
                "[...document.images].filter(image => !image.complete || image.naturalWidth !== 16).length")).GetInt32());
            // Dark on light or light on dark.
            var paper = (await browser.Evaluate("getComputedStyle(document.body).backgroundColor")).GetString();
            Assert.Equal(scheme == "light" ? "rgb(255, 255, 255)" : "rgb(16, 21, 26)", paper);
        }
        Assert.Empty(browser.Complaints);
    }

    [BrowserFact]
    public async Task A_page_that_asks_for_something_or_fails_is_found_out()
    {
        var file = Evaluation.EvaluationProblem.File("bad.html");
        await File.WriteAllTextAsync(file,
            "<!DOCTYPE html><img src='http://example.com/a.png'><script>console.error('oh')</script><script>nothing.there</script>");
        await using var browser = await Browser.Start();
        await browser.Open(file, 390);
        Assert.Contains(browser.Complaints, complaint => complaint.Contains("request for http://example.com/a.png"));
        Assert.Contains(browser.Complaints, complaint => complaint.EndsWith("oh"));
        Assert.Contains(browser.Complaints, complaint => complaint.Contains("nothing is not defined"));
    }

    private static double Number(JsonElement chart, string name) => chart.GetProperty(name).GetDouble();
}
