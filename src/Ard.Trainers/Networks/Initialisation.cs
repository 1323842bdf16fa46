using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Networks;

/// <summary>
/// Seeded construction. Modules draw their initial weights from the process-wide random state; here it is set for the time of one
/// construction and then put back. One construction at a time.
/// </summary>
public static class Initialisation
{
    private static readonly Lock Gate = new();

    /// <summary>
    /// Calls <paramref name="build"/> with the CPU's default generator seeded by <paramref name="seed"/>, and leaves that generator as it
    /// was, also when the construction fails. So modules that draw their weights on the CPU depend on the seed alone. Other threads that
    /// use the default generator meanwhile would disturb it; nothing in this library does.
    /// </summary>
    public static T Seeded<T>(long seed, Func<T> build) where T : Module
    {
        ArgumentNullException.ThrowIfNull(build);
        lock (Gate)
        {
            var generator = Generator.Default;
            using var before = generator.get_state();
            try
            {
                generator.manual_seed(seed);
                return build();
            }
            finally
            {
                generator.set_state(before);
            }
        }
    }
}
