using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Ard.Bench;

/// <summary>
/// The PyTorch half of a benchmark: a server that runs what it is told to (the scripts in bench/pytorch describe the lines).
/// </summary>
internal sealed class PyTorchPeer : IDisposable
{
    private readonly Process process;

    private PyTorchPeer(Process process, string version) => (this.process, Version) = (process, version);

    public string Version { get; }

    /// <summary>A Python with PyTorch: ARD_PYTHON, python3, or Debian's own; null where there is none.</summary>
    public static string? FindPython() =>
        new[] { Environment.GetEnvironmentVariable("ARD_PYTHON"), "python3", "/usr/bin/python3" }
            .FirstOrDefault(python => !string.IsNullOrEmpty(python) && HasTorch(python));

    public static PyTorchPeer Start(string python, string script, string state, int threads, params string[] more)
    {
        var process = Launch(python, [script, "--threads", threads.ToString(CultureInfo.InvariantCulture), "--state", state, .. more]);
        var line = process.StandardOutput.ReadLine();
        if (line?.StartsWith("ready ", StringComparison.Ordinal) != true)
            throw new InvalidOperationException($"The PyTorch side did not start: {process.StandardError.ReadToEnd()}");
        using var about = JsonDocument.Parse(line["ready ".Length..]);
        return new PyTorchPeer(process, about.RootElement.GetProperty("torch").GetString()!);
    }

    public T Run<T>(string what) => Ask($"run {what}").Deserialize<T>(JsonSerializerOptions.Web)!;

    /// <summary>The most bytes that the process ever had in memory.</summary>
    public long Memory() => Ask("memory").GetProperty("peak").GetInt64();

    public void Reset() => Ask("reset");

    private JsonElement Ask(string line)
    {
        process.StandardInput.WriteLine(line);
        var answer = process.StandardOutput.ReadLine()
            ?? throw new InvalidOperationException($"PyTorch ended: {process.StandardError.ReadToEnd()}");
        var element = JsonDocument.Parse(answer).RootElement;
        return element.TryGetProperty("error", out var error)
            ? throw new InvalidOperationException($"PyTorch says: {error.GetString()}")
            : element;
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        if (!process.WaitForExit(5000)) process.Kill();
        process.Dispose();
    }

    private static bool HasTorch(string python)
    {
        try
        {
            using var process = Launch(python, ["-c", "import torch"]);
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static Process Launch(string python, string[] arguments) => Process.Start(new ProcessStartInfo(python, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        // As on our side: threads of OpenBLAS's own and those of OpenMP get in each other's way.
        Environment = { ["OPENBLAS_NUM_THREADS"] = Environment.GetEnvironmentVariable("OPENBLAS_NUM_THREADS") ?? "1" },
    })!;
}
