using System.Diagnostics;

namespace Ard.MLNet.Tests;

/// <summary>OpenMP, when libtorch loads it in a fresh process, says what it has read from the environment.</summary>
public sealed class OpenMpTests : IDisposable
{
    private readonly string model = Path.GetTempFileName();

    public void Dispose() => File.Delete(model);

    [Fact]
    public async Task Waiting_threads_leave_the_processors_to_others() => Assert.Contains("GOMP_SPINCOUNT = '3000'", await Settings());

    [Fact]
    public async Task The_users_own_policy_stays()
    {
        var said = await Settings(("OMP_WAIT_POLICY", "active"));
        Assert.Contains("OMP_WAIT_POLICY = 'ACTIVE'", said);
        Assert.DoesNotContain("GOMP_SPINCOUNT = '3000'", said);
    }

    [Fact]
    public async Task The_users_own_time_of_waiting_stays() =>
        Assert.Contains("GOMP_SPINCOUNT = '123'", await Settings(("GOMP_SPINCOUNT", "123")));

    private async Task<string> Settings(params (string Name, string Value)[] users)
    {
        var start = AnotherProcess.Prepare("--write", model);
        foreach (var name in new[] { "OMP_WAIT_POLICY", "GOMP_SPINCOUNT" }) start.Environment.Remove(name);
        foreach (var (name, value) in users) start.Environment[name] = value;
        start.Environment["OMP_DISPLAY_ENV"] = "VERBOSE";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, said + await output);
        return said;
    }
}
