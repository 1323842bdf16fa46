namespace Ard.Trainers.Tests.Objectives;

/// <summary>The successors of ARD: gradients by finite differences, weights and ramps, faults, one epoch of training.</summary>
public sealed class SuccessorTests
{
    public static TheoryData<string> Methods => [.. new[] { "rslad", "adaad_a05", "iad_t5_a07_weighted", "adaiad_a05", "rslad+igdm" }];

    [Fact]
    public void The_gradient_of_the_adaptive_attack_goes_through_the_student_and_the_teacher()
    {
        using var scope = NewDisposeScope();
        var batch = Batch(Teacher());
        batch.Student.eval();
        var loss = InnerLoss.DivergenceFromTeacherOnSame.Prepare(batch);
        AssertDerivatives(loss, batch.Images, Pgd.Gradient(loss, batch.Images));
        var fixedTeacher = batch.AskTeacher(batch.Images);
        var without = Pgd.Gradient(
            x => KlDivergence.Sum(batch.Student.call(x), fixedTeacher), batch.Images);
        Assert.False(without.allclose(Pgd.Gradient(loss, batch.Images), 1e-3));
    }

    [Fact]
    public void The_gradient_of_the_attack_of_RSLAD_agrees_with_finite_differences()
    {
        using var scope = NewDisposeScope();
        var batch = Batch(Teacher());
        batch.Student.eval();
        var loss = InnerLoss.DivergenceFromTeacherOnClean.Prepare(batch);
        AssertDerivatives(loss, batch.Images + 0.01, Pgd.Gradient(loss, batch.Images + 0.01));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(100)]
    public void AdaAD_is_a_tenth_of_the_batch_mean_at_any_number_of_classes(int classes)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var (student, teacher) = (randn([6, classes], ScalarType.Float64, generator: generator), randn([6, classes], ScalarType.Float64));
        Compare.Close(KlDivergence.Between(student, teacher) * 0.1, new AdaAdOptions().Distillation.Loss(student, teacher), 1e-12, "loss");
    }

    [Theory]
    [InlineData("rslad")]
    [InlineData("adaad_a05")]
    [InlineData("iad_t5_a07_weighted")]
    [InlineData("adaiad_a05")]
    public void The_outer_loss_has_the_gradient_of_finite_differences_in_the_adversarial_images(string method)
    {
        using var scope = NewDisposeScope();
        // A teacher that says the same everywhere: the gradient is not to flow through it, but differences would.
        var answer = Teacher().call(Images()).detach();
        var teacher = new FunctionNetwork(_ => answer);
        teacher.eval();
        var objective = RecordedRunTests.Objective(method);
        Tensor Loss(Tensor adversarial)
        {
            var batch = Batch(teacher);
            batch.Adversarial = adversarial;
            return objective.Loss(batch);
        }
        var points = Images() * 0.9 + 0.05;
        AssertDerivatives(Loss, points, Pgd.Gradient(Loss, points));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void The_outer_loss_has_the_gradient_of_finite_differences_in_the_weights(string method)
    {
        using var scope = NewDisposeScope();
        var objective = RecordedRunTests.Objective(method);
        var batch = Batch(Teacher());
        var weight = batch.Student.get_parameter("conv2.weight")!;
        batch.Adversarial = Images() * 0.9 + 0.05;
        objective.Loss(batch).backward();
        var gradient = weight.grad!.clone();
        var before = weight.detach().clone();
        AssertDerivatives(at =>
        {
            using (no_grad()) weight.copy_(at);
            return objective.Loss(batch);
        }, before, gradient);
    }

    [Fact]
    public void Trust_is_the_teachers_probability_of_the_true_class_to_a_power_from_an_epoch_on()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new[] { 0.0, Math.Log(3), 0, 0 }).reshape(2, 2);
        var trust = new TeacherTrust { Exponent = 0.5 };
        var labels = Small.Batch(Teacher(), Small.Images(2, 1), tensor(new[] { 1L, 0 }));
        Compare.Close(tensor(new[] { Math.Sqrt(0.75), Math.Sqrt(0.5) }), trust.Weights(logits, labels), 1e-12, "square root");
        Compare.Same(tensor(new[] { 1.0, 1 }), (trust with { Exponent = 0 }).Weights(logits, labels), "full trust");
        Assert.Equal([false, true], new[] { 59, 60 }.Select(epoch => trust.IsPartial(Batch(Teacher(), epoch))));
    }

    [Fact]
    public void Weights_of_points_multiply_their_divergences_under_every_reduction()
    {
        using var scope = NewDisposeScope();
        var (q, p) = (Images().flatten(1).narrow(1, 0, 4), Images().flatten(1).narrow(1, 9, 4));
        var weights = tensor(new[] { 0.5, 0, 2, 1 });
        var each = KlDivergence.OfEach(q, p);
        foreach (var (reduction, divisor) in new[] { (KlReduction.BatchMean, 4), (KlReduction.BatchAndClassMean, 16) })
        {
            Compare.Close((each * weights).sum() / divisor, KlDivergence.Between(q, p, 1, reduction, weights), 1e-12, $"{reduction}");
            var term = new DistillationTerm { Temperature = 2, Reduction = reduction, Weight = 3 };
            Compare.Close(KlDivergence.Between(q, p, 2, reduction, weights) * 12, term.Loss(q, p, weights), 1e-12, $"{reduction}");
        }
    }

    [Fact]
    public void The_term_of_IGDM_grows_with_the_epochs_from_one_share_to_its_weight()
    {
        using var scope = NewDisposeScope();
        double Loss(int epoch, double weight)
        {
            var batch = Batch(Teacher(), epoch);
            batch.Adversarial = Images() * 0.9 + 0.05;
            return new Igdm(new Rslad(), new() { Weight = weight }).Loss(batch).item<double>();
        }
        var (host, first, last) = (Loss(0, 0), Loss(0, 4), Loss(199, 4));
        Assert.True(first > host);
        Assert.Equal(200 * (first - host), last - host, 1e-9 * last);
    }

    [Fact]
    public void The_term_of_IGDM_leaves_the_gradient_of_the_adversarial_images_to_the_host()
    {
        using var scope = NewDisposeScope();
        Tensor Gradient(Objective objective) => Pgd.Gradient(
            points =>
            {
                var batch = Batch(Teacher());
                batch.Adversarial = points;
                return objective.Loss(batch);
            },
            Images() * 0.9 + 0.05);
        Compare.Same(Gradient(new Rslad()), Gradient(new Igdm(new Rslad(), new() { Weight = 100 })), "gradient");
    }

    [Fact]
    public void IGDM_passes_on_what_its_host_does_and_says_when_the_host_finds_no_adversarial_images()
    {
        using var scope = NewDisposeScope();
        var host = new Replaying();
        var objective = new Igdm(host);
        Assert.Equal((4, true, "replaying+igdm"), (objective.Replays, objective.NeedsTeacher, objective.Name));
        Assert.Equal((true, false), (new Igdm(new Mtard()).NeedsNaturalTeacher, objective.NeedsNaturalTeacher));
        Assert.Contains("replaying finds no adversarial images",
            Assert.Throws<InvalidOperationException>(() => objective.Loss(Batch(Teacher()))).Message);
        objective.AfterBackward(Batch(Teacher()));
        Assert.Equal(1, host.Calls);
        Assert.NotEqual(OptionsText.Lines("", objective), OptionsText.Lines("", new Igdm(host, new() { Weight = 2 })));
    }

    [Fact]
    public void Every_fault_of_the_options_is_named_in_one_message()
    {
        var bad = new InnerMaximisation { Steps = -1 };
        var term = new DistillationTerm { Temperature = 0 };
        var trust = new TeacherTrust { Exponent = -1, FullTrustShare = -2 };
        string[] common = ["Steps is -1", "Temperature is 0", "Alpha is 2"];
        foreach (var (make, faults) in new (Action, string[])[]
        {
            (() => new Rslad(new() { Inner = bad, Distillation = term, Alpha = 2 }), common),
            (() => new AdaAd(new() { Inner = bad, Distillation = term, Alpha = 2 }), common),
            (() => new Iad(new() { Inner = bad, Distillation = term, Alpha = 2, Trust = trust }),
                [.. common, "Exponent is -1", "FullTrustShare is -2"]),
            (() => new AdaIad(new() { Inner = bad, Distillation = term, Alpha = 2, Trust = trust }),
                [.. common, "Exponent is -1", "FullTrustShare is -2"]),
            (() => new Igdm(new Rslad(), new() { Weight = double.NaN }), ["Weight is NaN"]),
        })
        {
            var message = Assert.Throws<ArgumentException>(make).Message;
            Assert.All(faults, fault => Assert.Contains(fault, message));
        }
    }

    [Theory]
    [InlineData("rslad")]
    [InlineData("adaad")]
    [InlineData("iad")]
    [InlineData("adaiad")]
    [InlineData("ard+igdm")]
    [InlineData("free+igdm")]
    [InlineData("n-fgsm+igdm")]
    public void One_epoch_on_the_built_in_images_trains_the_student(string method)
    {
        using var data = Glyphs.Generate(48, seed: 1);
        var spec = NetworkSpec.Parse("tinycnn-4-bn") with { InputChannels = 1, ImageSize = 16 };
        using var teacher = spec.Build(1);
        using var student = spec.Build(2);
        var before = student.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        var result = Trainer.Fit(new(student, teacher), ObjectiveCatalog.ByName(method), data, new TrainingOptions
        {
            Epochs = 1,
            BatchSize = 16,
            ValidationFraction = 0,
            Augmentation = Augmentation.None,
            Threads = 1,
            AcceptTeacherNearChance = true,
        });
        Assert.True(result.History[0].Loss > 0 && double.IsFinite(result.History[0].Loss));
        Assert.InRange(result.History[0].TrainingAccuracy, 0, 1);
        foreach (var (name, parameter) in student.named_parameters()) Assert.False(parameter.Equals(before[name]), name);
        foreach (var tensor in before.Values) tensor.Dispose();
    }

    // Central differences along random directions.
    private static void AssertDerivatives(Func<Tensor, Tensor> function, Tensor point, Tensor gradient)
    {
        const double Step = 1e-6;
        using var generator = new Generator(17);
        Assert.True(gradient.abs().max().item<double>() > 1e-6, "the gradient is 0");
        for (var i = 0; i < 4; i++)
        {
            var direction = empty_like(point).normal_(0, 1, generator);
            var difference = (function(point + direction * Step) - function(point - direction * Step)).detach() / (2 * Step);
            Compare.Close(difference, (gradient * direction).sum(), 1e-5, $"direction {i}", absolute: 1e-8);
        }
    }

    private static Tensor Images()
    {
        using var generator = new Generator(5);
        return empty([4, 3, 8, 8], dtype: ScalarType.Float64).uniform_(0, 1, generator);
    }

    private static TinyBatchNormNetwork Teacher() => Network(seed: 6, ScalarType.Float64, training: false);

    private static TinyBatchNormNetwork Network(ulong seed, ScalarType dtype, bool training)
    {
        using var generator = new Generator(seed);
        var network = TinyBatchNormNetwork.Create().to(dtype);
        using (no_grad())
        {
            foreach (var parameter in network.parameters()) parameter.normal_(0, 0.5, generator);
        }
        network.train(training);
        return network;
    }

    private static TrainingBatch Batch(Module<Tensor, Tensor> teacher, int epoch = 60) => new()
    {
        Student = Network(seed: 7, ScalarType.Float64, training: true),
        Teacher = teacher,
        Images = Images(),
        Labels = tensor(new[] { 1L, 3, 0, 2 }),
        Generator = new Generator(0),
        Epoch = epoch,
        Epochs = 200,
    };

    private sealed class Replaying : Objective
    {
        public int Calls { get; private set; }

        public override string Name => "replaying";

        public override int Replays => 4;

        public override void AfterBackward(TrainingBatch batch) => Calls++;

        public override Tensor Loss(TrainingBatch batch) => batch.Student.call(batch.Images).mean();
    }
}
