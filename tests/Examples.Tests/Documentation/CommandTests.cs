using System.Diagnostics;

namespace Ard.Examples.Tests.Documentation;

public sealed class CommandTests
{
    [Fact, Trait("Category", "Long")]
    public void Every_command_of_the_README_runs_in_a_fresh_copy() => Run("docs/check-commands.sh");

    [Fact, Trait("Category", "Long")]
    public void An_application_installs_the_packages_and_publishes_itself() => Run("tests/packages.sh");

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
