using static Ard.Trainers.Tests.Training.TrainerTests;

namespace Ard.Trainers.Tests.Training;

/// <summary>Clipping, kept teacher logits, and resuming with each of the extras.</summary>
[Collection("global random state")]
public sealed class TrainingExtrasTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-extras-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static readonly Dictionary<string, TrainingOptions> Extras = new()
    {
        ["exponential averaging"] = Options with { Averaging = new ExponentialAveraging { Decay = 0.9 } },
        ["weight averaging by epochs"] = Options with { Averaging = new StochasticWeightAveraging { FromEpoch = 2 }, KeepBest = false },
        ["weight averaging by steps"] = Options with { Averaging = new StochasticWeightAveraging { FromEpoch = 1, EverySteps = 3 } },
        ["averaging without validation"] = Options with { Averaging = new StochasticWeightAveraging(), ValidationFraction = 0 },
        ["adversarial weight perturbation"] = Options,
        ["clipping"] = Options with { ClipGradientNorm = 0.1 },
        ["label smoothing"] = Options with { LabelSmoothing = 0.2 },
        ["mixed precision"] = Options with { Precision = Precision.Mixed },
        ["cutout"] = Options with { Augmentation = new Augmentation(1, true) { Cutout = 3 } },
        ["RandAugment"] = Options with { Augmentation = new Augmentation(1, true) { RandAugment = new() } },
        ["CutMix"] = Options with { Mixing = Mixing.CutMix() },
        ["MixUp"] = Options with { Mixing = Mixing.MixUp(0.3) },
        ["auxiliary images"] = Options with { Auxiliary = new(TrainerTests.Data(30, seed: 8)) { TeacherLabels = true } },
        ["teacher logits of one variant"] = Options with { Augmentation = Augmentation.None },
        ["teacher logits of two variants"] = Options with { Augmentation = new Augmentation(0, true) },
    };

    public static TheoryData<string, int> Kills
    {
        get
        {
            var random = new Random();   // every run kills at other steps
            var data = new TheoryData<string, int>();
            foreach (var name in Extras.Keys) data.Add(name, random.Next(2, 13) is var step && step < 9 ? step : step + 1);
            data.Add("exponential averaging", 9);
            data.Add("weight averaging by epochs", 9);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Kills))]
    public void A_run_with_an_extra_killed_at_a_random_step_and_resumed_equals_the_uninterrupted_one(string extra, int killedAt)
    {
        var options = Extras[extra];
        Objective objective = extra == "adversarial weight perturbation"
            ? new AdversarialWeightPerturbation(TrainerTests.Ard)
            : TrainerTests.Ard;
        var whole = Trained(options, out var expected, objective: objective);
        // Kept teacher logits are the one extra that is to change nothing but rounding.
        if (!extra.StartsWith("teacher", StringComparison.Ordinal))
            Assert.False(whole.AsSpan().SequenceEqual(Trained(Options, out _)), $"{extra} changes nothing");

        var writing = options with { CheckpointFolder = folder, CheckpointEverySteps = 2, Resume = true };
        var reports = 0;
        Assert.Throws<TimeoutException>(() => Trained(writing, out _, p =>
        {
            if (++reports > killedAt) throw new TimeoutException($"killed in epoch {p.Epoch} after step {p.Step}");
        }, objective: objective));
        var resumed = Trained(writing, out var result, objective: objective);
        Assert.True(whole.AsSpan().SequenceEqual(resumed), $"the weights differ after a kill at report {killedAt}");
        Assert.Equal(expected.History.Select(e => e with { Seconds = 0 }), result.History.Select(e => e with { Seconds = 0 }));
        Assert.Equal((expected.BestEpoch, expected.KeptEpoch), (result.BestEpoch, result.KeptEpoch));
    }

    [Theory]
    [InlineData(2.6, 0.2)]      // the norm is 13
    [InlineData(13.1, 1)]
    [InlineData(100, 1)]
    public void Gradients_are_scaled_together_to_the_norm_and_no_further_than_that(double limit, double factor)
    {
        using var scope = NewDisposeScope();
        Parameter[] parameters = [new(zeros(2, 1)), new(zeros(1)), new(zeros(3))];
        parameters[0].grad = tensor(new float[] { 3, -4 }).view(2, 1);
        parameters[1].grad = tensor(new float[] { 12 });
        GradientNorm.Clip(parameters, limit);
        Compare.Close(tensor(new[] { 3 * factor, -4 * factor }), parameters[0].grad!, 1e-6, "first");
        Compare.Close(tensor(new[] { 12 * factor }), parameters[1].grad!, 1e-6, "second");
        Assert.Null(parameters[2].grad);
    }

    [Fact]
    public void Clipping_is_that_of_clip_grad_norm()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        Parameter[] ours = [.. Enumerable.Range(1, 4).Select(n => new Parameter(zeros(n, 5, dtype: ScalarType.Float64)))];
        Parameter[] theirs = [.. ours.Select(p => new Parameter(zeros_like(p)))];
        foreach (var (a, b) in ours.Zip(theirs))
        {
            a.grad = empty_like(a).detach().normal_(0, 1, generator);
            b.grad = a.grad!.clone();
        }
        GradientNorm.Clip(ours, 0.7);
        nn.utils.clip_grad_norm_(theirs, 0.7);
        foreach (var (a, b) in ours.Zip(theirs)) Compare.Close(b.grad!, a.grad!, 1e-12, "gradient");
    }

    [Fact]
    public void A_step_of_a_training_is_no_longer_than_the_clipped_gradient()
    {
        using var scope = NewDisposeScope();
        using var data = TrainerTests.Data(8);
        using var student = Spec.Build(3);
        var before = student.parameters().Select(p => p.detach().clone()).ToArray();
        Trainer.Fit(student, new Natural(), data, Options with
        {
            Epochs = 1,
            ValidationFraction = 0,
            ClipGradientNorm = 0.01,
            Schedule = Schedule.Constant,
            Optimizer = new SgdOptimizer { LearningRate = 2, Momentum = 0, WeightDecay = 0 },
        });
        using var noGradient = no_grad();
        var moved = cat(student.parameters().Zip(before).Select(pair => (pair.First - pair.Second).flatten()).ToArray()).norm();
        Assert.Equal(0.02, moved.item<float>(), 5);
    }

    [Fact]
    public void With_all_extras_the_number_of_live_tensors_stays_flat()
    {
        var counts = new List<long>();
        using var data = TrainerTests.Data(4 * 30);
        using var student = Spec.Build(seed: 3);
        using var teacher = Teacher();
        var before = Live();
        Trainer.Fit(new(student, teacher), new AdversarialWeightPerturbation(TrainerTests.Ard), data, Options with
        {
            Epochs = 2,
            BatchSize = 4,
            Averaging = new StochasticWeightAveraging { FromEpoch = 1, EverySteps = 1 },
            ClipGradientNorm = 1,
            LabelSmoothing = 0.1,
            Augmentation = new Augmentation(0, true),
            CacheTeacherLogits = true,
            CheckpointFolder = folder,
            CheckpointEverySteps = 7,
        }, progress: new Observer(_ => counts.Add(Live())));
        Assert.Equal(counts[3], counts[22]);
        Assert.Equal(counts[^10], counts[^2]);
        Assert.Equal(before, Live());

        static long Live() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
    }

    // How many images went through the teacher, and the largest difference between the logits given and the teacher's.
    internal static (long Images, double Difference) Ask(TrainingOptions options)
    {
        using var scope = NewDisposeScope();
        using var data = TrainerTests.Data(20);
        using var student = Spec.Build(3);
        var teacher = new RecordingNetwork(Teacher());
        teacher.eval();
        var asking = new Asks((RecordingNetwork)teacher);
        Trainer.Fit(new(student, teacher), asking, data, options with { ValidationFraction = 0 });
        return (asking.Seen, asking.Difference);
    }

    private sealed class Asks(RecordingNetwork teacher) : Objective
    {
        public long Seen { get; private set; }

        public double Difference { get; private set; }

        public override string Name => "asks";

        public override bool NeedsTeacher => true;

        public override Tensor Loss(TrainingBatch batch)
        {
            teacher.Calls.Clear();
            var given = batch.TeacherLogits;
            Seen += teacher.Calls.Sum(call => call.Input.shape[0]);
            Difference = Math.Max(Difference, (given - batch.AskTeacher(batch.Images)).abs().max().item<float>());
            return batch.CrossEntropy(batch.Student.call(batch.Images));
        }
    }

    [Fact]
    public void Teacher_logits_are_computed_once_a_variant_where_the_variants_are_fewer_than_the_epochs()
    {
        var (mirror, crop) = (new Augmentation(0, true), new Augmentation(1, true));
        var options = Options with { Epochs = 5, Augmentation = Augmentation.None };
        Assert.Equal(20, Ask(options).Images);
        Assert.Equal(100, Ask(options with { CacheTeacherLogits = false }).Images);
        Assert.Equal(20, Ask(options with { Epochs = 1 }).Images);
        Assert.Equal(40, Ask(options with { Augmentation = mirror }).Images);
        Assert.Equal(40, Ask(options with { Augmentation = mirror, Epochs = 2 }).Images);
        Assert.Equal(100, Ask(options with { Augmentation = crop }).Images);
        Assert.Equal(100, Ask(options with { Augmentation = Augmentation.None with { Cutout = 2 } }).Images);

        using var data = TrainerTests.Data(20);
        using var images = new TrainingImages(data);
        bool Pays(Augmentation augmentation, int epochs, Mixing? mixing = null) => TeacherLogitsCache.Pays(
            new() { Augmentation = augmentation, Epochs = epochs, Mixing = mixing }, images);
        Assert.False(Pays(mirror, epochs: 2));
        Assert.True(Pays(mirror, epochs: 3));
        Assert.False(Pays(Augmentation.None, epochs: 1));
        Assert.False(Pays(crop, epochs: 1000));
        Assert.False(Pays(mirror, epochs: 3, Mixing.MixUp()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Kept_teacher_logits_are_those_of_the_image_as_it_is_in_the_batch(bool flip) =>
        Assert.InRange(Ask(Options with { Augmentation = new Augmentation(0, flip), CacheTeacherLogits = true }).Difference, 0, 1e-5);

    [Fact]
    public void Cancelled_while_the_teachers_logits_are_kept_the_training_stops_at_the_next_batch_and_goes_on_as_if_it_had_not_been()
    {
        var asked = 0;
        var source = new CancellationTokenSource();
        var options = Options with { Augmentation = Augmentation.None, ValidationFraction = 0, CheckpointFolder = folder, Resume = true };
        var whole = Fit(options with { CheckpointFolder = null, Resume = false }, cancelling: false);
        Assert.Throws<OperationCanceledException>(() => Fit(options, cancelling: false, stopAt: 2));
        (asked, source) = (0, new());
        Assert.Throws<OperationCanceledException>(() => Fit(options, cancelling: true));
        // One batch of the five, and before it an image to see what the teacher gives.
        Assert.Equal(2, asked);
        source = new();
        Assert.Equal(whole, Fit(options, cancelling: false));

        byte[] Fit(TrainingOptions options, bool cancelling, int stopAt = 0)
        {
            using var data = TrainerTests.Data(40);
            using var student = Spec.Build(seed: 3);
            using var inner = Teacher();
            // While the logits are kept it gets batches of the training's size, before that an image, and 40 for the report of it.
            using var teacher = new FunctionNetwork(images =>
            {
                if (images.shape[0] is 1 or 8) asked++;
                if (cancelling && images.shape[0] == 8) source.Cancel();
                return inner.call(images);
            });
            teacher.eval();
            Trainer.Fit(
                new(student, teacher), TrainerTests.Ard, data, options, cancellation: source.Token,
                progress: new Observer(progress =>
                {
                    if (stopAt > 0 && progress is { Epoch: 2, EpochEnded: false } && progress.Step == stopAt) source.Cancel();
                }));
            return Bytes(student);
        }
    }
}
