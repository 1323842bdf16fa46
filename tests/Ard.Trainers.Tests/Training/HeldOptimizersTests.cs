namespace Ard.Trainers.Tests.Training;

/// <summary>Our steps against TorchSharp's own, which are right while no other thread collects.</summary>
public sealed class HeldOptimizersTests
{
    public static TheoryData<OptimizerSpec, Func<IEnumerable<Parameter>, OptimizerHelper>> Both => new()
    {
        { new SgdOptimizer { Momentum = 0, WeightDecay = 0 }, own => optim.SGD(own, 0.1) },
        { new SgdOptimizer { WeightDecay = 0.01 }, own => optim.SGD(own, 0.1, momentum: 0.9, weight_decay: 0.01) },
        { new SgdOptimizer { Nesterov = true }, own => optim.SGD(own, 0.1, momentum: 0.9, weight_decay: 2e-4, nesterov: true) },
        { new AdamOptimizer(), own => optim.Adam(own, 1e-3) },
        {
            new AdamOptimizer { Beta1 = 0.8, Beta2 = 0.95, Epsilon = 1e-3, WeightDecay = 0.02 },
            own => optim.Adam(own, 1e-3, 0.8, 0.95, 1e-3, 0.02)
        },
        { new AdamOptimizer { Decoupled = true, WeightDecay = 0.02 }, own => optim.AdamW(own, 1e-3, weight_decay: 0.02) },
    };

    [Theory]
    [MemberData(nameof(Both))]
    public void Steps_have_the_bits_of_TorchSharps_own(OptimizerSpec spec, Func<IEnumerable<Parameter>, OptimizerHelper> theirs)
    {
        using var scope = NewDisposeScope();
        var (ours, own) = (Parameters(), Parameters());
        using var held = spec.Create(ours);
        using var original = theirs(own);
        using var generator = new Generator(5);
        for (var step = 0; step < 20; step++)
        {
            foreach (var optimizer in new[] { held, original })
                foreach (var group in optimizer.ParamGroups) group.LearningRate = spec.LearningRate / (1 + step);
            for (var n = 0; n < ours.Length; n++)
            {
                // The second has no gradient at first, the last never.
                if (n == 2 || (n == 1 && step < 3)) continue;
                var gradient = empty(ours[n].shape).normal_(0, 1, generator);
                (ours[n].grad, own[n].grad) = (gradient.clone(), gradient.clone());
            }
            held.step();
            original.step();
            for (var n = 0; n < ours.Length; n++) Fixtures.Compare.Same(own[n], ours[n], $"parameter {n} after step {step}");
        }
        foreach (var (n, (theirState, ourState)) in original.state_dict().State.Zip(held.state_dict().State).Index())
        {
            foreach (var (expected, found) in Tensors(theirState).Zip(Tensors(ourState)))
            {
                Assert.Equal(expected is null, found is null);
                if (expected is not null) Fixtures.Compare.Same(expected, found!, $"state of parameter {n}");
            }
        }

        static Tensor?[] Tensors(object state) => state switch
        {
            SGD.State sgd => [sgd.momentum_buffer],
            Adam.State adam => [tensor(adam.step), adam.exp_avg, adam.exp_avg_sq],
            AdamW.State adamW => [tensor(adamW.step), adamW.exp_avg, adamW.exp_avg_sq],
            _ => throw new NotSupportedException(state.GetType().Name),
        };
    }

    private static Parameter[] Parameters()
    {
        using var generator = new Generator(4);
        return [.. new long[][] { [3, 4], [5], [2] }.Select(shape => new Parameter(empty(shape).normal_(0, 1, generator)))];
    }
}
