using Ard.Trainers.Tests.Attacks;
using Ard.Trainers.Training;
using static TorchSharp.torch;

namespace Ard.Trainers.Tests.Training;

[Collection(GlobalRandomStateCollection.Name)]
public sealed class ProcessStateTests
{
    [Fact]
    public void Of_two_trainings_at_once_the_last_to_end_puts_back_what_the_first_has_found()
    {
        var before = get_num_threads();
        var first = new ProcessState(before + 1);
        var second = new ProcessState(before + 2);
        Assert.Equal(before + 2, get_num_threads());
        first.Dispose();
        second.Dispose();
        Assert.Equal(before, get_num_threads());
    }
}
