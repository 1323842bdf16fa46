using System.Diagnostics;

namespace Ard.MLNet.Tests;

/// <summary>A fresh process uses a large block twice, once more after a training and after scoring: how many pages it asked for.</summary>
public sealed class FreedMemoryTests : IDisposable
{
    private const int Pages = (48 << 20) / 4096;

    private readonly string file = Path.GetTempFileName();

    public void Dispose() => File.Delete(file);

    [Fact]
    public async Task It_stays_with_the_process_until_a_training_or_a_scoring_ends()
    {
        var (again, trained, scored) = await Faults();
        Assert.InRange(again, 0, Pages / 10);
        Assert.InRange(trained, Pages / 2, 2 * Pages);
        Assert.InRange(scored, Pages / 2, 2 * Pages);
    }

    [Fact]
    public async Task The_users_own_setting_stays() =>
        Assert.InRange((await Faults(("MALLOC_MMAP_THRESHOLD_", "1048576"))).Again, Pages / 2, 2 * Pages);

    private async Task<(long Again, long Trained, long Scored)> Faults(params (string Name, string Value)[] users)
    {
        var start = AnotherProcess.Prepare("--freed", file);
        foreach (var name in new[] { "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES" }) start.Environment.Remove(name);
        foreach (var (name, value) in users) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, said + await output);
        var words = (await File.ReadAllTextAsync(file)).Split(' ');
        return (long.Parse(words[0]), long.Parse(words[1]), long.Parse(words[2]));
    }
}
