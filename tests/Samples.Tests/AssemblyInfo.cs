using System.Runtime.CompilerServices;

// Samples and notebooks write to the console, of which a process has one.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Ard.Samples.Tests;

internal static class Threads
{
    // Networks of a few channels are quickest on one thread.
    [ModuleInitializer]
    internal static void One() => Environment.SetEnvironmentVariable("OMP_NUM_THREADS", "1");
}
