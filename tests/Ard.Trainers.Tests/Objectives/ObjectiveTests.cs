namespace Ard.Trainers.Tests.Objectives;

public sealed class ObjectiveTests
{
    [Fact]
    public void A_method_that_needs_a_teacher_says_so_when_there_is_none_or_it_is_in_train_mode()
    {
        using var scope = NewDisposeScope();
        foreach (var objective in new Objective[] { new AdversariallyRobustDistillation(), new Distillation() })
        {
            Assert.True(objective.NeedsTeacher);
            Assert.Contains("needs a teacher", Assert.Throws<InvalidOperationException>(() => objective.Loss(Batch())).Message);
            var training = TinyBatchNormNetwork.Create();
            training.train();
            Assert.Contains("train mode", Assert.Throws<InvalidOperationException>(() => objective.Loss(Batch(training))).Message);
        }
        Assert.All([new Natural(), new AdversarialTraining(), new Trades()], (Objective objective) => Assert.False(objective.NeedsTeacher));
    }

    [Fact]
    public void The_teacher_is_asked_once_a_batch_unless_its_logits_are_given()
    {
        using var scope = NewDisposeScope();
        var teacher = new RecordingNetwork(TinyBatchNormNetwork.Create());
        teacher.eval();
        var options = new ArdOptions { Inner = new() { Loss = InnerLoss.DivergenceFromTeacherOnClean, Mode = AttackMode.Eval, Steps = 3 } };
        var batch = Batch(teacher);
        var loss = new AdversariallyRobustDistillation(options).Loss(batch);
        Assert.Single(teacher.Calls);
        Assert.Equal(0, batch.TeacherLogits.requires_grad ? 1 : 0);
        Assert.True(loss.requires_grad);

        var given = Batch(teacher, teacherLogits: zeros([2, 4]));
        new Distillation().Loss(given);
        Assert.Single(teacher.Calls);
    }

