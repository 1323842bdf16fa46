using System.Diagnostics;
using Ard.Trainers.Training;

namespace Ard.Gpu.Tests;

/// <summary>
/// The device of these tests: ARD_TEST_DEVICE, else the first GPU. Set to cpu it tries the tests themselves, where there is no GPU.
/// </summary>
public static class TestDevice
{
    public static string Name { get; } = Environment.GetEnvironmentVariable("ARD_TEST_DEVICE") is { Length: > 0 } name ? name : "cuda";

    public static string? Missing { get; } = Name == "cpu" || cuda.is_available()
        ? null
        : "needs a CUDA device (ARD_TEST_DEVICE=cpu tries the tests on the CPU)";

    public static Device Device => TrainingDevice.Find(Name);

    public static bool IsGpu => Name != "cpu";

    /// <summary>MB of the GPU that are in use, by whomever; null where nvidia-smi does not say it.</summary>
    public static long? MemoryInUse()
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("nvidia-smi", "--query-gpu=memory.used --format=csv,noheader,nounits")
            {
                RedirectStandardOutput = true,
            })!;
            var line = process.StandardOutput.ReadLine();
            process.WaitForExit();
            return long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var megabytes) ? megabytes : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}

/// <summary>A test that needs the device.</summary>
public sealed class GpuFactAttribute : FactAttribute
{
    public GpuFactAttribute() => Skip = TestDevice.Missing;
}

/// <summary>As <see cref="GpuFactAttribute"/>, with data.</summary>
public sealed class GpuTheoryAttribute : TheoryAttribute
{
    public GpuTheoryAttribute() => Skip = TestDevice.Missing;
}
