using Ard.Trainers.Native;

namespace Ard.Trainers.Tests.Native;

public class GradientCheckTests
{
    [Fact]
    public void The_gradients_of_this_machine_are_right()
    {
        GradientCheck.Require();
        Assert.Null(GradientCheck.FaultOf(GradientCheck.Gradients));
    }

    [Theory]
    [InlineData(1.01)]
    [InlineData(0)]
    [InlineData(double.NaN)]
    public void One_wrong_value_names_cause_and_remedy(double factor)
    {
        var fault = GradientCheck.FaultOf(type =>
        {
            var gradients = GradientCheck.Gradients(type);
            if (type == ScalarType.Float32) gradients[2].mul_(tensor(factor, dtype: type));
            return gradients;
        });
        Assert.Contains("differs from Float64's", fault);
        Assert.Contains("/sys/devices/system/cpu/cpu0/cache", fault);
        Assert.Contains("ONEDNN_MAX_CPU_ISA=SSE41", fault);
    }

    [Fact]
    public void Leaves_no_tensor()
    {
        static long Live() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        var before = Live();
        GradientCheck.FaultOf(GradientCheck.Gradients);
        Assert.Equal(before, Live());
    }
}