    [Theory]
    [InlineData(AttackMode.Train, 10)]
    [InlineData(AttackMode.Eval, 0)]
    public void The_attack_moves_running_statistics_in_train_mode_only_and_every_module_keeps_its_mode(AttackMode mode, long moved)
    {
        using var scope = NewDisposeScope();
        var batch = Batch();
        // A module that the user has frozen stays in eval mode.
        var frozen = (BatchNorm2d)batch.Student.named_modules().Single(pair => pair.name == "bn2").module;
        frozen.eval();
        var points = new InnerMaximisation { Mode = mode }.Maximise(batch);
        Assert.Equal(moved, batch.Student.state_dict()["bn1.num_batches_tracked"].item<long>());
        Assert.Equal(0, batch.Student.state_dict()["bn2.num_batches_tracked"].item<long>());
        Assert.True(batch.Student.training);
        Assert.False(frozen.training);
        Assert.True(batch.Student.named_modules().Single(pair => pair.name == "bn1").module.training);
        ThreatModel.Cifar10.Verify(points, batch.Images, "inner maximisation");
        Assert.All(batch.Student.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void An_attack_through_a_teacher_that_can_only_be_asked_is_refused()
    {
        using var scope = NewDisposeScope();
        using var asked = BlackBox.FromScores("asked", images => images.flatten(1)[.., ..4]);
        asked.eval();
        foreach (var method in new[] { "adaad", "adaiad", "saad" })
            Assert.Contains("no gradient with regard to the images", Assert.Throws<InvalidOperationException>(
                () => ObjectiveCatalog.ByName(method).Loss(Batch(asked))).Message);
        // Its answers to given points will do.
        ObjectiveCatalog.ByName("rslad").Loss(Batch(asked));
    }

    [Fact]
    public void Without_a_step_the_start_is_what_the_adversary_may_do()
    {
        using var scope = NewDisposeScope();
        var batch = Batch();
        var start = new InnerMaximisation { Steps = 0, Start = Start.UniformTimes(2) }.Maximise(batch);
        ThreatModel.Cifar10.Verify(start, batch.Images, "start");
    }

    [Fact]
    public void Ard_skips_the_clean_pass_only_when_told_so()
    {
        using var scope = NewDisposeScope();
        var teacher = TinyBatchNormNetwork.Create();
        teacher.eval();
        foreach (var (always, alpha, forwards) in new[] { (true, 1.0, 12), (false, 1.0, 11), (false, 0.5, 12) })
        {
            var batch = Batch(teacher);
            new AdversariallyRobustDistillation(new() { StatisticsPasses = always, Alpha = alpha }).Loss(batch);
            Assert.Equal(forwards, batch.Student.state_dict()["bn1.num_batches_tracked"].item<long>());
        }
    }

    [Fact]
    public void The_same_generator_seed_gives_the_same_adversarial_images()
    {
        using var scope = NewDisposeScope();
        var first = new InnerMaximisation { Mode = AttackMode.Eval }.Maximise(Batch(seed: 3));
        Compare.Same(first, new InnerMaximisation { Mode = AttackMode.Eval }.Maximise(Batch(seed: 3)), "same seed");
        Assert.False(first.allclose(new InnerMaximisation { Mode = AttackMode.Eval }.Maximise(Batch(seed: 4))), "another seed");
    }

    [Fact]
    public void Presets_are_the_settings_of_the_papers()
    {
        var official = new ArdOptions();
        Assert.Equal((30, KlReduction.BatchAndClassMean), (official.Distillation.Temperature, official.Distillation.Reduction));
        Assert.Equal((1, 1), (official.Alpha, official.Distillation.Weight));
        Assert.Equal((ThreatModel.Linf(8.0 / 255), 10, 2.0 / 255), (official.Inner.Threat, official.Inner.Steps, official.Inner.StepSize));
        Assert.Equal((AttackMode.Train, Start.UniformUnclamped), (official.Inner.Mode, official.Inner.Start));
        var trades = new TradesOptions();
        Assert.Equal(6, trades.Beta);
        Assert.Equal((ThreatModel.Linf(0.031), 10, 0.007), (trades.Inner.Threat, trades.Inner.Steps, trades.Inner.StepSize));
        Assert.Equal((AttackMode.Eval, Start.Gaussian(0.001)), (trades.Inner.Mode, trades.Inner.Start));
    }

    [Fact]
    public void Every_fault_of_the_options_is_named_in_one_message()
    {
        var message = Assert.Throws<ArgumentException>(() => new AdversariallyRobustDistillation(new()
        {
            Alpha = 1.5,
            Distillation = new() { Temperature = 0, Reduction = (KlReduction)9, Weight = -1 },
            Inner = new() { Steps = -1, StepSize = double.NaN },
        })).Message;
        string[] faults = ["Alpha is 1.5", "Temperature is 0", "Reduction is 9", "Weight is -1", "Steps is -1", "StepSize is NaN"];
        Assert.All(faults, fault => Assert.Contains(fault, message));
        Assert.Contains("Beta is -6", Assert.Throws<ArgumentException>(() => new Trades(new() { Beta = -6 })).Message);
    }

    [Fact]
    public void A_method_of_ones_own_is_one_small_class()
    {
        using var scope = NewDisposeScope();
        var batch = Batch();
        var loss = new LogitPairing().Loss(batch);
        loss.backward();
        Assert.All(batch.Student.parameters(), parameter => Assert.NotNull(parameter.grad));
    }

    // Adversarial logit pairing (Kannan, Kurakin and Goodfellow, 2018).
    private sealed class LogitPairing : Objective
    {
        private readonly InnerMaximisation inner = new() { Steps = 2 };

        public override string Name => "logit-pairing";

        public override Tensor Loss(TrainingBatch batch)
        {
            var attacked = batch.Report(batch.Student.call(inner.Maximise(batch)));
            var clean = batch.Student.call(batch.Images);
            return functional.cross_entropy(attacked, batch.Labels) + (attacked - clean).square().mean();
        }
    }

    private static TrainingBatch Batch(Module<Tensor, Tensor>? teacher = null, Tensor? teacherLogits = null, ulong seed = 0)
    {
        using var generator = new Generator(5);
        var student = TinyBatchNormNetwork.Create();
        using (no_grad())
        {
            foreach (var parameter in student.parameters()) parameter.normal_(0, 0.5, generator);
        }
        student.train();
        var (images, labels) = (empty([2, 3, 8, 8]).uniform_(0, 1, generator), tensor(new[] { 1L, 3 }));
        var random = new Generator(seed);
        return teacherLogits is null
            ? new() { Student = student, Teacher = teacher, Images = images, Labels = labels, Generator = random }
            : new() { Student = student, TeacherLogits = teacherLogits, Images = images, Labels = labels, Generator = random };
    }
}
