namespace Ard.Bench;

/// <summary>One side of a benchmark: a process that does what it is told, a line in and a line of JSON out.</summary>
internal sealed class Peer : IDisposable
{
    // As it was before this library set anything for its own process.
    private static readonly Dictionary<string, string?> Surroundings = new(
        Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
            .Select(variable => KeyValuePair.Create((string)variable.Key, (string?)variable.Value)))
    {
        // Threads of Debian's OpenBLAS and those of OpenMP get in each other's way.
        ["OPENBLAS_NUM_THREADS"] = Environment.GetEnvironmentVariable("OPENBLAS_NUM_THREADS") ?? "1",
    };

    private static readonly Lazy<string?> Python = new(() =>
        new[] { Environment.GetEnvironmentVariable("ARD_PYTHON"), "python3", "/usr/bin/python3" }
            .FirstOrDefault(python => !string.IsNullOrEmpty(python) && HasTorch(python)));

    private readonly Process process;

    private Peer(Process process)
    {
        this.process = process;
        if (process.StandardOutput.ReadLine() is not { } line || !line.StartsWith("ready ", StringComparison.Ordinal))
            throw new InvalidOperationException($"The other side did not start: {process.StandardError.ReadToEnd()}");
        Version = JsonDocument.Parse(line["ready ".Length..]).RootElement.GetProperty("torch").GetString()!;
    }

    /// <summary>Of PyTorch or libtorch.</summary>
    public string Version { get; }

    /// <summary>Whether there is a Python with PyTorch: ARD_PYTHON, python3, or Debian's own. To be asked first of all.</summary>
    public static bool HasPyTorch => Python.Value is not null;

    /// <summary>A script of bench/pytorch; null where there is no PyTorch.</summary>
    public static Peer? PyTorch(string script, params string[] arguments) =>
        Python.Value is { } python ? new(Launch(python, [Path.Combine(AppContext.BaseDirectory, "pytorch", script), .. arguments])) : null;

    /// <summary>This program with other arguments.</summary>
    public static Peer Self(params string[] arguments)
    {
        // By `dotnet Ard.Bench.dll` the process is dotnet's.
        var program = Environment.ProcessPath!;
        return new(Path.GetFileNameWithoutExtension(program) == "dotnet"
            ? Launch(program, [typeof(Peer).Assembly.Location, .. arguments]) : Launch(program, arguments));
    }

    public T Ask<T>(string line)
    {
        process.StandardInput.WriteLine(line);
        var answer = process.StandardOutput.ReadLine()
            ?? throw new InvalidOperationException($"The other side ended: {process.StandardError.ReadToEnd()}");
        var element = JsonDocument.Parse(answer).RootElement;
        return element.TryGetProperty("error", out var error)
            ? throw new InvalidOperationException($"The other side says: {error.GetString()}")
            : element.Deserialize<T>(JsonSerializerOptions.Web)!;
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

    private static Process Launch(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var (name, value) in Surroundings) start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
