using PuppeteerSharp;

namespace Ard.Trainers.Tests.Reports;

/// <summary>A page of a headless Chromium that is offline.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "chrome"];

    private readonly IBrowser browser;
    private readonly IPage page;
    private readonly List<string> complaints = [];

    private Browser(IBrowser browser, IPage page)
    {
        (this.browser, this.page) = (browser, page);
        page.Console += (_, entry) => complaints.Add($"{entry.Message.Type}: {entry.Message.Text}");
        page.PageError += (_, error) => complaints.Add(error.Message);
        page.Request += (_, request) =>
        {
            if (request.Request.Url is var url && !url.StartsWith("file:", StringComparison.Ordinal)
                && !url.StartsWith("data:", StringComparison.Ordinal)) complaints.Add($"request for {url}");
        };
    }

    /// <summary>The program; null where there is none.</summary>
    public static string? Program { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(path => Names.Select(name => Path.Combine(path, name))).FirstOrDefault(File.Exists);

    /// <summary>Errors and warnings on the console, exceptions, refused policies and requests for anything but the page, so far.</summary>
    public IReadOnlyList<string> Complaints => complaints;

    public static async Task<Browser> Start()
    {
        var browser = await Puppeteer.LaunchAsync(new() { ExecutablePath = Program, Args = ["--no-sandbox", "--disable-gpu"] });
        var page = await browser.NewPageAsync();
        await page.SetOfflineModeAsync(true);
        return new(browser, page);
    }

    /// <summary>Opens a file in a window of some size and colours, and waits until it is loaded.</summary>
    public async Task Open(string file, int width, string scheme = "light")
    {
        await page.SetViewportAsync(new() { Width = width, Height = 800, IsMobile = width < 500 });
        await page.EmulateMediaFeaturesAsync([new() { MediaFeature = MediaFeature.PrefersColorScheme, Value = scheme }]);
        await page.GoToAsync(new Uri(file).AbsoluteUri);
    }

    /// <summary>The value of an expression in the page.</summary>
    public Task<JsonElement> Evaluate(string expression) => page.EvaluateExpressionAsync<JsonElement>(expression);

    public ValueTask DisposeAsync() => browser.DisposeAsync();
}

/// <summary>A test that needs Chromium and is reported as skipped where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute()
    {
        if (Browser.Program is null) Skip = "needs Chromium (or Chrome) in PATH";
    }
}
