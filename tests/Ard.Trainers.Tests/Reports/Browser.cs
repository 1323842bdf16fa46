using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ard.Trainers.Tests.Reports;

/// <summary>A headless Chromium that is offline, spoken to by the Chrome DevTools Protocol.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "chrome"];

    private readonly Process process;
    private readonly string folder;
    private readonly ClientWebSocket socket = new();
    private readonly List<string> complaints = [];
    private int calls;

    private Browser(Process process, string folder) => (this.process, this.folder) = (process, folder);

    /// <summary>The program; null where there is none.</summary>
    public static string? Program { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(path => Names.Select(name => Path.Combine(path, name))).FirstOrDefault(File.Exists);

    /// <summary>Errors and warnings on the console, exceptions, refused policies and requests for anything but the page, so far.</summary>
    public IReadOnlyList<string> Complaints => complaints;

    public static async Task<Browser> Start()
    {
        var folder = Directory.CreateTempSubdirectory("ard-browser-").FullName;
        var start = new ProcessStartInfo(Program!) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])[
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", $"--user-data-dir={folder}", "--remote-debugging-port=0", "about:blank"])
            start.ArgumentList.Add(argument);
        var browser = new Browser(Process.Start(start)!, folder);
        // The port is in this file as soon as it is open.
        var port = Path.Combine(folder, "DevToolsActivePort");
        for (var wait = 0; !(File.Exists(port) && File.ReadAllLines(port).Length > 1); wait++)
        {
            if (wait > 600 || browser.process.HasExited) throw new InvalidOperationException("The browser did not start.");
            await Task.Delay(100);
        }
        var lines = File.ReadAllLines(port);
        using var http = new HttpClient();
        var targets = JsonNode.Parse(await http.GetStringAsync($"http://127.0.0.1:{lines[0]}/json"))!.AsArray();
        var page = targets.First(target => target!["type"]!.GetValue<string>() == "page")!["webSocketDebuggerUrl"]!.GetValue<string>();
        await browser.socket.ConnectAsync(new Uri(page), CancellationToken.None);
        foreach (var domain in (string[])["Page", "Runtime", "Log", "Network"]) await browser.Call($"{domain}.enable");
        await browser.Call(
            "Network.emulateNetworkConditions", new { offline = true, latency = 0, downloadThroughput = -1, uploadThroughput = -1 });
        return browser;
    }

    /// <summary>Opens a file in a window of some size and colours, and waits until it is loaded.</summary>
    public async Task Open(string file, int width, string scheme = "light")
    {
        await Call("Emulation.setDeviceMetricsOverride", new { width, height = 800, deviceScaleFactor = 1, mobile = width < 500 });
        await Call("Emulation.setEmulatedMedia", new { features = new[] { new { name = "prefers-color-scheme", value = scheme } } });
        await Call("Page.navigate", new { url = new Uri(file).AbsoluteUri });
        while (await Evaluate("document.readyState + location.protocol") is var state && state!.GetValue<string>() != "completefile:")
            await Task.Delay(50);
    }

    /// <summary>The value of an expression in the page.</summary>
    public async Task<JsonNode?> Evaluate(string expression)
    {
        var answer = await Call("Runtime.evaluate", new { expression, returnByValue = true });
        if (answer["exceptionDetails"] is { } fault) throw new InvalidOperationException(fault.ToJsonString());
        return answer["result"]!["value"];
    }

    public async ValueTask DisposeAsync()
    {
        socket.Dispose();
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                Directory.Delete(folder, recursive: true);
                return;
            }
            catch (IOException) when (attempt < 20)
            {
                await Task.Delay(100); // its last processes still write
            }
        }
    }

    private async Task<JsonNode> Call(string method, object? parameters = null)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var id = ++calls;
        var text = JsonSerializer.Serialize(new { id, method, @params = parameters ?? new { } });
        await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, limit.Token);
        while (true)
        {
            var message = await Receive(limit.Token);
            if (message["id"]?.GetValue<int>() == id)
                return message["result"] ?? throw new InvalidOperationException($"{method}: {message["error"]!.ToJsonString()}");
            Note(message);
        }
    }

    private void Note(JsonNode message)
    {
        var parameters = message["params"];
        switch (message["method"]?.GetValue<string>())
        {
            case "Runtime.consoleAPICalled" or "Runtime.exceptionThrown" or "Log.entryAdded":
                complaints.Add(parameters!.ToJsonString());
                break;
            case "Network.requestWillBeSent" when parameters!["request"]!["url"]!.GetValue<string>() is var url
                && !url.StartsWith("file:", StringComparison.Ordinal) && !url.StartsWith("data:", StringComparison.Ordinal)
                && url != "about:blank":
                complaints.Add($"request for {url}");
                break;
        }
    }

    private async Task<JsonNode> Receive(CancellationToken cancellation)
    {
        using var message = new MemoryStream();
        var buffer = new byte[1 << 16];
        WebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer, cancellation);
            message.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return JsonNode.Parse(message.ToArray())!;
    }
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
