namespace Ard.Trainers.Tests.Objectives;

public sealed class FastTests
{
    private static readonly ThreatModel Threat = ThreatModel.Linf(0.1);

    private static readonly InnerMaximisation Rs = InnerMaximisation.FgsmRs with { Threat = Threat, StepSize = 0.125 };

    private static readonly InnerMaximisation N = new InnerMaximisation { Threat = Threat }.Fast() with { StepSize = 0.1 };

    private static AdversarialTraining Training(InnerMaximisation attack) => new(new() { Inner = attack });

    // An attack of no noise and no step is none: whoever trains on it is robust against it and not against PGD.
    private static InnerMaximisation Harmless(int every = 3) =>
        Rs with { Start = Start.Clean, StepSize = 0, Guard = new() { EveryBatches = every } };

    [Fact]
    public void Adversarial_images_of_a_linear_network_are_those_worked_out_by_hand()
    {
        using var scope = NewDisposeScope();
        var student = LinearNetwork.Random(8, 4, 2, ScalarType.Float64);
        var (images, labels) = (Small.Images(5, 1, 8), Small.Labels(5));
        var unit = (Small.Images(5, 9, 8) - 0.5) * 2;
        foreach (var (options, radius) in new[] { (Rs, 0.1), (N, 0.2) })
        {
            var start = (images + unit * radius).clamp(0, 1);
            var batch = Small.Batch(student, images, labels, noise: start - images);
            var loss = Training(options).Loss(batch);

            var oneHot = labels.unsqueeze(1).eq(arange(4, ScalarType.Int64)).to(ScalarType.Float64);
            var gradient = (student.call(start).softmax(1) - oneHot).matmul(student.Weight.t());
            var expected = start + gradient.sign() * options.StepSize;
            if (options.Project) expected = expected.maximum(images - 0.1).minimum(images + 0.1);
            expected = expected.clamp(0, 1).detach();
            Compare.Close(expected, batch.Adversarial!, 0, "adversarial images", absolute: 1e-15);
            Compare.Close(functional.cross_entropy(student.call(expected), labels), loss, 1e-12, "loss");
        }
        var (rs, n) = (InnerMaximisation.FgsmRs, new InnerMaximisation().Fast());
        Assert.Equal((1, Start.Uniform, 10 / 255.0, true), (rs.Steps, rs.Start, rs.StepSize, rs.Project));
        Assert.Equal((1, Start.UniformTimes(2), 8 / 255.0, false), (n.Steps, n.Start, n.StepSize, n.Project));
    }

    [Theory]
    [InlineData(Norm.Linf)]
    [InlineData(Norm.L2)]
    public void Fgsm_stays_in_the_ball_and_n_fgsm_within_three_times_of_it(Norm norm)
    {
        using var scope = NewDisposeScope();
        var threat = new ThreatModel(norm, norm == Norm.Linf ? 0.1 : 1);
        var student = Small.Network(1);
        var images = Small.Images(6, 2);
        double Largest(string method)
        {
            var batch = Small.Batch(student, images);
            ObjectiveCatalog.ByName(method, new() { Threat = threat }).Loss(batch);
            new ThreatModel(norm, 3 * threat.Epsilon).Verify(batch.Adversarial!, images, "one step");
            return threat.Size(batch.Adversarial!, images).max().item<double>();
        }
        Assert.InRange(Largest("fgsm-rs"), 0.5 * threat.Epsilon, threat.Epsilon * (1 + 1e-9));
        Assert.InRange(Largest("n-fgsm"), 1.2 * threat.Epsilon, 3 * threat.Epsilon);
    }

