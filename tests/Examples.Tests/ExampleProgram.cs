using System.Diagnostics;

namespace Ard.Examples.Tests;

/// <summary>An example program, run as a process in a folder of its own.</summary>
internal sealed class ExampleProgram(string name) : IDisposable
{
    /// <summary>Where it runs.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("ard-example-").FullName;

    /// <summary>The folder to give it for its results.</summary>
    public string Output => Path.Combine(Folder, "out");

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    public (int Code, string Output, string Error) Run(params string[] arguments)
    {
        using var process = Start(arguments);
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    /// <summary>The program's file: bin/Distill/release/ lies beside bin/Examples.Tests/release/.</summary>
    public string File { get; } = Path.Combine(
        AppContext.BaseDirectory, "..", "..", name, new DirectoryInfo(AppContext.BaseDirectory).Name, name + ".dll");

    public Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
        };
        foreach (var argument in arguments.Prepend(File)) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    /// <summary>The entries of summary.json.</summary>
    public JsonElement[] Summary() =>
        [.. JsonDocument.Parse(System.IO.File.ReadAllText(Path.Combine(Output, "summary.json"))).RootElement.EnumerateArray()];
}
