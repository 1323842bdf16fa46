namespace Ard.Trainers.Networks;

/// <summary>Seeded construction: modules draw their weights from the process-wide random state.</summary>
internal static class Initialisation
{
    /// <summary>To be held by whoever sets the process-wide random state, so that no construction is disturbed.</summary>
    internal static Lock Gate { get; } = new();

    /// <summary>
    /// Calls <paramref name="build"/> with the CPU's default generator seeded, and leaves that as it was, also on failure. Other threads
    /// that draw from it meanwhile disturb it; of this library, only networks with dropout or the like do.
    /// </summary>
    public static T Seeded<T>(long seed, Func<T> build) where T : Module
    {
        ArgumentNullException.ThrowIfNull(build);
        lock (Gate)
        {
            using var state = new GlobalRandomState(seed, CPU);
            return build();
        }
    }
}

/// <summary>
/// The process-wide random state, from which networks draw what is random in them, such as dropout: that of the CPU is put back on
/// disposal, that of a GPU, which TorchSharp does not give, is not.
/// </summary>
internal sealed class GlobalRandomState : IDisposable
{
    private readonly Tensor before;

    public GlobalRandomState()
    {
        using var scope = NewDisposeScope();
        lock (Initialisation.Gate) before = Generator.Default.get_state().DetachFromDisposeScope();
    }

    /// <summary>The same, seeded at once.</summary>
    public GlobalRandomState(long seed, Device device) : this() => Seed(seed, device);

    /// <summary>Decides what is drawn from now on, on the CPU and on the GPUs if the device is one.</summary>
    public static void Seed(long seed, Device device)
    {
        lock (Initialisation.Gate)
        {
            Generator.Default.manual_seed(seed);
            // All, for the current one need not be that of the device.
            if (device.type == TorchSharp.DeviceType.CUDA) cuda.manual_seed_all(seed);
        }
    }

    public void Dispose()
    {
        lock (Initialisation.Gate) Generator.Default.set_state(before);
        before.Dispose();
    }
}
