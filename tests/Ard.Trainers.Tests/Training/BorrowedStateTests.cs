using Ard.Trainers.Tests.Objectives;

namespace Ard.Trainers.Tests.Training;

/// <summary>What a training borrows is put back, also where something fails in the middle.</summary>
[Collection("global random state")]
public sealed class BorrowedStateTests
{
    private static Module<Tensor, Tensor> WithDropout(NetworkSpec spec) => Initialisation.Seeded<Module<Tensor, Tensor>>(4, () =>
        Sequential(Flatten(), Linear(64, 16), Dropout(0.5), ReLU(), Linear(16, 3)));

    [Fact]
    public void The_seed_decides_what_dropout_drops()
    {
        byte[] Train(long seed)
        {
            rand(7).Dispose();   // somebody draws in between
            return TrainerTests.Trained(TrainerTests.Options with { Seed = seed }, out _, build: WithDropout, objective: new Natural());
        }
        var first = Train(5);
        Assert.True(first.AsSpan().SequenceEqual(Train(5)));
        Assert.False(first.AsSpan().SequenceEqual(Train(6)));
    }

    // Of one step: two passes of the attack, one to find the perturbation, one of the loss; then backward, and what follows it.
    public static TheoryData<int> Calls => [.. Enumerable.Range(0, 6)];

    [Theory]
    [MemberData(nameof(Calls))]
    public void Weights_that_are_perturbed_for_a_step_are_put_back_wherever_the_step_fails(int failsAt)
    {
        using var scope = NewDisposeScope();
        using var data = TrainerTests.Data(8);
        var failing = new FailingNetwork(TrainerTests.Spec.Build(3));
        var before = failing.parameters().Select(parameter => parameter.detach().clone()).ToArray();
        failing.Calls = failsAt;
        var host = new AdversarialTraining(new() { Inner = TrainerTests.Inner });
        var objective = new AdversarialWeightPerturbation(new FailsLater(host, inBackward: failsAt == 4));
        var still = new SgdOptimizer { LearningRate = 1e-30 };
        var options = TrainerTests.Options with { Epochs = 1, ValidationFraction = 0, Optimizer = still };
        Assert.ThrowsAny<Exception>(() => Trainer.Fit(failing, objective, data, options));
        foreach (var (parameter, value) in failing.parameters().Zip(before)) Compare.Same(value, parameter.detach(), "weight");
        Assert.All(failing.parameters(), parameter => Assert.True(parameter.requires_grad));
        Assert.True(failing.training);
    }

    [Fact]
    public void A_loss_that_fails_by_itself_leaves_no_perturbed_weights()
    {
        using var scope = NewDisposeScope();
        var (student, batch) = (Small.Network(1), default(TrainingBatch)!);
        batch = Small.Batch(student, Small.Images(4, 2));
        var before = student.parameters().Select(parameter => parameter.detach().clone()).ToArray();
        var objective = new AdversarialWeightPerturbation(new FailsTheSecondTime());
        Assert.Throws<TimeoutException>(() => objective.Loss(batch));
        foreach (var (parameter, value) in student.parameters().Zip(before)) Compare.Same(value, parameter.detach(), "weight");
        Assert.All(student.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void A_network_that_cannot_be_set_to_eval_mode_is_not_left_frozen()
    {
        using var network = new NoEvalMode();
        Assert.Throws<TimeoutException>(() => ModelState.Borrow(network));
        Assert.True(network.Weight.requires_grad);
    }

    private sealed class FailsTheSecondTime : Objective
    {
        private int calls;

        public override string Name => "fails";

        public override Tensor Loss(TrainingBatch batch) => ++calls == 2 ? throw new TimeoutException() : new Natural().Loss(batch);
    }

    // Fails after the loss, if the network has not failed before.
    private sealed class FailsLater(Objective host, bool inBackward) : Objective
    {
        private int calls;

        public override string Name => "fails later";

        public override Tensor Loss(TrainingBatch batch)
        {
            var loss = host.Loss(batch);
            // The second time, with perturbed weights: backward of what has no graph fails.
            return ++calls == 2 && inBackward ? loss.detach() : loss;
        }

        public override void AfterBackward(TrainingBatch batch) => throw new TimeoutException();
    }

    // Counts down the calls in train mode, and fails at the last.
    private sealed class FailingNetwork : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> network;

        public FailingNetwork(Module<Tensor, Tensor> network) : base(nameof(FailingNetwork))
        {
            this.network = network;
            RegisterComponents();
        }

        public int Calls { get; set; }

        public override Tensor forward(Tensor input) => Calls-- == 0 ? throw new TimeoutException() : network.call(input);
    }

    private sealed class NoEvalMode : Module<Tensor, Tensor>
    {
        public NoEvalMode() : base(nameof(NoEvalMode)) => register_parameter("weight", Weight);

        public TorchSharp.Modules.Parameter Weight { get; } = new(ones(2));

        public override void train(bool on = true)
        {
            if (!on) throw new TimeoutException();
        }

        public override Tensor forward(Tensor input) => input;
    }
}
