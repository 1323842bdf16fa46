using Ard.Trainers.Native;

namespace Ard.Trainers.Tests.Native;

public class NativeSettingsTests
{
    [Theory]
    [InlineData("processor\t: 0\nvendor_id\t: AuthenticAMD\n", false, true)]
    [InlineData("processor\t: 0\nvendor_id\t: AuthenticAMD\n", true, false)]
    [InlineData("processor\t: 0\nvendor_id\t: GenuineIntel\n", false, false)]
    [InlineData(null, false, false)]
    public void Only_an_AMD_processor_without_caches_hides_them(string? processors, bool caches, bool hides)
    {
        var folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            var (cache, file) = (Path.Combine(folder, "cache"), Path.Combine(folder, "cpuinfo"));
            if (caches) Directory.CreateDirectory(cache);
            if (processors is not null) File.WriteAllText(file, processors);
            Assert.Equal(hides, NativeSettings.HidesCaches(cache, file));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
