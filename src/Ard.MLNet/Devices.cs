namespace Ard.MLNet;

/// <summary>Where to compute, as options and the MLContext say it.</summary>
internal static class Devices
{
    /// <summary>
    /// The name of the device: "auto" becomes the GPU that MLContext.GpuDeviceId names, if it names one. Where there is no such GPU, that
    /// is an error, or the CPU if MLContext.FallbackToCpu is true.
    /// </summary>
    public static string Choose(MLContext mlContext, string device)
    {
        if (device != "auto" || mlContext.GpuDeviceId is not { } gpu) return device;
        var found = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        if (gpu >= 0 && gpu < found) return $"cuda:{gpu}";
        if (mlContext.FallbackToCpu) return "cpu";
        throw new InvalidOperationException(
            $"MLContext.GpuDeviceId is {gpu}: expected a GPU of this machine, found {found} GPU(s). "
            + "MLContext.FallbackToCpu = true takes the CPU instead.");
    }
}