    [Fact]
    public void Gradients_are_those_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        var student = Small.Network(1);
        var points = Small.Images(4, 3).requires_grad_();
        var objective = Training(Rs);
        Tensor Loss()
        {
            var batch = Small.Batch(student, points.detach());
            batch.Adversarial = points;
            return objective.Loss(batch);
        }
        Loss().backward();
        var gradients = student.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.grad!.clone());
        double Value()
        {
            using var inner = NewDisposeScope();
            return Loss().item<double>();
        }
        foreach (var (name, parameter) in student.named_parameters()) Gradients.Check(Value, parameter, gradients[name], name);
        Gradients.Check(Value, points, points.grad!, "images");
    }

    [Fact]
    public void The_guard_lets_go_of_the_one_step_attack_when_it_is_blind_to_what_PGD_finds_and_stays_with_PGD()
    {
        using var scope = NewDisposeScope();
        var student = new RecordingNetwork(Narrow());
        student.train();
        var (images, labels) = NarrowData();
        var objective = Training(Harmless());
        using var memory = new ObjectiveMemory();
        var warnings = new List<string>();
        var calls = new List<int>();
        for (var step = 0; step < 5; step++)
        {
            student.Calls.Clear();
            var batch = Small.Batch(student, images, labels, memory: memory, step: step, warn: warnings.Add);
            objective.Loss(batch);
            calls.Add(student.Calls.Count);
            var moved = Threat.Size(batch.Adversarial!, images).max().item<double>();
            if (step < 2) Assert.Equal(0, moved);
            else Assert.Equal(0.1, moved, 1e-9);
            Assert.True(student.training);
        }
        // One attack step and the loss; in the third both attacks are tried, 1 + 1 and 10 + 1 passes, and PGD-10 takes over.
        Assert.Equal([2, 2, 13 + 11, 11, 11], calls);
        var warning = Assert.Single(warnings);
        Assert.Contains("catastrophic overfitting", warning, StringComparison.Ordinal);
        Assert.Contains("100 % right under the attack of 1 step and 0 % under PGD-10", warning, StringComparison.Ordinal);
        Assert.NotNull(memory["guard.pgd"]);
        Assert.Equal(0, memory["guard.pgd"]!.requires_grad ? 1 : 0);
    }

    [Fact]
    public void The_guard_does_nothing_where_one_step_finds_what_PGD_finds_or_where_there_is_none()
    {
        using var scope = NewDisposeScope();
        var (images, labels) = NarrowData();
        // The steepest direction of a linear network is the same everywhere, so one step is as good as ten; and the same student that
        // fooled the harmless attack above has lost to this one.
        var watched = Rs with { Guard = new() { EveryBatches = 1 } };
        foreach (var (options, calls) in new[] { (watched, 15), (Harmless() with { Guard = null }, 2) })
        {
            var student = new RecordingNetwork(Narrow());
            using var memory = new ObjectiveMemory();
            Training(options).Loss(
                Small.Batch(student, images, labels, memory: memory, step: 2, warn: message => Assert.Fail(message)));
            Assert.Equal(calls, student.Calls.Count);
            Assert.Empty(memory.Entries);
        }
        // Too few images to tell: the gap of a single one is 1 or nothing.
        var last = Small.Batch(Narrow(), images.narrow(0, 0, 1), labels.narrow(0, 0, 1), warn: message => Assert.Fail(message));
        Training(Harmless(1)).Loss(last);
        // A student that neither attack can harm.
        var wide = Narrow(margin: 50);
        Training(Harmless(1)).Loss(Small.Batch(wide, images, labels, warn: message => Assert.Fail(message)));
    }

    [Fact]
    public void The_guard_looks_at_the_student_in_eval_mode_and_at_the_first_images_only()
    {
        using var scope = NewDisposeScope();
        var student = new RecordingNetwork(Small.Network(1));
        student.train();
        var guard = new OverfittingGuard { EveryBatches = 1, Images = 2, Gap = 1, Steps = 4 };
        Training(Rs with { Guard = guard }).Loss(Small.Batch(student, Small.Images(5, 3)));
        var looking = student.Calls.SkipLast(2).ToArray();
        Assert.Equal(2 + 5, looking.Length);
        Assert.All(looking, call => Assert.Equal((2, false), (call.Input.shape[0], call.Training)));
        Assert.All(student.Calls.TakeLast(2), call => Assert.Equal((5, true), (call.Input.shape[0], call.Training)));
        Assert.Equal(2, student.state_dict()["network.bn1.num_batches_tracked"].item<long>());
    }

    [Fact]
    public void The_warning_reaches_progress_and_result_once_and_a_resumed_training_stays_with_PGD()
    {
        // 18 batches; a student that knows some of the clean images is found out in the 16th.
        var objective = Training(
            Harmless() with { Threat = ThreatModel.Linf(0.5), Guard = new() { EveryBatches = 16, Gap = 0 } });
        var options = Small.Options with
        {
            Epochs = 6,
            Optimizer = new SgdOptimizer { LearningRate = 0.2 },
            Augmentation = Augmentation.None,
        };
        var told = new List<string>();
        using (NewDisposeScope())
        {
            var (result, _) = Small.Train(objective, options, progress => told.AddRange(progress.Warnings));
            Assert.Equal(result.Warnings, told);
            Assert.StartsWith("Epoch 6, step 1: catastrophic overfitting", Assert.Single(told, OfOverfitting), StringComparison.Ordinal);
        }
        foreach (var afterReports in new[] { 2, 15, 16 })
            Assert.Single(Small.SurvivesAKill(objective, afterReports, options).Warnings, OfOverfitting);

        // Such a training ends near chance as well, which is told too.
        static bool OfOverfitting(string warning) => warning.Contains("catastrophic overfitting", StringComparison.Ordinal);
    }

    [Fact]
    public void Every_fault_of_the_options_is_named_in_one_message()
    {
        var message = Assert.Throws<ArgumentException>(() => Training(new()
        {
            Steps = -1,
            StepSize = double.NaN,
            Mode = (AttackMode)7,
            Guard = new() { EveryBatches = 0, Images = 0, Gap = 2, Steps = 0 },
        })).Message;
        string[] faults = ["Steps is -1", "StepSize is NaN", "Mode is 7", "EveryBatches is 0", "Images is 0", "Gap is 2", "Steps is 0"];
        Assert.All(faults, fault => Assert.Contains(fault, message, StringComparison.Ordinal));
    }

    // Two classes by the sign of 10 (Σx - 4), over images whose sums are 4 ± margin of the sum: right everywhere, and easily fooled.
    private static LinearNetwork Narrow(double margin = 1)
    {
        var weight = stack([full([8], 1.0, ScalarType.Float64), full([8], -1.0, ScalarType.Float64)], 1);
        var bias = tensor(new[] { -4.0, 4.0 });
        // With a wide margin the network looks at the first value only, which differs by 0.8.
        if (margin > 1)
        {
            weight = zeros([8, 2], ScalarType.Float64);
            weight[0] = tensor(new[] { margin, -margin });
            bias = tensor(new[] { -margin / 2, margin / 2 });
        }
        return new LinearNetwork(weight, bias);
    }

    // The first value is 0.9 or 0.1; the rest make the sum 4.2 or 3.8.
    private static (Tensor Images, Tensor Labels) NarrowData()
    {
        var images = full([6, 8], 3.3 / 7, ScalarType.Float64);
        var labels = arange(6, ScalarType.Int64).remainder(2);
        for (var n = 0; n < 6; n++)
        {
            images[n] = full([8], (n % 2 == 0 ? 3.3 : 3.7) / 7, ScalarType.Float64);
            images[n, 0] = tensor(n % 2 == 0 ? 0.9 : 0.1, ScalarType.Float64);
        }
        return (images, labels);
    }
}
