using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using static TorchSharp.torch.optim.lr_scheduler;

namespace Contract.Tests.Torch;

public class OptimSchedulerTests
{
    private static SGD Optimizer(double rate = 1) => optim.SGD([Parameter(ones(1))], rate, momentum: 0.9);

    private static void Rates(Func<SGD, LRScheduler> make, params double[] expected)
    {
        using var optimizer = Optimizer();
        LRScheduler schedule = make(optimizer);
        var found = new List<double>();
        foreach (double _ in expected)
        {
            found.Add(optimizer.ParamGroups.Single().LearningRate);
            Assert.Equal(found[^1], schedule.get_last_lr().Single());
            schedule.step();
        }
        Assert.Equal(expected, found, (a, b) => Math.Abs(a - b) < 1e-14);
    }

    // Numbers of PyTorch 1.13 and of TorchSharp 0.107.
    [Fact]
    public void Schedules_move_the_rate_as_in_PyTorch()
    {
        Rates(o => StepLR(o, 2), 1, 1, 0.1, 0.1, 0.01, 0.01);
        Rates(o => MultiStepLR(o, [4, 2, 4], 0.5), 1, 1, 0.5, 0.5, 0.25, 0.25);
        Rates(o => ExponentialLR(o, 0.5), 1, 0.5, 0.25, 0.125);
        Rates(o => LambdaLR(o, epoch => 1.0 / (epoch + 1)), 1, 0.5, 1.0 / 3, 0.25);
        Rates(o => LinearLR(o, 0.25, 1, 4), 0.25, 0.4375, 0.625, 0.8125, 1, 1);
        Rates(o => ConstantLR(o, 0.5, 3), 0.5, 0.5, 0.5, 1, 1);
        Rates(o => CosineAnnealingLR(o, 5, 0.1),
            1, 0.9140576474687263,
            0.6890576474687263, 0.41094235253127365, 0.1859423525312737, 0.1, 0.18594235253127367, 0.41094235253127387);
    }

    [Fact]
    public void One_cycle_rises_and_falls_and_moves_the_momentum_against_the_rate()
    {
        Rates(o => OneCycleLR(o, 2.0, total_steps: 8),
            0.08, 1.638550209784384,
            1.9438835547750464, 1.623491307899526, 1.1119680282454032, 0.5661219964173985, 0.1532831876685128, 8e-06);
        Rates(o => OneCycleLR(o, 2.0, epochs: 2, steps_per_epoch: 4), 0.08, 1.638550209784384);
        Rates(o => OneCycleLR(
                o, 2.0, total_steps: 8, three_phase: true,
                anneal_strategy: optim.lr_scheduler.impl.OneCycleLR.AnnealStrategy.Linear, cycle_momentum: false),
            0.08, 1.4514285714285715, 1.177142857142857, 0.07619085714285714, 0.05714514285714285);
        using var optimizer = Optimizer();
        var schedule = OneCycleLR(optimizer, 2.0, total_steps: 3);
        var group = (SGD.ParamGroup)optimizer.ParamGroups.Single();
        Assert.Equal(0.8505584586887436, group.Momentum, 12);
        schedule.step();
        schedule.step();
        Assert.Equal(0.95, group.Momentum, 12);
        schedule.step();
        Assert.Contains("total steps is 3", Assert.Throws<InvalidOperationException>(() => schedule.step()).Message);
        Assert.Throws<ArgumentException>(() => OneCycleLR(optimizer, 2.0));
    }

    [Fact]
    public void Schedules_follow_one_another()
    {
        Rates(o => SequentialLR(o, [LinearLR(o, 0.25, 1, 3), CosineAnnealingLR(o, 5)], [3]),
            0.25, 0.5, 0.75, 1, 0.9045084971874737, 0.6545084971874737, 0.3454915028125263, 0.09549150281252632);
        Rates(o => SequentialLR(o, [ConstantLR(o, 0.1, 2), ExponentialLR(o, 0.5), StepLR(o, 2)], [2, 4]),
            0.1, 0.1, 1, 0.5, 1, 1, 0.1, 0.1, 0.01);
        using var optimizer = Optimizer();
        Assert.Throws<ArgumentException>(() => SequentialLR(optimizer, [StepLR(optimizer, 1)], [1]));
    }

    [Fact]
    public void A_schedule_can_be_set_to_an_epoch()
    {
        using var optimizer = Optimizer();
        var schedule = MultiStepLR(optimizer, [2, 4], 0.5);
        double At(Action move)
        {
            move();
            return optimizer.ParamGroups.Single().LearningRate;
        }

        Assert.Equal(0.25, At(() => schedule.step(4)));
        Assert.Equal(1, At(() => schedule.step(1)));
        Assert.Equal(0.5, At(schedule.step));
    }

    [Fact]
    public void A_schedule_that_begins_late_goes_on_from_the_rate_that_is()
    {
        Rates(o => StepLR(o, 2, last_epoch: 3), 0.1, 0.1, 0.01);
        Rates(o => CosineAnnealingLR(o, 5, last_epoch: 2), 0.5278640450004206, 0.14589803375031551, 0);
        Rates(o => MultiStepLR(o, [2, 4], last_epoch: 4), 1, 1);
    }

    [Fact]
    public void The_base_is_the_rate_of_construction()
    {
        using var optimizer = Optimizer();
        optimizer.ParamGroups.Single().LearningRate = 0.5;
        LambdaLR(optimizer, _ => 1);
        Assert.Equal(1, optimizer.ParamGroups.Single().LearningRate);
    }

    [Fact]
    public void Each_group_has_its_rate()
    {
        using var optimizer = optim.SGD(
            [new SGD.ParamGroup([Parameter(ones(1))], lr: 1), new SGD.ParamGroup([Parameter(ones(1))], lr: 10)], 0.1);
        var schedule = StepLR(optimizer, 1, 0.5);
        schedule.step();
        Assert.Equal([0.5, 5], schedule.get_last_lr());
    }
}
