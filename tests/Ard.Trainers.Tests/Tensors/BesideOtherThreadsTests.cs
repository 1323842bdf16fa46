using Ard.Tests;
using Ard.Trainers.Tests.Attacks;
using Ard.Trainers.Tests.Objectives;

namespace Ard.Trainers.Tests.Tensors;

/// <summary>
/// Attacks and trainings beside threads that allocate and collect: no failure, and the bits of a quiet process. With numbers that nothing
/// held, about one PGD in four ended with "Expected false to be true" or "Unknown scalar type".
/// </summary>
[Collection("global random state")]
public sealed class BesideOtherThreadsTests
{
    private const int Few = 20, Many = 300;

    private static readonly NetworkSpec Spec =
        new() { Name = "tinycnn", Width = 2, BatchNorm = true, InputChannels = 1, ImageSize = 8, Classes = 4 };

    // What every attack is held to is asked of these, so all kinds are among them.
    private static readonly Attack[] Every = [.. AttackPropertiesTests.Attacks.Select(each => each.Attack)];

    public static TheoryData<int> Attacks => [.. Enumerable.Range(0, Every.Length)];

    public static TheoryData<OptimizerSpec> Optimizers =>
    [
        new SgdOptimizer { LearningRate = 0.02, Nesterov = true },
        new AdamOptimizer { WeightDecay = 1e-3 },
        new AdamOptimizer { Decoupled = true, WeightDecay = 1e-3 },
    ];

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Attacks_do_not_fail_and_give_the_bits_of_a_quiet_process(int attack) => AttackBesideOthers(Every[attack], Few);

    [Theory]
    [MemberData(nameof(Attacks))]
    [Trait("Category", "Long")]
    public void Nor_do_three_hundred_attacks_of_each_kind(int attack) => AttackBesideOthers(Every[attack], Many);

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void Trainings_do_not_fail_and_give_the_bits_of_a_quiet_process(OptimizerSpec optimizer) => TrainBesideOthers(optimizer, Few);

    [Theory]
    [MemberData(nameof(Optimizers))]
    [Trait("Category", "Long")]
    public void Nor_do_three_hundred_trainings_of_each_optimizer(OptimizerSpec optimizer) => TrainBesideOthers(optimizer, Many);

    // A tensor outside of a scope is held by nothing while it is an argument.
    [Theory]
    [MemberData(nameof(Attacks))]
    public void Attacks_make_no_tensor_outside_of_a_dispose_scope(int attack)
    {
        using var network = Spec.Build(seed: 1);
        network.eval();
        using var images = zeros(2, 1, 8, 8);
        using var labels = zeros(2, dtype: ScalarType.Int64);
        var before = DisposeScopeManager.Statistics.TensorStatistics.CreatedOutsideScopeCount;
        using var points = Every[attack].Perturb(network, images, labels, new ThreatModel(Every[attack].Norms[0], 0.1), seed: 3);
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.CreatedOutsideScopeCount);
    }

    [Fact]
    public void Nor_do_evaluations_and_the_steps_of_a_training()
    {
        using var network = Small.GlyphNetwork(3);
        using var data = Glyphs.Generate(16, seed: 1);
        var options = new EvaluationOptions { Attacks = ["pgd-3"], Threat = ThreatModel.Linf(0.1) };
        Assert.Equal(0, Unscoped(() => new RobustnessEvaluator(options).Evaluate(network, data.Images, data.Labels)));
        var objective = new Trades(new TradesOptions { Inner = new() { Steps = 2 } });
        // What belongs to the whole training, in steps of any number, is its own to hold.
        Assert.Equal(Unscoped(() => Train(batchSize: 8)), Unscoped(() => Train(batchSize: 4)));

        void Train(int batchSize) =>
            Trainer.Fit(network, objective, data, Small.Options with { BatchSize = batchSize, ClipGradientNorm = 1 });

        static long Unscoped(Action work)
        {
            var before = DisposeScopeManager.Statistics.TensorStatistics.CreatedOutsideScopeCount;
            work();
            return DisposeScopeManager.Statistics.TensorStatistics.CreatedOutsideScopeCount - before;
        }
    }

    private static void AttackBesideOthers(Attack attack, int times)
    {
        using var scope = NewDisposeScope();
        var threat = new ThreatModel(attack.Norms[0], attack.Norms[0] == Norm.Linf ? 0.1 : 1);
        using var network = Spec.Build(seed: 1);
        network.eval();
        using var generator = new Generator(2);
        var images = empty(3, 1, 8, 8).uniform_(0, 1, generator);
        var labels = network.call(images).argmax(1);
        var quiet = attack.Perturb(network, images, labels, threat, seed: 3);

        using var neighbours = new BusyNeighbours();
        for (var time = 0; time < times; time++)
        {
            using var inner = NewDisposeScope();
            Compare.Same(quiet, attack.Perturb(network, images, labels, threat, seed: 3), $"{attack.Name}, points of run {time}");
        }
    }

    private static void TrainBesideOthers(OptimizerSpec optimizer, int times)
    {
        using var scope = NewDisposeScope();
        using var data = Glyphs.Generate(16, seed: 1);
        using var teacher = Small.GlyphNetwork(4);
        var options = Small.Options with { Epochs = 1, BatchSize = 8, Optimizer = optimizer, ClipGradientNorm = 1 };
        var objective = new AdversariallyRobustDistillation(new ArdOptions { Inner = new() { Steps = 2 }, Alpha = 0.7 });
        var quiet = Train();

        using var neighbours = new BusyNeighbours();
        for (var time = 0; time < times; time++)
        {
            using var inner = NewDisposeScope();
            foreach (var (name, value) in Train()) Compare.Same(quiet[name], value, $"{name} of run {time}");
        }

        Dictionary<string, Tensor> Train()
        {
            using var student = Small.GlyphNetwork(3);
            Trainer.Fit(new(student, teacher), objective, data, options);
            return student.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.detach().clone());
        }
    }
}
