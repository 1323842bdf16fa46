namespace Ard.Trainers.Training;

/// <summary>Devices by the names that options and command lines use: auto, cpu, cuda, cuda:N.</summary>
public static class TrainingDevice
{
    /// <summary>The device of that name. Of several processes on a machine each gets a GPU of its own, unless a number is named.</summary>
    /// <param name="name">auto (the first GPU if there is one, else the CPU), cpu, cuda or cuda:N.</param>
    /// <exception cref="ArgumentException">The name is none of these, or there is no such GPU.</exception>
    public static Device Find(string name) => Find(name, null);

    // The number of the process on its machine is asked for only where there are GPUs: the other processes are joined for it.
    internal static Device Find(string name, int? localRank)
    {
        if (!IsWellFormed(name)) throw new ArgumentException($"Device '{name}': expected auto, cpu, cuda or cuda:N.", nameof(name));
        if (name == "cpu" || (name == "auto" && !cuda.is_available())) return CPU;
        var count = cuda.is_available() ? cuda.device_count() : 0;
        var index = name.Contains(':') ? int.Parse(name.Split(':')[1], CultureInfo.InvariantCulture)
            : count == 0 ? 0 : (localRank ?? ProcessGroup.Current.LocalRank) % count;
        if (index >= count)
            throw new ArgumentException($"Device '{name}': expected a GPU of this machine, found {count} GPU(s).", nameof(name));
        return device(DeviceType.CUDA, index);
    }

    internal static bool IsWellFormed(string name) =>
        name is "auto" or "cpu" or "cuda" || (name.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out _));
}
