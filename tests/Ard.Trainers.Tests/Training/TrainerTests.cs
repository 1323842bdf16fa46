namespace Ard.Trainers.Tests.Training;

[Collection("global random state")]
public sealed class TrainerTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-trainer-").FullName;

    private static readonly ThreatModel Threat = ThreatModel.Linf(0.1);

    internal static readonly NetworkSpec Spec =
        new() { Name = "tinycnn", Width = 4, BatchNorm = true, InputChannels = 1, ImageSize = 8, Classes = 3 };

    private string Last => Path.Combine(folder, "last.safetensors");

    private string Best => Path.Combine(folder, "best.safetensors");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Three classes: a bright quarter of an 8x8 image in one of three corners, under noise.
    internal static ImageDataset Data(int count = 46, ulong seed = 1)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(seed);
        var images = empty(count, 1, 8, 8).uniform_(0, 160, generator);
        var labels = arange(count, ScalarType.Int64).remainder(3);
        for (var n = 0; n < count; n++)
        {
            var (top, left) = (n % 3 / 2 * 4, n % 3 % 2 * 4);
            images[n, 0, top..(top + 4), left..(left + 4)].add_(90);
        }
        return new ImageDataset(images.to(ScalarType.Byte), labels, ["a", "b", "c"]);
    }

    internal static TrainingOptions Options => new()
    {
        Epochs = 3,
        BatchSize = 8,
        Optimizer = new SgdOptimizer { LearningRate = 0.05 },
        Schedule = new OneCycleSchedule(),
        Augmentation = new Augmentation(1, true),
        ValidationFraction = 0.2,
        Validation = new EvaluationOptions { Attacks = ["pgd-3"], Threat = Threat },
        Device = "cpu",
        Threads = 1,
        Seed = 5,
        ProgressInterval = TimeSpan.Zero,
        AcceptTeacherNearChance = true,   // teachers of these tests are as they were built
    };

    internal static readonly InnerMaximisation Inner = new() { Threat = Threat, Steps = 2, StepSize = 0.05 };

    internal static AdversariallyRobustDistillation Ard => new(new ArdOptions { Inner = Inner, Alpha = 0.7 });

    internal static Module<Tensor, Tensor> Teacher()
    {
        var teacher = Spec.Build(seed: 99);
        teacher.eval();
        return teacher;
    }

    internal sealed class Observer(Action<TrainingProgress> see) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => see(value);
    }

    internal static byte[] Bytes(Module network) =>
        [.. network.state_dict().OrderBy(p => p.Key).SelectMany(p => p.Value.contiguous().bytes.ToArray())];

    internal static byte[] Trained(TrainingOptions options, out TrainingResult result, Action<TrainingProgress>? see = null,
        Func<NetworkSpec, Module<Tensor, Tensor>>? build = null, Objective? objective = null, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        using var data = Data();
        using var student = (build ?? (spec => spec.Build(seed: 3)))(Spec);
        using var teacher = Teacher();
        result = Trainer.Fit(
            new(student, teacher), objective ?? Ard, data, options, progress: see is null ? null : new Observer(see),
            cancellation: cancellation);
        return Bytes(student);
    }

    public static TheoryData<OptimizerSpec, int> Kills
    {
        get
        {
            var random = new Random();   // every run kills at other steps
            var data = new TheoryData<OptimizerSpec, int>();
            foreach (OptimizerSpec optimizer in new OptimizerSpec[]
            {
                new SgdOptimizer { LearningRate = 0.05 }, new SgdOptimizer { LearningRate = 0.05, Nesterov = true },
                new SgdOptimizer { LearningRate = 0.05, Momentum = 0 }, new AdamOptimizer(),
                new AdamOptimizer { Decoupled = true, WeightDecay = 0.01 },
            })
                data.Add(optimizer, random.Next(2, 15));
            // The last report before the end of the second epoch: its steps are done, its validation is not.
            data.Add(new SgdOptimizer { LearningRate = 0.05 }, 9);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Kills))]
    public void A_run_killed_at_a_random_step_and_resumed_equals_the_uninterrupted_one_bit_for_bit(OptimizerSpec optimizer, int killedAt)
    {
        var options = Options with { Optimizer = optimizer };
        var whole = Trained(options, out var expected);

        var writing = options with { CheckpointFolder = folder, CheckpointEverySteps = 2, Resume = true };
        var reports = 0;
        Assert.Throws<TimeoutException>(() => Trained(writing, out _, p =>
        {
            if (++reports > killedAt) throw new TimeoutException($"killed in epoch {p.Epoch} after step {p.Step}");
        }));
        Assert.True(File.Exists(Last));
        var resumed = Trained(writing, out var result);

        Assert.True(whole.AsSpan().SequenceEqual(resumed), $"the weights differ after a kill at report {killedAt}");
        Assert.Equal(expected.History.Select(e => e with { Seconds = 0 }), result.History.Select(e => e with { Seconds = 0 }));
        Assert.Equal((expected.BestEpoch, expected.KeptEpoch), (result.BestEpoch, result.KeptEpoch));
    }

    [Fact]
    public void A_run_cancelled_at_any_step_and_resumed_equals_the_uninterrupted_one()
    {
        var whole = Trained(Options, out _);
        var options = Options with { CheckpointFolder = folder, Resume = true };
        for (var part = 0; part < 40; part++)
        {
            using var source = new CancellationTokenSource();
            var reports = 0;
            try
            {
                // Each part does a few steps; reports come after steps and after epochs.
                var weights = Trained(options, out var result, _ =>
                {
                    if (++reports == 3) source.Cancel();
                }, cancellation: source.Token);
                Assert.True(part >= 4, $"finished in part {part}");
                Assert.False(result.Cancelled);
                Assert.True(whole.AsSpan().SequenceEqual(weights));
                return;
            }
            catch (OperationCanceledException)
            {
                Assert.True(File.Exists(Last));
            }
        }
        Assert.Fail("never finished");
    }

    [Fact]
    public void A_network_with_dropout_resumes_bit_for_bit_and_the_global_random_state_is_left_as_found()
    {
        static Module<Tensor, Tensor> Build(NetworkSpec spec) => Initialisation.Seeded<Module<Tensor, Tensor>>(4, () =>
            Sequential(Flatten(), Linear(64, 16), Dropout(0.5), ReLU(), Linear(16, 3)));
        var options = Options with { CheckpointFolder = folder, CheckpointEverySteps = 1, Resume = true };
        using var state = Generator.Default.get_state();
        Generator.Default.set_state(state);
        var whole = Trained(Options, out _, build: Build, objective: new Natural());
        using var after = Generator.Default.get_state();
        Assert.True(state.bytes.SequenceEqual(after.bytes));

        var reports = 0;
        Assert.Throws<TimeoutException>(() => Trained(options, out var unused, progress =>
        {
            if (++reports > 7) throw new TimeoutException();
        }, Build, new Natural()));
        rand(5).Dispose();   // somebody draws in between
        Assert.True(whole.AsSpan().SequenceEqual(Trained(options, out _, build: Build, objective: new Natural())));
    }

    [Fact]
    public void The_same_seed_gives_the_same_weights_and_another_seed_others()
    {
        var first = Trained(Options, out _);
        Assert.True(first.AsSpan().SequenceEqual(Trained(Options, out _)));
        Assert.False(first.AsSpan().SequenceEqual(Trained(Options with { Seed = 6 }, out _)));
    }

    [Fact]
    public void Cancelled_with_ReturnBestSoFar_the_student_has_the_best_weights_and_the_last_checkpoint_is_written()
    {
        using var source = new CancellationTokenSource();
        var options = Options with { CheckpointFolder = folder, WhenCancelled = CancellationBehaviour.ReturnBestSoFar };
        var weights = Trained(options, out var result, p =>
        {
            if (p.Epoch == 2 && p.Step == 2) source.Cancel();
        }, cancellation: source.Token);
        Assert.True(result.Cancelled);
        Assert.Equal((1, 1), (result.BestEpoch, result.KeptEpoch));
        Assert.Single(result.History);
        Assert.True(File.Exists(Last));
        using var scope = NewDisposeScope();
        using var best = ModelFile.Read(Best);
        Assert.True(weights.AsSpan().SequenceEqual(Bytes(best)));
    }

    [Fact]
    public void The_best_epoch_has_the_highest_robust_validation_accuracy_and_its_weights_are_kept()
    {
        var weights = Trained(Options with { Epochs = 5, CheckpointFolder = folder }, out var result);
        var highest = result.History.Max(epoch => epoch.RobustValidationAccuracy);
        Assert.Equal(highest, result.Best!.RobustValidationAccuracy);
        Assert.Equal(9, result.ValidationImages);
        Assert.Equal(result.BestEpoch, result.KeptEpoch);

        // What the record says is what the kept weights have: measured again from the file.
        using var scope = NewDisposeScope();
        using var model = ModelFile.Read(Best);
        Assert.True(weights.AsSpan().SequenceEqual(Bytes(model)));
        using var data = Data();
        var (rest, drawn) = data.Split(9, 5);
        using (rest)
        using (drawn)
        {
            var report = new RobustnessEvaluator(Options.Validation).Evaluate(model, drawn.Images, drawn.Labels);
            Assert.Equal(highest, report.WorstCase.Accuracy);
            Assert.Equal(result.Best!.ValidationAccuracy, report.Clean.Accuracy);
        }
    }

    [Fact]
    public void Without_validation_the_last_epoch_is_the_result_and_all_images_are_trained_on()
    {
        var seen = new List<TrainingProgress>();
        Trained(Options with { ValidationFraction = 0, CheckpointFolder = folder }, out var result, seen.Add);
        Assert.Equal((null, 3), (result.BestEpoch, result.KeptEpoch));
        Assert.All(seen, p => Assert.Equal(6, p.Steps));   // 46 images in batches of 8
        Assert.All(seen, p => Assert.Null(p.RobustValidationAccuracy));
        Assert.True(File.Exists(Best));
    }

    [Fact]
    public void Easy_classes_are_learned_and_the_reports_tell_it()
    {
        using var data = Data(90);
        using var scope = NewDisposeScope();
        using var student = Spec.Build(3);
        var seen = new List<TrainingProgress>();
        var options = Options with
        {
            Epochs = 12,
            Augmentation = Augmentation.None,
            Validation = Options.Validation with { Attacks = ["fgsm"] },
        };
        var result = Trainer.Fit(student, new Natural(), data, options, progress: new Observer(seen.Add));
        Assert.True(result.Best!.ValidationAccuracy > 0.9, $"{result.Best}");
        Assert.True(result.History[^1].Loss < 0.5 * result.History[0].Loss);
        Assert.True(result.History[^1].TrainingAccuracy > 0.9);
        Assert.False(student.training);

        Assert.Equal(12, seen.Count(p => p.EpochEnded));
        Assert.Equal(12 * 9, seen.Count);   // 72 images in batches of 8: eight reports between steps and one at each end
        Assert.All(seen, p => Assert.True(p.ImagesPerSecond > 0 && p.LearningRate > 0 && double.IsFinite(p.Loss)));
        Assert.Equal(TimeSpan.Zero, seen[^1].TimeLeft);
        Assert.Equal(options.Schedule!.LearningRate(0.05, 107, 9, 12), seen[^1].LearningRate);
    }

    [Fact]
    public void The_loss_of_an_epoch_is_the_mean_over_its_images()
    {
        // One batch an epoch and a rate of nearly nothing: the loss is that of the initial weights on all images.
        using var scope = NewDisposeScope();
        using var data = Data(20);
        using var student = Spec.Build(3);
        var options = Options with
        {
            Epochs = 1,
            BatchSize = 20,
            Augmentation = Augmentation.None,
            ValidationFraction = 0,
            Schedule = Schedule.Constant,
            Optimizer = new SgdOptimizer { LearningRate = 1e-12 },
        };
        using var same = Spec.Build(3);
        var (images, labels) = data.Batch(0, 20);
        var logits = same.call(images);
        var result = Trainer.Fit(student, new Natural(), data, options);
        Assert.Equal(functional.cross_entropy(logits, labels).item<float>(), result.History[0].Loss, 5);
        Assert.Equal(logits.argmax(1).eq(labels).to(ScalarType.Float64).mean().item<double>(), result.History[0].TrainingAccuracy, 12);
        var averaging = Trainer.Fit(student, new Natural(), data, options with { BatchSize = 15 });
        Assert.InRange(averaging.History[0].Loss, 0.1, 10);
    }

    [Fact]
    public void The_number_of_live_tensors_stays_flat_over_200_steps()
    {
        var counts = new List<long>();
        var options = Options with
        {
            Epochs = 1,
            BatchSize = 4,
            ValidationFraction = 0,
            CheckpointFolder = folder,
            CheckpointEverySteps = 50,
            Schedule = Schedule.Constant,
            Optimizer = new SgdOptimizer { LearningRate = 0.01 },
        };
        using var data = Data(4 * 210);
        using var student = Spec.Build(seed: 3);
        using var teacher = Teacher();
        var before = LiveTensors;
        Trainer.Fit(new(student, teacher), Ard, data, options, progress: new Observer(_ => counts.Add(LiveTensors)));
        Assert.True(counts.Count >= 205);
        Assert.Equal(counts[5], counts[204]);
        Assert.Equal(counts[5], counts.Skip(5).SkipLast(1).Max());
        Assert.Equal(before, LiveTensors);
    }

    [Fact]
    public void A_teacher_is_left_as_it_was_found()
    {
        using var scope = NewDisposeScope();
        using var data = Data();
        using var student = Spec.Build(3);
        using var teacher = Spec.Build(99);
        teacher.train();
        var before = Bytes(teacher);
        Trainer.Fit(new(student, teacher), Ard, data, Options with { Epochs = 1 });
        Assert.True(before.AsSpan().SequenceEqual(Bytes(teacher)));
        Assert.True(teacher.training);
        Assert.All(teacher.parameters(), parameter => Assert.True(parameter.requires_grad));
        Assert.All(teacher.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void A_loss_that_is_not_a_number_is_reported_with_epoch_step_and_likely_cause_and_keeps_the_checkpoint_from_before()
    {
        var sound = Options with { CheckpointFolder = folder };
        byte[]? checkpoint = null;
        var fault = Assert.Throws<TrainingDivergedException>(() => Trained(sound, out _, p =>
        {
            if (p is { Epoch: 1, EpochEnded: true }) checkpoint = null;
            if (p is { Epoch: 2, Step: 1 }) checkpoint = File.ReadAllBytes(Last);
        }, objective: new FailsAt(epoch: 1, call: 3)));
        Assert.Contains("Epoch 2, step 3: the loss is NaN", fault.Message);
        Assert.Contains("learning rate", fault.Message);
        Assert.NotNull(checkpoint);
        Assert.True(checkpoint.AsSpan().SequenceEqual(File.ReadAllBytes(Last)));
    }

    [Fact]
    public void The_step_is_named_exactly_even_when_losses_are_read_only_at_the_end_of_the_epoch()
    {
        var fault = Assert.Throws<TrainingDivergedException>(() =>
            Trained(Options with { ProgressInterval = TimeSpan.FromHours(1) }, out _, objective: new FailsAt(epoch: 0, call: 2)));
        Assert.Contains("Epoch 1, step 2: the loss is NaN", fault.Message);
    }

    [Fact]
    public void A_teacher_with_weights_that_are_not_finite_is_refused_by_the_tensor()
    {
        using var scope = NewDisposeScope();
        using var data = Data();
        using var student = Spec.Build(3);
        using var teacher = Teacher();
        var (name, last) = teacher.named_parameters().Last();
        using (no_grad()) last.fill_(double.NaN);
        var fault = Assert.Throws<ArgumentException>(() => Trainer.Fit(new(student, teacher), Ard, data, Options));
        Assert.Contains($"Teacher has NaN or infinity in {last.numel()} of {last.numel()} elements of its tensor '{name}'", fault.Message);
    }

    [Fact]
    public void A_teacher_whose_outputs_are_not_finite_is_named_as_the_cause()
    {
        using var scope = NewDisposeScope();
        using var data = Data();
        using var student = Spec.Build(3);
        using var teacher = new NaNTeacher(Teacher());
        teacher.eval();
        var fault = Assert.Throws<ArgumentException>(() => Trainer.Fit(new(student, teacher), Ard, data, Options));
        Assert.Contains("the teacher gives outputs that are not finite", fault.Message);
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, -1)]
    [InlineData(1, 2)]
    public void Networks_of_other_classes_than_the_data_s_are_refused_before_anything_is_trained(int moreOfStudent, int moreOfTeacher)
    {
        using var scope = NewDisposeScope();
        using var data = Data();
        var (ofStudent, ofTeacher) = (data.Classes + moreOfStudent, data.Classes + moreOfTeacher);
        using var student = (Spec with { Classes = ofStudent }).Build(3);
        using var teacher = (Spec with { Classes = ofTeacher }).Build(4);
        var fault = Assert.Throws<ArgumentException>(() => Trainer.Fit(new(student, teacher), Ard, data, Options)).Message;
        var expected = $"for one image, expected [1,{data.Classes}]";
        Assert.Equal(moreOfStudent != 0, fault.Contains($"Student gives [1,{ofStudent}] {expected}", StringComparison.Ordinal));
        Assert.Equal(moreOfTeacher != 0, fault.Contains($"Teacher gives [1,{ofTeacher}] {expected}", StringComparison.Ordinal));
    }

    private sealed class NaNTeacher : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> network;

        public NaNTeacher(Module<Tensor, Tensor> network) : base(nameof(NaNTeacher))
        {
            this.network = network;
            RegisterComponents();
        }

        // The root of a negative number.
        public override Tensor forward(Tensor images) => network.call(images) + (images.sum([1L, 2L, 3L]).neg() - 1).sqrt().unsqueeze(1);
    }

    [Fact]
    public void A_checkpoint_of_another_training_is_refused_with_what_differs()
    {
        Trained(Options with { Epochs = 1, CheckpointFolder = folder }, out _);
        var other = Options with { CheckpointFolder = folder, Resume = true, BatchSize = 7, Schedule = new CosineSchedule() };
        var fault = Assert.Throws<DataFileException>(() => Trained(other, out _));
        string[] differing =
        [
            "Epochs: 1 in the file, 3 given", "BatchSize: 8 in the file, 7 given", "Schedule: onecycle in the file, cosine given",
        ];
        Assert.All(differing, text => Assert.Contains(text, fault.Message));
        Assert.DoesNotContain("Seed", fault.Message);
    }

    [Fact]
    public void A_checkpoint_of_other_pixels_labels_or_teachers_is_refused_by_their_name()
    {
        using var scope = NewDisposeScope();
        using var data = Data(20);
        using var validation = Data(10, seed: 2);
        var options = Options with { Epochs = 1, CheckpointFolder = folder };
        void Fit(ImageDataset images, ImageDataset judged, Module<Tensor, Tensor> teacher, bool resume = true)
        {
            using var student = Spec.Build(3);
            Trainer.Fit(new(student, teacher), Ard, images, options with { Resume = resume }, judged);
        }
        using var teacher = Teacher();
        Fit(data, validation, teacher, resume: false);
        Fit(data, validation, teacher);

        using var pixels = new ImageDataset(data.Images.clone(), data.Labels.clone(), data.ClassNames);
        pixels.Images[19, 0, 7, 7].add_(1);
        using var labels = new ImageDataset(data.Images.clone(), data.Labels.flip(0), data.ClassNames);
        using var other = Teacher();
        using (no_grad()) other.parameters().Last().view(-1)[0].add_(1e-3);

        string Refused(ImageDataset images, ImageDataset judged, Module<Tensor, Tensor> teacher) =>
            Assert.Throws<DataFileException>(() => Fit(images, judged, teacher)).Message;
        void Names(string message, string name)
        {
            Assert.Matches($@"expected a checkpoint of this training, found {name}: [0-9a-f]+ in the file, [0-9a-f]+ given\.$", message);
            Assert.DoesNotContain("offset", message);
        }
        Names(Refused(pixels, validation, teacher), "data pixels");
        Names(Refused(labels, validation, teacher), "data labels");
        Names(Refused(data, validation, other), "teacher weights");
        // The same weights, and another network.
        using var normalised = (Spec with { Mean = [0.5], Std = [0.25] }).Build(1);
        Weights.Load(normalised, teacher.state_dict());
        Assert.Contains("\"mean\":[0.5]", Refused(data, validation, normalised));
        using var asked = BlackBox.FromScores("one", images => images.flatten(1)[.., ..(int)data.Classes]);
        using var askedToo = BlackBox.FromScores("two", images => images.flatten(1)[.., ..(int)data.Classes] * 2);
        Fit(data, validation, asked, resume: false);
        Names(Refused(data, validation, askedToo), "teacher weights");
        Assert.Contains("validation: [10,1,8,8] in the file, [20,1,8,8] given", Refused(data, pixels, teacher));
    }

    [Fact]
    public void A_checkpoint_of_another_validation_is_refused_though_its_attack_has_the_same_name()
    {
        TrainingOptions Judged(int steps, double epsilon) => Options with
        {
            Epochs = 1,
            CheckpointFolder = folder,
            Validation = new() { Attacks = [], MoreAttacks = [Attack.Pgd(new() { Steps = steps })], Threat = ThreatModel.Linf(epsilon) },
        };
        Trained(Judged(2, 8 / 255.0), out _);
        Trained(Judged(2, 8 / 255.0) with { Resume = true }, out _);
        foreach (var (other, name) in new[] { (Judged(3, 8 / 255.0), "validation attacks"), (Judged(2, 0.03137), "budgets in full") })
        {
            var fault = Assert.Throws<DataFileException>(() => Trained(other with { Resume = true }, out _));
            Assert.Contains($"{name}: ", fault.Message);
        }
    }

    [Fact]
    public void Validation_attacks_are_checked_for_the_objectives_norm_before_the_training()
    {
        var steps = 0;
        var inL1 = Objective.AdversarialTraining(new() { Threat = ThreatModel.L1(2), StepSize = 0.5, Steps = 1 });
        var options = Options with { Epochs = 1, Validation = new() { Attacks = ["pgd-3"] } };
        var fault = Assert.Throws<ArgumentException>(() => Trained(options, out _, _ => steps++, objective: inL1));
        Assert.Contains("Validation: the attack 'pgd-3' cannot do L1, expected Linf or L2", fault.Message);
        Assert.Equal(0, steps);
        Trained(options with { Validation = new() }, out var result, objective: inL1);
        Assert.NotNull(result.History[0].RobustValidationAccuracy);
        // Of the validation's own attacks none is one that is not run.
        Trained(options with { Validation = new() { MoreAttacks = [Attack.Pgd(), Attack.Fgsm()], Threat = null } }, out _);
        // What cannot do Linf may fit the objective.
        var inL2 = Objective.AdversarialTraining(new() { Threat = ThreatModel.L2(0.5), StepSize = 0.2, Steps = 1 });
        Trained(options with { Validation = new() { Attacks = ["cw-l2"] }, Epochs = 1 }, out _, objective: inL2);
    }

    [Fact]
    public void A_checkpoint_of_another_seed_is_refused_with_the_one_to_set()
    {
        Trained(Options with { Epochs = 1, CheckpointFolder = folder }, out _);
        var other = Options with { Epochs = 1, CheckpointFolder = folder, Resume = true, Seed = 6 };
        Assert.Contains("Seed: 5 in the file, 6 given; to go on with it set Seed = 5.",
            Assert.Throws<DataFileException>(() => Trained(other, out _)).Message);
    }

    [Fact]
    public void Cancelled_in_its_first_epoch_a_training_leaves_no_best_model_of_one_before()
    {
        using var source = new CancellationTokenSource();
        var options = Options with { CheckpointFolder = folder, CheckpointEverySteps = 1 };
        Trained(options, out _);
        Assert.True(File.Exists(Best));
        Assert.Throws<OperationCanceledException>(() => Trained(
            options with { Seed = 6 }, out _, p =>
            {
                if (p.Step == 2) source.Cancel();
            }, cancellation: source.Token));
        Assert.True(File.Exists(Last));
        Assert.False(File.Exists(Best));
    }

    [Fact]
    public void Cancelled_before_the_first_step_there_is_nothing_to_return()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        var options = Options with { WhenCancelled = CancellationBehaviour.ReturnBestSoFar };
        Assert.Throws<OperationCanceledException>(() => Trained(options, out _, cancellation: source.Token));
    }

    [Fact]
    public void Cancelled_before_the_first_step_a_training_leaves_the_files_of_one_before()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        Trained(Options with { CheckpointFolder = folder }, out _);
        var before = new[] { Last, Best }.Select(File.ReadAllBytes).ToArray();
        Assert.Throws<OperationCanceledException>(
            () => Trained(Options with { CheckpointFolder = folder, Seed = 6 }, out _, cancellation: source.Token));
        Assert.Equal(before, new[] { Last, Best }.Select(File.ReadAllBytes));
    }

    [Fact]
    public void An_epoch_whose_report_throws_is_in_the_history_once_and_takes_as_long_as_it_took()
    {
        using var source = new CancellationTokenSource();
        var options = Options with { CheckpointFolder = folder, CheckpointEverySteps = 1 };
        Assert.Throws<OperationCanceledException>(() => Trained(options, out _, progress =>
        {
            if (!progress.EpochEnded) Thread.Sleep(20);
            else source.Cancel();
            source.Token.ThrowIfCancellationRequested();
        }, cancellation: source.Token));
        Trained(options with { Resume = true }, out var result);
        Assert.Equal([1, 2, 3], result.History.Select(epoch => epoch.Epoch));
        Assert.InRange(result.History[0].Seconds, 4 * 0.02, result.Seconds);
    }

    [Fact]
    public void A_checkpoint_of_another_student_is_refused_with_what_differs()
    {
        Trained(Options with { Epochs = 1, CheckpointFolder = folder }, out _);
        var options = Options with { Epochs = 1, CheckpointFolder = folder, Resume = true };
        var fault = Assert.Throws<DataFileException>(() => Trained(options, out _, build: spec => (spec with { Width = 5 }).Build(3)));
        Assert.Contains(Last, fault.Message);
        Assert.Contains("Student: {", fault.Message);
        Assert.Contains("\"width\":5", fault.Message);
    }

    [Fact]
    public void A_checkpoint_of_another_version_is_refused_by_its_version()
    {
        Trained(Options with { Epochs = 1, CheckpointFolder = folder }, out _);
        using (NewDisposeScope())
        {
            var (tensors, metadata) = (Safetensors.Read(Last), Safetensors.ReadMetadata(Last).ToDictionary());
            metadata["ard.training"] = metadata["ard.training"].Replace("\"version\":3", "\"version\":2", StringComparison.Ordinal);
            Safetensors.Write(Last, tensors.Select(pair => (pair.Key, pair.Value)), metadata);
        }
        var fault = Assert.Throws<DataFileException>(
            () => Trained(Options with { Epochs = 1, CheckpointFolder = folder, Resume = true }, out _));
        Assert.Contains("expected a training checkpoint of version 3, found version 2: finish that training with", fault.Message);
    }

    [Fact]
    public void A_checkpoint_from_before_there_was_a_setting_is_one_where_it_was_not_set()
    {
        Trained(Options with { Epochs = 1, CheckpointFolder = folder }, out _);
        using (NewDisposeScope())
        {
            var (tensors, metadata) = (Safetensors.Read(Last), Safetensors.ReadMetadata(Last).ToDictionary());
            const string Setting = "\"Validation.QueryBudget\":\"not set\",";
            Assert.Contains(Setting, metadata["ard.training"]);
            metadata["ard.training"] = metadata["ard.training"].Replace(Setting, "", StringComparison.Ordinal)
                .Replace("\"ClipGradientNorm\":\"not set\",", "", StringComparison.Ordinal);
            Safetensors.Write(Last, tensors.Select(pair => (pair.Key, pair.Value)), metadata);
        }
        var options = Options with { Epochs = 1, CheckpointFolder = folder, Resume = true };
        Trained(options, out var result);
        Assert.Single(result.History);
        Assert.Contains("ClipGradientNorm: nothing in the file, 1 given",
            Assert.Throws<DataFileException>(() => Trained(options with { ClipGradientNorm = 1 }, out _)).Message);
    }

    [Fact]
    public void A_truncated_or_bit_flipped_checkpoint_is_refused_with_file_expected_and_found()
    {
        Trained(Options with { Epochs = 1, CheckpointFolder = folder }, out _);
        var options = Options with { Epochs = 1, CheckpointFolder = folder, Resume = true };
        var sound = File.ReadAllBytes(Last);
        var random = new Random();
        for (var trial = 0; trial < 6; trial++)
        {
            var damaged = sound.ToArray();
            var at = random.Next(damaged.Length);
            if (trial < 3) damaged[at] ^= (byte)(1 << random.Next(8));
            else damaged = damaged[..at];
            File.WriteAllBytes(Last, damaged);
            var fault = Assert.Throws<DataFileException>(() => Trained(options, out _));
            Assert.Contains(Last, fault.Message);
            Assert.Contains("expected", fault.Message);
            Assert.Contains("found", fault.Message);
        }
        Safetensors.Write(Last, new Dictionary<string, Tensor>());
        Assert.Contains("ard.training", Assert.Throws<DataFileException>(() => Trained(options, out _)).Message);
    }

    [Fact]
    public void Unfit_arguments_are_refused_with_all_faults()
    {
        using var scope = NewDisposeScope();
        using var data = Data();
        using var student = Spec.Build(3);
        var fault = Assert.Throws<ArgumentException>(
            () => Trainer.Fit(student, Ard, data, Options with { Augmentation = new(8, false), ValidationFraction = 0.999 }));
        Assert.Contains("Teacher is missing", fault.Message);
        Assert.Contains("padding 8", fault.Message);
        Assert.Contains("leaves none", fault.Message);
        using var empty = Sequential(Flatten());
        Assert.Contains("RegisterComponents()",
            Assert.Throws<ArgumentException>(() => Trainer.Fit(empty, new Natural(), data, Options)).Message);
        Assert.Contains("Teacher is the Student too",
            Assert.Throws<ArgumentException>(() => Trainer.Fit(new(student, student), Ard, data, Options)).Message);
    }

    [Fact]
    public void A_float64_student_is_trained_in_float64()
    {
        using var scope = NewDisposeScope();
        using var data = Data();
        using var student = Spec.Build(3);
        student.to(ScalarType.Float64);
        Trainer.Fit(student, new AdversarialTraining(new() { Inner = Inner }), data, Options with { Epochs = 1 });
        Assert.All(student.parameters(), parameter => Assert.Equal(ScalarType.Float64, parameter.dtype));
    }

    private static long LiveTensors => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    // Natural training whose loss is NaN in one step.
    private sealed class FailsAt(int epoch, int call) : Objective
    {
        private int calls;

        public override string Name => "fails";

        public override Tensor Loss(TrainingBatch batch)
        {
            calls = batch.Epoch == epoch ? calls + 1 : 0;
            var loss = new Natural().Loss(batch);
            return calls == call ? loss * double.NaN : loss;
        }
    }
}
