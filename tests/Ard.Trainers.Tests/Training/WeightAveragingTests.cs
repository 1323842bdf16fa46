using Ard.Trainers.Tests.Distributed;
using static Ard.Trainers.Tests.Training.TrainerTests;

namespace Ard.Trainers.Tests.Training;

[Collection("global random state")]
public sealed class WeightAveragingTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-averaging-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Takes a sequence of numbers as the weights of a network, and gives the mean.
    private static double Mean(WeightAveraging averaging, params double[] sequence)
    {
        using var scope = NewDisposeScope();
        using var network = new LinearNetwork(zeros([2, 3], ScalarType.Float64), zeros(3, ScalarType.Float64));
        using var average = new WeightAverage(averaging);
        foreach (var value in sequence)
        {
            using (no_grad()) network.Weight.fill_(value);
            average.Take(network);
        }
        Assert.Equal(sequence.Length, average.Count);
        Assert.Equal(sequence[^1], network.Weight.mean().item<double>());
        return average.Values["weight"].mean().item<double>();
    }

    [Theory]
    [InlineData(0.9)]
    [InlineData(0.5)]
    [InlineData(0.0)]
    public void An_exponential_average_weighs_each_weight_by_a_power_of_the_decay(double decay)
    {
        double[] sequence = [3, -1, 4, 1, -5, 9];
        for (var t = 1; t <= sequence.Length; t++)
        {
            var powers = Enumerable.Range(0, t).Select(i => Math.Pow(decay, t - 1 - i)).ToArray();
            var expected = powers.Zip(sequence, (power, value) => power * value).Sum() / powers.Sum();
            Assert.Equal(expected, Mean(new ExponentialAveraging { Decay = decay }, sequence[..t]), 12);
        }
    }

    [Fact]
    public void After_many_steps_an_exponential_average_is_the_plain_recursion()
    {
        var sequence = Enumerable.Range(0, 400).Select(i => Math.Sin(i)).ToArray();
        var expected = sequence[0];
        foreach (var value in sequence) expected = 0.9 * expected + 0.1 * value;
        Assert.Equal(expected, Mean(new ExponentialAveraging { Decay = 0.9 }, sequence), 12);
    }

    [Fact]
    public void A_stochastic_weight_average_is_the_plain_mean() =>
        Assert.Equal((3 - 1 + 4 + 1 - 5 + 9) / 6.0, Mean(new StochasticWeightAveraging(), 3, -1, 4, 1, -5, 9), 12);

    [Fact]
    public void Floating_buffers_are_averaged_counts_are_copied_and_what_is_constant_keeps_its_bits()
    {
        using var scope = NewDisposeScope();
        using var network = TinyBatchNormNetwork.Create();
        using var average = new WeightAverage(new ExponentialAveraging { Decay = 0.9 });
        var layer = network.modules().OfType<BatchNorm2d>().First();
        using var generator = new Generator(2);
        using (no_grad()) network.state_dict()["linear.weight"].uniform_(0, 1, generator);
        for (var i = 1; i <= 7; i++)
        {
            layer.running_mean!.fill_(i / 10.0);
            layer.num_batches_tracked!.fill_(i);
            average.Take(network);
        }
        var powers = Enumerable.Range(1, 7).Select(i => (Power: Math.Pow(0.9, 7 - i), Value: i / 10.0)).ToArray();
        Assert.Equal(powers.Sum(p => p.Power * p.Value) / powers.Sum(p => p.Power), average.Values["bn1.running_mean"][0].item<float>(), 6);
        Assert.Equal(7, average.Values["bn1.num_batches_tracked"].item<long>());
        Compare.Same(network.state_dict()["linear.weight"], average.Values["linear.weight"], "linear.weight");
    }

    [Fact]
    public void Weights_are_taken_from_an_epoch_on_at_its_end_or_every_so_many_steps()
    {
        static long[] Taken(WeightAveraging averaging) =>
            [.. Enumerable.Range(1, 40).Select(step => (long)step).Where(step => averaging.Takes(step, stepsPerEpoch: 5, epochs: 8))];

        Assert.Equal([35, 40], Taken(new StochasticWeightAveraging()));                     // epochs 7 and 8 of 8
        Assert.Equal([20, 25, 30, 35, 40], Taken(new StochasticWeightAveraging { FromEpoch = 4 }));
        Assert.Equal([32, 34, 36, 38, 40], Taken(new StochasticWeightAveraging { EverySteps = 2 }));
        Assert.Equal(40, Taken(new ExponentialAveraging()).Length);
    }

    [Theory]
    [InlineData(30)]
    [InlineData(8)]
    public void Batch_normalisations_statistics_become_those_of_the_whole_set_and_nothing_else_moves(int batchSize)
    {
        using var scope = NewDisposeScope();
        using var data = TrainerTests.Data(30);
        using var network = Dropping();
        network.train();
        network.call(data.Batch(0, 10).Images);
        var first = (BatchNorm2d)network.modules().OfType<BatchNorm>().First();
        var before = network.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        using var random = Generator.Default.get_state();

        BatchStatistics.Recompute(network, new(data), seed: 0, batchSize, ProcessGroup.Alone);

        using var noGradient = no_grad();
        using var generator = new Generator(0);
        var order = randperm(30, dtype: ScalarType.Int64, generator: generator);
        var features = functional.conv2d(data.Batch(order).Images, before["0.weight"], padding: [1L, 1L]);
        // Batches of 7 or 8: each has its own variance, and they count by their images.
        long[] bounds = batchSize == 30 ? [0, 30] : [0, 7, 15, 22, 30];
        var variance = zeros(4);
        for (var i = 0; i + 1 < bounds.Length; i++)
        {
            var batch = features.narrow(0, bounds[i], bounds[i + 1] - bounds[i]).transpose(0, 1).flatten(1);
            variance += batch.var(1) * ((bounds[i + 1] - bounds[i]) / 30.0);
        }
        Compare.Close(features.mean([0L, 2L, 3L]), first.running_mean!, 1e-5, "mean");
        Compare.Close(variance, first.running_var!, 1e-5, "variance");
        if (batchSize == 30) Compare.Close(features.transpose(0, 1).flatten(1).var(1), first.running_var!, 1e-5, "variance of the set");

        foreach (var (name, value) in network.state_dict())
        {
            if (!name.Contains("running_") && !name.Contains("tracked")) Compare.Same(before[name], value, name);
        }
        Assert.NotEqual(before["4.running_mean"].data<float>().ToArray(), network.state_dict()["4.running_mean"].data<float>().ToArray());
        Assert.All(network.modules(), module => Assert.True(module.training));
        Assert.Equal([0.1, 0.3], network.modules().OfType<BatchNorm>().Select(layer => layer.momentum));
        Assert.True(random.bytes.SequenceEqual(Generator.Default.get_state().bytes));

        static Sequential Dropping() => Initialisation.Seeded<Sequential>(4, () => Sequential(
            Conv2d(1, 4, 3, padding: 1, bias: false), BatchNorm2d(4), ReLU(), Dropout(0.5), BatchNorm2d(4, momentum: 0.3), Flatten(),
            Linear(256, 3)));
    }

    [Fact]
    public void Batch_normalisations_statistics_are_those_of_batches_with_their_share_of_auxiliary_images()
    {
        using var scope = NewDisposeScope();
        using var data = TrainerTests.Data(40);
        // The same image many times, so that it does not matter which are drawn.
        using var extra = new ImageDataset(full([20, 1, 8, 8], 200, ScalarType.Byte), zeros(20, ScalarType.Int64), ["a", "b", "c"]);
        using var student = Spec.Build(seed: 3);
        Trainer.Fit(student, new Natural(), data, Options with
        {
            Epochs = 1,
            ValidationFraction = 0,
            Averaging = WeightAveraging.Stochastic(fromEpoch: 1),
            Auxiliary = new(extra) { Share = 0.5 },
        });
        using var noGradient = no_grad();
        var weights = student.state_dict();
        // Five batches of eight.
        int[] batches = [0, 8, 16, 24, 32];
        using var generator = new Generator((ulong)Options.Seed);
        var order = randperm(40, dtype: ScalarType.Int64, generator: generator);
        var images = cat([.. batches.SelectMany(first => new[]
        {
            data.Batch(order.narrow(0, first, 4)).Images, extra.Batch(0, 4).Images,
        })]);
        var features = functional.conv2d(images, weights["net.0.weight"], padding: [1L, 1L]);
        Compare.Close(features.mean([0L, 2L, 3L]), weights["net.1.running_mean"], 1e-5, "mean");
    }

    [Fact]
    public void Of_images_in_the_order_of_their_classes_the_variance_is_that_of_the_whole_set()
    {
        using var scope = NewDisposeScope();
        // 64 images a class, dark, gray and bright.
        var images = cat([.. new[] { 20, 120, 220 }.Select(value => full([64, 1, 8, 8], value, ScalarType.Byte))]);
        using var data = new ImageDataset(images, arange(192, ScalarType.Int64).div(64, RoundingMode.floor), ["a", "b", "c"]);
        using var network = Spec.Build(seed: 3);
        BatchStatistics.Recompute(network, new(data), seed: 1, batchSize: 32, ProcessGroup.Alone);
        using var noGradient = no_grad();
        var all = functional.conv2d(data.Batch(0, 192).Images, network.state_dict()["net.0.weight"], padding: [1L, 1L]);
        var whole = all.transpose(0, 1).flatten(1).var(1);
        Assert.InRange((network.state_dict()["net.1.running_var"] / whole).mean().item<float>(), 0.85, 1.15);
    }

    [Fact]
    public void Batch_normalisation_that_the_network_keeps_frozen_is_not_touched()
    {
        using var scope = NewDisposeScope();
        using var data = TrainerTests.Data(20);
        using var network = new FrozenNorm();
        var before = network.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        BatchStatistics.Recompute(network, new(data), seed: 1, batchSize: 8, ProcessGroup.Alone);
        foreach (var (name, value) in network.state_dict())
        {
            if (name.StartsWith("frozen", StringComparison.Ordinal)) Compare.Same(before[name], value, name);
        }
        Assert.NotEqual(0, network.state_dict()["learning.num_batches_tracked"].item<long>());
    }

    private sealed class FrozenNorm : Module<Tensor, Tensor>
    {
        private readonly BatchNorm2d frozen = BatchNorm2d(1), learning = BatchNorm2d(1);

        public FrozenNorm() : base(nameof(FrozenNorm)) => RegisterComponents();

        public override void train(bool on = true)
        {
            base.train(on);
            frozen.eval();
        }

        public override Tensor forward(Tensor images) => learning.call(frozen.call(images)).flatten(1);
    }

    [Fact]
    public void Several_processes_draw_the_auxiliary_images_of_one_for_the_statistics()
    {
        using var data = TrainerTests.Data(40);
        using var extra = TrainerTests.Data(30, seed: 8);
        var alone = Statistics(ProcessGroup.Alone);
        Assert.All(ThreadGroup.Run(3, Statistics), rank =>
        {
            foreach (var (expected, found) in alone.Zip(rank)) Assert.Equal(expected, found, 1e-6);
        });

        float[] Statistics(ProcessGroup group)
        {
            using var scope = NewDisposeScope();
            using var network = Spec.Build(seed: 3);
            BatchStatistics.Recompute(network, new(data, extra, 0.6), seed: 1, batchSize: 8, group);
            return network.state_dict()["net.1.running_mean"].data<float>().ToArray();
        }
    }

    public static TheoryData<WeightAveraging> Averagings => [new ExponentialAveraging { Decay = 0.8 },
        new StochasticWeightAveraging { FromEpoch = 2 }, new StochasticWeightAveraging { FromEpoch = 2, EverySteps = 4 }];

    // The student's own weights as they were after each step, and what it had in the end.
    private static (List<Dictionary<string, Tensor>> Path, TrainingResult Result, Dictionary<string, Tensor> End) Follow(
        TrainingOptions options, ImageDataset data)
    {
        using var student = Spec.Build(seed: 3);
        using var teacher = Teacher();
        var path = new List<Dictionary<string, Tensor>>();
        var result = Trainer.Fit(new(student, teacher), TrainerTests.Ard, data, options, progress: new Observer(_ => path.Add(Copy())));
        return (path, result, Copy());

        Dictionary<string, Tensor> Copy() => student.state_dict().ToDictionary(
            pair => pair.Key, pair => pair.Value.detach().clone().DetachFromDisposeScope());
    }

    [Theory]
    [MemberData(nameof(Averagings))]
    public void The_result_is_the_mean_of_the_weights_and_the_training_goes_on_with_its_own(WeightAveraging averaging)
    {
        using var scope = NewDisposeScope();
        using var data = TrainerTests.Data(40);
        var options = Options with { ValidationFraction = 0 };   // five steps in each of three epochs
        var (plain, _, _) = Follow(options, data);
        var (path, result, end) = Follow(options with { Averaging = averaging }, data);
        Assert.Equal(15, path.Count);
        foreach (var (expected, actual) in plain.Zip(path))
            foreach (var (name, value) in expected) Compare.Same(value, actual[name], name);
        Assert.Equal(3, result.KeptEpoch);

        var shares = averaging switch
        {
            ExponentialAveraging => path.Select((_, i) => Math.Pow(0.8, 14 - i)).ToArray(),
            StochasticWeightAveraging { EverySteps: 4 } => [.. path.Select((_, i) => i is 7 or 11 ? 1.0 : 0)],
            _ => [.. path.Select((_, i) => i is 9 or 14 ? 1.0 : 0)],
        };
        foreach (var (name, value) in end)
        {
            if (!value.is_floating_point()) continue;
            if (averaging is StochasticWeightAveraging && name.Contains("running_")) continue;
            var mean = zeros_like(value, ScalarType.Float64);
            foreach (var (weights, share) in path.Zip(shares)) mean += weights[name].to(ScalarType.Float64) * (share / shares.Sum());
            Compare.Close(mean, value, 1e-5, name, absolute: 1e-6);
        }
        if (averaging is not StochasticWeightAveraging) return;

        // The statistics are those of the mean weights on the training images.
        using var model = Spec.Build(seed: 3);
        Weights.Load(model, end);
        using (new ProcessState(options.Threads))
            BatchStatistics.Recompute(model, new(data), options.Seed, options.BatchSize!.Value, ProcessGroup.Alone);
        foreach (var (name, value) in model.state_dict()) Compare.Same(value, end[name], name);
        Assert.NotEqual(path[^1]["net.1.running_mean"].data<float>().ToArray(), end["net.1.running_mean"].data<float>().ToArray());
    }

    [Theory]
    [MemberData(nameof(Averagings))]
    public void The_mean_is_what_is_validated_and_what_the_best_model_is(WeightAveraging averaging)
    {
        using var scope = NewDisposeScope();
        using var data = TrainerTests.Data(40);
        using var held = TrainerTests.Data(30, seed: 8);
        using var student = Spec.Build(seed: 3);
        using var teacher = Teacher();
        var options = Options with { Epochs = 4, ValidateEveryEpochs = 4, Averaging = averaging, CheckpointFolder = folder };
        var result = Trainer.Fit(new(student, teacher), TrainerTests.Ard, data, options, held);
        Assert.Equal(result.BestEpoch, result.KeptEpoch);

        using var best = ModelFile.Read(Path.Combine(folder, "best.safetensors"));
        var report = new RobustnessEvaluator(options.Validation).Evaluate(best, held.Images, held.Labels);
        Assert.Equal(result.Best!.RobustValidationAccuracy, report.WorstCase.Accuracy);
        Assert.Equal(result.Best!.ValidationAccuracy, report.Clean.Accuracy);
        Assert.Equal(Bytes(best), Bytes(student));

        // In the last checkpoint the student is the one that trains on, and the mean stands beside it.
        var last = Safetensors.Read(Path.Combine(folder, "last.safetensors"));
        Compare.Same(best.state_dict()["net.0.weight"], last["average.net.0.weight"], "best");
        Assert.NotEqual(last["student.net.0.weight"].data<float>().ToArray(), last["average.net.0.weight"].data<float>().ToArray());
    }

    [Fact]
    public void Cancelled_the_student_has_the_mean_so_far()
    {
        using var source = new CancellationTokenSource();
        using var scope = NewDisposeScope();
        using var data = TrainerTests.Data(40);
        using var student = Spec.Build(seed: 3);
        var options = Options with
        {
            Averaging = new ExponentialAveraging { Decay = 0.5 },
            ValidationFraction = 0,
            WhenCancelled = CancellationBehaviour.ReturnBestSoFar,
        };
        var weights = new List<double>();
        Trainer.Fit(student, new Natural(), data, options, cancellation: source.Token, progress: new Observer(p =>
        {
            weights.Add(student.state_dict()["net.10.bias"][0].item<float>());
            if (p.Step == 2) source.Cancel();
        }));
        Assert.Equal((weights[0] + 2 * weights[1]) / 3, student.state_dict()["net.10.bias"][0].item<float>(), 6);
    }

    [Fact]
    public void A_checkpoint_with_another_averaging_is_refused()
    {
        var options = Options with { Epochs = 1, CheckpointFolder = folder, Averaging = new ExponentialAveraging { Decay = 0.9 } };
        Trained(options, out _);
        var other = options with { Resume = true, Averaging = new StochasticWeightAveraging(), ClipGradientNorm = 2, LabelSmoothing = 0.1 };
        var message = Assert.Throws<DataFileException>(() => Trained(other, out _)).Message;
        Assert.All(
            [
                "Averaging: ExponentialAveraging in the file", "Averaging.Decay: 0.9 in the file, nothing given",
                "ClipGradientNorm: not set in the file, 2 given", "LabelSmoothing: 0 in",
            ],
            part => Assert.Contains(part, message));
    }
}
