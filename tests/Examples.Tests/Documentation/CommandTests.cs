using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Ard.Examples.Tests.Documentation;

public sealed class CommandTests
{
    [Fact, Trait("Category", "Long")]
    public void Every_command_of_the_README_runs_in_a_fresh_copy() => Run("docs/check-commands.sh");

    [Fact, Trait("Category", "Long")]
    public void An_application_installs_the_packages_and_publishes_itself() => Run("tests/packages.sh");

    // Of all verbs only api is a script of the shell's.
    [Fact]
    public void Windows_script_has_the_same_verbs()
    {
        string Script(string name, string from) => File.ReadAllText(Path.Combine(Page.Root, name)).Split(from)[^1];
        var shell = Regex.Matches(Script("ard", "\ncase "), @"^    ([a-z][a-z |]+?)(?: \|[^)]*-h[^)]*)?\) ", RegexOptions.Multiline)
            .SelectMany(line => line.Groups[1].Value.Split(" | "));
        var windows = Regex.Matches(Script("ard.ps1", "\nswitch "), "'([a-z]{4,})'").Select(verb => verb.Groups[1].Value);
        Assert.Equal(shell.Except(["api"]).Order(), windows.Order());
    }

    private static void Run(string path)
    {
        var start = new ProcessStartInfo(Path.Combine(Page.Root, path)) { RedirectStandardOutput = true };
        // What the test's own build has set is not for the copy.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
            start.Environment.Remove(name);
        using var script = Process.Start(start)!;
        var output = script.StandardOutput.ReadToEnd();
        script.WaitForExit();
        Assert.True(script.ExitCode == 0, output);
    }
}
