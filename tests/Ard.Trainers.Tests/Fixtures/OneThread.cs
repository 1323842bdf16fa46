using System.Runtime.CompilerServices;

namespace Ard.Trainers.Tests.Fixtures;

/// <summary>
/// Tests run beside one another, and how many threads libtorch uses is one number for the process: a training that sets another one would
/// round differently what another test compares bit for bit. So all of them compute with one.
/// </summary>
internal static class OneThread
{
    [ModuleInitializer]
    internal static void Set()
    {
        Environment.SetEnvironmentVariable("OMP_NUM_THREADS", "1");
        torch.set_num_threads(1);
    }
}
