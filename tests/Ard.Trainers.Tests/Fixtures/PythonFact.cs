using System.Diagnostics;

namespace Ard.Trainers.Tests.Fixtures;

/// <summary>
/// A test that compares with Python, reported as skipped, with the modules' names, where no Python has them: ARD_PYTHON, python3 and
/// /usr/bin/python3 are asked.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PythonFactAttribute : FactAttribute
{
    public PythonFactAttribute(params string[] modules)
    {
        if (Python.With(modules) is null) Skip = $"needs a Python with {string.Join(" and ", modules)} (ARD_PYTHON names one)";
    }
}

/// <summary>Runs scripts in a Python that has what they need.</summary>
internal static class Python
{
    /// <summary>The first Python that has these modules; null where none has.</summary>
    public static string? With(params string[] modules) =>
        new[] { Environment.GetEnvironmentVariable("ARD_PYTHON"), "python3", "/usr/bin/python3" }
            .FirstOrDefault(python => python is { Length: > 0 } && Start(python, $"import {string.Join(", ", modules)}", []).Code == 0);

    /// <summary>What a script prints. A script that fails, fails the test.</summary>
    public static string Run(string[] modules, string script, params string[] arguments)
    {
        var (code, output, error) = Start(With(modules)!, script, arguments);
        Assert.True(code == 0, error);
        return output;
    }

    private static (int Code, string Output, string Error) Start(string python, string script, string[] arguments)
    {
        var start = new ProcessStartInfo(python) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments.Prepend(script).Prepend("-c")) start.ArgumentList.Add(argument);
        try
        {
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output, error.Result);
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            return (-1, "", exception.Message);
        }
    }
}
