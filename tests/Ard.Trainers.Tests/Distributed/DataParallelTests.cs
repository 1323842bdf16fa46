using Ard.Trainers.Tests.Training;

namespace Ard.Trainers.Tests.Distributed;

/// <summary>
/// Several processes train what one trains. In float64, so that attacks, which follow signs, do not make much of the rounding of sums: what
/// is left is below a billionth, and any image, number or share that is another's shows.
/// </summary>
[Collection("global random state")]
public sealed class DataParallelTests : IDisposable
{
    private const double Rounding = 1e-9;

    private readonly string folder = Directory.CreateTempSubdirectory("ard-parallel-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // 42 images, 8 of them for the validation: the last of five batches has 2 images, fewer than three ranks.
    private static TrainingOptions Options => TrainerTests.Options;

    private static readonly ThreatModel Threat = ThreatModel.Linf(0.1);

    private static InnerMaximisation Inner => TrainerTests.Inner with { Mode = AttackMode.Eval, Start = Start.Gaussian(0.02) };

    public static TheoryData<string> Methods => new(All.Keys);

    private static Dictionary<string, (Objective Objective, TrainingOptions Options)> All => new()
    {
        ["natural"] = (new Natural(), Options),
        ["ard"] = (TrainerTests.Ard, Options),
        ["ard, teacher's logits kept"] = (TrainerTests.Ard, Options with { Augmentation = new(0, true), CacheTeacherLogits = true }),
        ["ard, auxiliary images"] = (
            TrainerTests.Ard,
            Options with
            {
                Augmentation = new(0, true),
                CacheTeacherLogits = true,
                Auxiliary = new(TrainerTests.Data(30, seed: 8)) { TeacherLabels = true },
            }),
        ["at"] = (new AdversarialTraining(new() { Inner = Inner }), Options),
        ["natural, RandAugment"] = (new Natural(), Options with { Augmentation = new Augmentation(1, true) { RandAugment = new() } }),
        ["at, CutMix"] = (new AdversarialTraining(new() { Inner = Inner }), Options with { Mixing = Mixing.CutMix() }),
        ["ard, MixUp"] = (TrainerTests.Ard, Options with { Mixing = Mixing.MixUp(), Auxiliary = new(TrainerTests.Data(30, seed: 8)) }),
        ["at, clipped"] = (new AdversarialTraining(new() { Inner = Inner }), Options with { ClipGradientNorm = 0.1 }),
        ["at, cutout, smoothed"] = (
            new AdversarialTraining(new() { Inner = Inner }),
            Options with { Augmentation = new(1, true) { Cutout = 3 }, LabelSmoothing = 0.1 }),
        ["trades"] = (new Trades(new() { Inner = Inner with { Loss = InnerLoss.DivergenceFromOwnClean } }), Options),
        ["trades+awp"] = (
            new AdversarialWeightPerturbation(
                new Trades(new() { Inner = Inner with { Loss = InnerLoss.DivergenceFromOwnClean } }), new() { Gamma = 0.01 }), Options),
        ["mart"] = (new Mart(new() { Inner = Inner }), Options),
        ["rslad"] = (new Rslad(new() { Inner = Inner with { Loss = InnerLoss.DivergenceFromTeacherOnClean } }), Options),
        ["saad"] = (
            new Saad(new() { Inner = Inner with { Loss = InnerLoss.DivergenceFromLinearisedTeacher }, CleanWeight = 0.5 }), Options),
        ["adaad+igdm"] = (new Igdm(new AdaAd(new() { Inner = Inner with { Loss = InnerLoss.DivergenceFromTeacherOnSame } })), Options),
        ["iad"] = (new Iad(new() { Inner = Inner }), Options),
        ["mtard"] = (new Mtard(new() { Inner = Inner }), Options),
        ["peeraid"] = (new PeerAid(new() { Inner = Inner with { Loss = InnerLoss.DivergenceFromPeerOnClean } }), Options),
        ["free"] = (new FreeAdversarialTraining(new() { Free = new() { Threat = Threat, Replays = 3 } }), Options),
        ["free in L2"] = (new FreeAdversarialTraining(new() { Free = new() { Threat = ThreatModel.L2(0.5), Replays = 2 } }), Options),
        ["fast-ard"] = (new FastArd(new() { Free = new() { Threat = Threat, Replays = 2 } }), Options),
        ["fast-at, guarded"] = (
            new AdversarialTraining(new()
            {
                Inner = InnerMaximisation.FgsmRs with
                {
                    Threat = Threat,
                    StepSize = 1.25 * Threat.Epsilon,
                    Guard = new() { EveryBatches = 2, Images = 5, Gap = 0, Steps = 2 },
                },
            }),
            Options),
        ["at, exponential average"] = (
            new AdversarialTraining(new() { Inner = Inner }), Options with { Averaging = new ExponentialAveraging { Decay = 0.9 } }),
        ["at, stochastic average"] = (
            new AdversarialTraining(new() { Inner = Inner }), Options with { Averaging = new StochasticWeightAveraging { FromEpoch = 2 } }),
        ["at, Adam"] = (
            new AdversarialTraining(new() { Inner = Inner }), Options with { Optimizer = new AdamOptimizer { LearningRate = 0.002 } }),
    };

    [Theory]
    [MemberData(nameof(Methods))]
    public void Weights_and_figures_are_those_of_one_process(string method)
    {
        var (objective, options) = All[method];
        var alone = Train(ProcessGroup.Alone, objective, options);
        foreach (var size in new[] { 2, 3 })
        {
            var ranks = ThreadGroup.Run(size, group => Train(group, objective, options));
            Assert.All(ranks, rank => Assert.Equal(alone.Result.BestEpoch, rank.Result.BestEpoch));
            foreach (var rank in ranks)
            {
                Close(alone.Weights, rank.Weights);
                foreach (var (expected, found) in alone.Result.History.Zip(rank.Result.History))
                {
                    Assert.Equal(expected.Loss, found.Loss, Math.Abs(expected.Loss) * 1e-7);
                    Assert.Equal(expected.TrainingAccuracy, found.TrainingAccuracy, 1e-12);
                    Assert.Equal(expected.ValidationAccuracy, found.ValidationAccuracy);
                    Assert.Equal(expected.RobustValidationAccuracy, found.RobustValidationAccuracy);
                }
                Assert.Equal(alone.Result.Warnings, rank.Result.Warnings);
            }
            Assert.All(ranks, rank => Assert.Equal(ranks[0].Bytes, rank.Bytes));
            Assert.Equal(ranks[0].Bytes, ThreadGroup.Run(size, group => Train(group, objective, options))[0].Bytes);
        }
    }

    [Theory]
    [InlineData("free", 3, 2, 1)]
    [InlineData("free", 1, 3, 2)]
    [InlineData("mtard", 2, 3, 3)]
    [InlineData("at, exponential average", 3, 1, 2)]
    public void A_checkpoint_goes_on_with_any_number_of_ranks(string method, params int[] sizes)
    {
        var (objective, options) = All[method];
        var alone = Train(ProcessGroup.Alone, objective, options);
        var writing = options with { CheckpointFolder = folder, CheckpointEverySteps = 1, Resume = true };
        for (var part = 0; part < sizes.Length; part++)
        {
            var last = part == sizes.Length - 1;
            // Four steps, which end within an epoch, then nine.
            var stop = new CancellationTokenSource();
            var steps = 0;
            void See(TrainingProgress progress)
            {
                if (!last && !progress.EpochEnded && ++steps == 4 * (part + 1)) stop.Cancel();
            }
            var results = ThreadGroup.Run(
                sizes[part], group => TrainOrStop(group, objective, writing, See, group.Rank == 0 ? stop.Token : default));
            Assert.Equal(last, results[0] is not null);
            if (!last) continue;
            Assert.All(results, rank => Close(alone.Weights, rank!.Weights));
        }
    }

    [Fact]
    public void Cancelling_one_rank_stops_all_at_the_same_step()
    {
        using var stop = new CancellationTokenSource();
        var (objective, options) = All["at"];
        var seen = 0;
        void See(TrainingProgress progress)
        {
            if (++seen == 3) stop.Cancel();
        }
        var results = ThreadGroup.Run(3, group => Train(
            group, objective, options with { WhenCancelled = CancellationBehaviour.ReturnBestSoFar, ValidationFraction = 0 }, See,
            group.Rank == 2 ? stop.Token : default));
        Assert.All(results, result => Assert.True(result.Result.Cancelled));
        // Within the first epoch, of which it has seen three steps.
        Assert.All(results, result => Assert.Empty(result.Result.History));
        Assert.All(results, result => Assert.Equal(results[0].Bytes, result.Bytes));
    }

    [Fact]
    public void A_loss_that_is_not_finite_ends_all_with_the_same_error()
    {
        var (objective, options) = All["natural"];
        var failure = Assert.Throws<AggregateException>(() => ThreadGroup.Run(
            3, group => Train(group, objective, options with { Optimizer = new SgdOptimizer { LearningRate = 1e200 } })));
        Assert.Equal(3, failure.InnerExceptions.Count);
        Assert.All(failure.InnerExceptions, each => Assert.IsType<TrainingDivergedException>(each));
        Assert.Single(failure.InnerExceptions.Select(each => each.Message).Distinct());
    }

    [Fact]
    public void A_rank_that_fails_in_the_middle_aborts_the_others()
    {
        var (objective, options) = All["natural"];
        var failure = Assert.Throws<AggregateException>(() => ThreadGroup.Run(3, group => Train(
            group, group.Rank == 1 ? new FailingObjective() : objective, options)));
        Assert.Equal(3, failure.InnerExceptions.Count);
        Assert.All(failure.InnerExceptions, each => Assert.Contains("the third batch of rank 1", $"{each}"));
    }

    [Theory]
    [InlineData("ard")]
    [InlineData("ard, auxiliary images")]
    public void A_rank_that_cannot_begin_is_named_to_the_others(string method)
    {
        var (objective, options) = All[method];
        var failure = Assert.Throws<AggregateException>(() => ThreadGroup.Run(3, group => Train(
            group, objective, group.Rank == 2 ? options with { Device = "cuda:77" } : options)));
        var messages = failure.InnerExceptions.Select(each => each.Message).ToArray();
        Assert.Equal(3, messages.Length);
        Assert.Equal(2, messages.Count(text => text.Contains("In the process of rank 2: Device 'cuda:77'", StringComparison.Ordinal)));
    }

    [Fact]
    public void Ranks_with_other_settings_or_images_are_refused_by_name()
    {
        var (objective, options) = All["ard"];
        var failure = Assert.Throws<AggregateException>(() => ThreadGroup.Run(2, group => Train(
            group, objective, options with { Seed = group.Rank, LabelSmoothing = 0.1 * group.Rank }, dataSeed: 3 + (ulong)group.Rank)));
        Assert.All(failure.InnerExceptions, each =>
        {
            Assert.Contains("Seed is 1, in that of rank 0 0", each.Message);
            Assert.Contains("LabelSmoothing is 0.1, in that of rank 0 0", each.Message);
            Assert.Contains("data pixels is", each.Message);
        });
    }

    [Fact]
    public void Ranks_that_would_wait_for_each_other_at_other_times_are_refused()
    {
        var (objective, options) = All["natural"];
        var failure = Assert.Throws<AggregateException>(() => ThreadGroup.Run(2, group => Train(
            group, objective, options with { CheckpointFolder = group.Rank == 0 ? folder : null, KeepBest = group.Rank == 0 })));
        Assert.All(failure.InnerExceptions, each =>
        {
            Assert.Contains("CheckpointFolder is none, in that of rank 0 one", each.Message);
            Assert.Contains("KeepBest is False, in that of rank 0 True", each.Message);
        });
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    public void A_rank_with_one_image_is_named_where_batch_normalisation_needs_two(int? every)
    {
        // The last batch has three images for two ranks.
        var options = Options with { BatchSize = 8, ValidationFraction = 0, CheckpointFolder = folder, CheckpointEverySteps = every };
        var failure = Assert.Throws<AggregateException>(() => ThreadGroup.Run(2, group =>
        {
            using var data = TrainerTests.Data(11);
            using var student = SingleImageTests.Student();
            return Trainer.Fit(student, new Natural(), data, options with { Group = group, CacheTeacherLogits = false });
        }));
        Assert.Equal(2, failure.InnerExceptions.Count);
        Assert.All(failure.InnerExceptions, each => Assert.Contains("a batch of one image for a process", each.Message));
    }

    [Fact]
    public void Too_small_a_batch_is_refused()
    {
        var failure = Assert.Throws<AggregateException>(
            () => ThreadGroup.Run(3, group => Train(group, new Natural(), Options with { BatchSize = 2 })));
        Assert.All(failure.InnerExceptions, each => Assert.Contains(
            "BatchSize is 2, expected an image for each of 3 processes", each.Message));
    }

    [Fact]
    public void All_get_the_first_ones_weights()
    {
        var (objective, options) = All["ard"];
        var alone = Train(ProcessGroup.Alone, objective, options);
        var ranks = ThreadGroup.Run(2, group => Train(group, objective, options, networkSeed: 7 + group.Rank));
        Assert.All(ranks, rank => Close(alone.Weights, rank.Weights));
    }

    [Fact]
    public void Only_the_first_writes_and_reports()
    {
        var (objective, options) = All["ard"];
        var reports = new int[3];
        var folders = Enumerable.Range(0, 3).Select(rank => Path.Combine(folder, $"{rank}")).ToArray();
        ThreadGroup.Run(3, group => Train(
            group, objective, options with { CheckpointFolder = folders[group.Rank] }, _ => reports[group.Rank]++));
        Assert.True(reports[0] > 0);
        Assert.Equal([0, 0], reports[1..]);
        Assert.Equal(2, Directory.GetFiles(folders[0]).Length);
        Assert.All(folders[1..], each => Assert.False(Directory.Exists(each)));
    }

    // None goes on while it is written, let alone ends, which would end the one that writes.
    [Fact]
    public void All_wait_for_a_checkpoint_and_fail_with_it()
    {
        var (objective, options) = All["natural"];
        Directory.CreateDirectory(Path.Combine(folder, "last.safetensors"));
        var failure = Assert.Throws<AggregateException>(
            () => ThreadGroup.Run(2, group => Train(group, objective, options with { CheckpointFolder = folder })));
        Assert.Equal(2, failure.InnerExceptions.Count);
        Assert.Equal($"In the process of rank 0: {failure.InnerExceptions[0].Message}", failure.InnerExceptions[1].Message);
    }

    // Rank 1 has skipped a layer by chance; a third parameter takes no part in any.
    [Fact]
    public void A_gradient_that_one_rank_has_is_that_of_all()
    {
        var gradients = ThreadGroup.Run(2, group =>
        {
            using var scope = NewDisposeScope();
            Tensor[] parameters = [.. Enumerable.Range(0, 3).Select(_ => zeros([2]).requires_grad_())];
            using var shared = new SharedGradients(group, parameters, numbers: 1);
            parameters[0].grad = full([2], group.Rank + 1f);
            if (group.Rank == 0) parameters[1].grad = full([2], 4f);
            Assert.Equal([3], shared.Average(new BatchShare(group, 8), group.Rank + 1));
            return parameters.Select(parameter => parameter.grad?.data<float>().ToArray()).ToArray();
        });
        Assert.All(gradients, each => Assert.Equal([[1.5f, 1.5f], [2f, 2f], null], each));
    }

    [Fact]
    public void A_step_is_one_sum()
    {
        var (objective, options) = All["at"];
        var calls = new List<int>();
        ThreadGroup.Run(2, group => Train(group, objective, options with { ValidationFraction = 0 }, progress =>
        {
            if (!progress.EpochEnded) calls.Add(group.Calls);
        }));
        Assert.Equal(1, calls[1] - calls[0]);
        Assert.Equal(1, calls[2] - calls[1]);
    }

    // The images of rank 1 are broken by PGD and those of rank 0 are not: together they are half, which is more than the gap.
    [Fact]
    public void The_guard_looks_at_the_images_of_all()
    {
        var decisions = ThreadGroup.Run(2, group =>
        {
            using var scope = NewDisposeScope();
            var linear = Linear(1, 2);
            using var student = Sequential(Flatten(), linear);
            using (no_grad())
            {
                linear.weight!.copy_(tensor(new[] { -10f, 10f }).view(2, 1));
                linear.bias!.copy_(tensor(new[] { 5f, -5f }));
            }
            var guard = new OverfittingGuard { EveryBatches = 1, Images = 8, Gap = 0.1, Steps = 10 };
            return guard.TakesOver(
                new TrainingBatch
                {
                    Student = student,
                    Images = full([4, 1, 1, 1], group.Rank == 0 ? 0.95f : 0.52f),
                    Labels = ones(4, ScalarType.Int64),
                    Generator = new Generator(1),
                    Share = new BatchShare(group, 8),
                },
                new() { Threat = Threat, Steps = 0, Start = Start.Clean });
        });
        Assert.Equal([true, true], decisions);
    }

    private sealed record Outcome(TrainingResult Result, Dictionary<string, double[]> Weights, byte[] Bytes);

    private static Outcome? TrainOrStop(
        ProcessGroup group, Objective objective, TrainingOptions options, Action<TrainingProgress> see, CancellationToken cancellation)
    {
        try
        {
            return Train(group, objective, options, see, cancellation);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private static Outcome Train(
        ProcessGroup group, Objective objective, TrainingOptions options, Action<TrainingProgress>? see = null,
        CancellationToken cancellation = default, long networkSeed = 7, ulong dataSeed = 1, bool batchNorm = false)
    {
        using var scope = NewDisposeScope();
        using var data = TrainerTests.Data(42, dataSeed);
        using var student = Network(networkSeed);
        using var teacher = Network(99);
        using var natural = Network(98);
        using var peer = Network(97);
        teacher.eval();
        natural.eval();
        var result = Trainer.Fit(
            new(student, teacher, natural, peer), objective, data, options with { Group = group },
            progress: see is null ? null : new TrainerTests.Observer(see), cancellation: cancellation);
        var state = student.state_dict().Concat(
            peer.state_dict().Select(pair => KeyValuePair.Create("peer." + pair.Key, pair.Value))).ToArray();
        return new Outcome(
            result, state.ToDictionary(pair => pair.Key, pair => pair.Value.to(ScalarType.Float64).data<double>().ToArray()),
            [.. state.SelectMany(pair => pair.Value.contiguous().bytes.ToArray())]);

        Module<Tensor, Tensor> Network(long seed) => (TrainerTests.Spec with { BatchNorm = batchNorm }).Build(seed).to(ScalarType.Float64);
    }

    private static void Close(Dictionary<string, double[]> expected, Dictionary<string, double[]> found)
    {
        foreach (var (name, values) in expected)
        {
            var difference = values.Zip(found[name], (a, b) => Math.Abs(a - b)).Max();
            Assert.True(difference < Rounding, $"{name} differs by {difference:G3}");
        }
    }

    private sealed class FailingObjective : Objective
    {
        private int batches;

        public override string Name => "natural";

        public override Tensor Loss(TrainingBatch batch) => ++batches < 3
            ? batch.CrossEntropy(batch.Report(batch.Student.call(batch.Images)))
            : throw new InvalidOperationException("the third batch of rank 1");
    }
}
