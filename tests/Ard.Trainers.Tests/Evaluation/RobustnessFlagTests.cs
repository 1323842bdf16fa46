using static Ard.Trainers.Evaluation.RobustnessFlagCode;

namespace Ard.Trainers.Tests.Evaluation;

public sealed class RobustnessFlagTests
{
    private static readonly EvaluationOptions Options = new()
    {
        Threat = EvaluationProblem.Threat,
        Attacks = ["fgsm", "pgd-10"],
        BatchSize = 20,
    };

    [Fact]
    public void An_ordinary_network_under_the_usual_attacks_raises_none()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth(classes: 11);
        var sequence = new AttackSequence(
            "sequence",
            [new Apgd(new ApgdOptions { Loss = ApgdLoss.TargetedDlr, Steps = 20 }), new Square(new SquareOptions { Queries = 100 })]);
        var square = new Square(new SquareOptions { Queries = 50 });
        var transfer = new GivenAttack("transfer(other)", (x, _) => x, AttackKind.Transferred);
        var options = Options with { MoreAttacks = [sequence, square, transfer] };
        var report = new RobustnessEvaluator(options).Evaluate(network, images, labels);
        Assert.Empty(report.Flags);
        Assert.InRange(report.WorstCase.CorrectCount, 1, report.Clean.CorrectCount - 5);
    }

    [Fact]
    public void Outputs_that_differ_from_pass_to_pass_are_seen()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var call = 0;
        var drifting = new FunctionNetwork(x => network.call(x) + call++ * 0.01);
        var flag = Assert.Single(Flags(drifting, images, labels));
        Assert.Equal(RandomOutputs, flag.Code);
        Assert.Contains("autoattack-rand", $"{flag}");
        // Not what another order of additions makes.
        call = 0;
        Assert.Empty(Flags(new FunctionNetwork(x => network.call(x) * (1 + call++ * 1e-7)), images, labels));
        // And not where nobody asked.
        Assert.Empty(Flags(drifting, images, labels, Options with { CheckNetwork = false }));
    }

    [Theory]
    [InlineData(0, "the adversary may do nothing")]
    [InlineData(8, "the adversary may make any image of any other")]
    public void A_budget_that_cannot_be_meant_is_seen(double epsilon, string expected)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var options = Options with { Threat = ThreatModel.Linf(epsilon) };
        var flag = Assert.Single(Flags(network, images, labels, options), flag => flag.Code == NoAdversary);
        Assert.Contains(expected, $"{flag}", StringComparison.Ordinal);
        // On a curve 0 is where it begins.
        var curve = RobustnessCurve.Evaluate(network, images, labels, [0], Options);
        Assert.DoesNotContain(curve.Points[0].Flags, flag => flag.Code == NoAdversary);
    }

    [Fact]
    public void An_evaluation_without_an_attack_says_so()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        Assert.Equal(NoAdversary, Assert.Single(Flags(network, images, labels, Options with { Attacks = [] })).Code);
    }

    [Fact]
    public void A_network_that_says_one_class_of_all_images_is_seen()
    {
        using var scope = NewDisposeScope();
        var (_, images, labels) = EvaluationProblem.Smooth(classes: 3);
        var constant = new FunctionNetwork(x => x.flatten(1).narrow(1, 0, 3) * 0.01 + tensor(new float[] { 0, 5, 0 }).to(x.dtype));
        Assert.Contains(Flags(constant, images, labels), flag => flag.Code == OneClass);
        // Where there is one class only, it is right to.
        Assert.DoesNotContain(Flags(constant, images, ones_like(labels)), flag => flag.Code == OneClass);
    }

    [Fact]
    public void Probabilities_in_place_of_logits_are_seen()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        Assert.Equal(Probabilities, Assert.Single(Flags(new FunctionNetwork(x => network.call(x).softmax(1)), images, labels)).Code);
        Assert.Empty(Flags(new FunctionNetwork(x => network.call(x).log_softmax(1)), images, labels));
    }

    [Fact]
    public void One_image_without_a_gradient_is_seen()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        // The first image is flat: its neighbourhood is cut off at its lowest values.
        images = images.clone();
        images[0].fill_(0.25);
        Tensor Near(Tensor x) => x.flatten(1).sub(0.25).abs().amax(1).lt(0.01).reshape(-1, 1, 1, 1);
        var flat = new FunctionNetwork(x => network.call(where(Near(x), x * 0 + 0.25, x)));
        using (no_grad()) labels = flat.call(images).argmax(1);
        var flag = Assert.Single(Flags(flat, images, labels));
        Assert.Equal(ZeroGradients, flag.Code);
        Assert.Contains("at 1 of 50 images", flag.Seen);
        // Where the network is wrong anyway no attack needs a gradient.
        labels[0].add_(1).remainder_(5);
        Assert.Empty(Flags(flat, images, labels));
    }

    [Fact]
    public void Fewer_classes_than_a_targeted_attack_aims_at_are_seen()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var flag = Assert.Single(Flags(network, images, labels, Options with { Attacks = ["pgd-10", "apgd-t-3"] }));
        Assert.Equal(FewClasses, flag.Code);
        Assert.Equal("apgd-t-3 aims at 9 classes, the network has 4 besides the true one", flag.Seen);
        var targeted = new Fab(new FabOptions { Targeted = true, Targets = 5, Steps = 3 });
        flag = Assert.Single(Flags(network, images, labels, Options with { MoreAttacks = [targeted] }));
        Assert.StartsWith("fab-t-3 aims at 5 classes", flag.Seen);
        var four = new Apgd(new ApgdOptions { Loss = ApgdLoss.TargetedDlr, Targets = 4, Steps = 3 });
        Assert.Empty(Flags(network, images, labels, Options with { MoreAttacks = [four] }));
    }

    [Theory]
    [InlineData(AttackKind.GradientFree, GradientFreeStronger, 6)]
    [InlineData(AttackKind.OneStep, OneStepStronger, 5)]
    [InlineData(AttackKind.Transferred, TransferStronger, 5)]
    public void An_attack_that_should_be_weaker_than_the_gradient_and_is_not_is_seen(AttackKind kind, RobustnessFlagCode code, int least)
    {
        using var scope = NewDisposeScope();
        // 1000 images, of which attacks break the first so many. What counts is more than chance makes of 2 of them, or of a comparison.
        Assert.Equal(code, Assert.Single(Compare(kind, direct: 100, other: 100 + least)).Code);
        Assert.Empty(Compare(kind, direct: 100, other: 99 + least));
        Assert.Empty(Compare(kind, direct: 100, other: 50));
        Assert.Contains($"broke {least} of 1000 points", Compare(kind, direct: 100, other: 100 + least)[0].Seen);
        // In a sequence it gets only those that the gradient left, which proves something only of an attack without gradients: others are
        // compared where both saw the same images. Or it gets all, and the gradient the rest, which proves nothing.
        var sequence = Compare(kind, direct: 100, other: 100 + least, sequential: true);
        Assert.Equal(kind == AttackKind.GradientFree ? [code] : [], sequence.Select(flag => flag.Code));
        Assert.Empty(Compare(kind, direct: 110, other: 100, sequential: true, otherFirst: true));
        // With a stronger gradient besides, all is well.
        Assert.Empty(Compare(kind, direct: 100, other: 100 + least, stronger: 110));
    }

    // After catastrophic overfitting it is the other way round: one step finds little, and many find almost every point.
    [Fact]
    public void One_step_that_finds_more_than_many_is_called_a_sign_of_masked_gradients()
    {
        using var scope = NewDisposeScope();
        var flag = Assert.Single(Compare(AttackKind.OneStep, direct: 100, other: 150));
        Assert.Contains("masked", flag.Advice, StringComparison.Ordinal);
        Assert.DoesNotContain("overfitting", flag.Advice, StringComparison.Ordinal);
    }

    // The parts of a sequence count together: FGSM beats the first of them, and not the whole.
    [Fact]
    public void One_step_is_compared_with_a_sequence_as_a_whole()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Line();
        var sequence = new AttackSequence("sequence", [Breaks("weak", 50), Breaks("strong", 100)]);
        var one = Breaks("one", 90, AttackKind.OneStep);
        Assert.Empty(Flags(network, images, labels, Options with { Attacks = [], MoreAttacks = [one, sequence] }));
        var other = Breaks("one", 110, AttackKind.OneStep);
        var flag = Assert.Single(Flags(network, images, labels, Options with { Attacks = [], MoreAttacks = [other, sequence] }));
        Assert.Contains("more than sequence", flag.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public void An_attack_without_gradients_within_autoattack_is_seen_too()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Line();
        var attack = new AttackSequence("auto", [Breaks("apgd", 100), Breaks("square", 107, AttackKind.GradientFree)]);
        var flag = Assert.Single(Flags(network, images, labels, Options with { Attacks = [], MoreAttacks = [attack] }));
        Assert.Equal(GradientFreeStronger, flag.Code);
        Assert.Contains("square broke 7 of 1000 points", flag.Seen);
    }

    [Theory]
    [InlineData(AttackKind.GradientFree, 2)]
    [InlineData(AttackKind.OneStep, 5)]
    [InlineData(AttackKind.Transferred, 5)]
    public void One_image_of_sixty_is_no_sign(AttackKind kind, int least)
    {
        using var scope = NewDisposeScope();
        Assert.Empty(Compare(kind, direct: 10, other: 9 + least, images: 60));
        Assert.Single(Compare(kind, direct: 10, other: 10 + least, images: 60));
    }

    // The least count that 0.2 points make in less than one sample of forty: of few images more than one, of many 0.2 points and a little.
    [Theory]
    [InlineData(60, 2)]
    [InlineData(250, 3)]
    [InlineData(1000, 6)]
    [InlineData(10_000, 30)]
    [InlineData(1_000_000, 2089)]
    public void An_attack_without_gradients_is_flagged_beyond_what_chance_makes_of_the_images(int images, int least)
    {
        Assert.InRange(RobustnessFlags.BinomialTail(least, images, 0.002), 0, 0.025);
        Assert.InRange(RobustnessFlags.BinomialTail(least - 1, images, 0.002), 0.025, 1);
    }

    [Fact]
    public void Masked_gradients_are_found_out_by_real_attacks()
    {
        using var scope = NewDisposeScope();
        // The images in steps of 1/20 before the network: no gradient at all, but other networks' examples, and any move at random, work.
        var (network, images, labels) = EvaluationProblem.Smooth();
        var masked = new FunctionNetwork(x => network.call((x * 20).round() / 20 + x * 0));
        using (no_grad()) labels = masked.call(images).argmax(1);
        var transferred = new GivenAttack(
            "transfer(smooth)", (x, y) => new Pgd().Perturb(network, x, y, EvaluationProblem.Threat), AttackKind.Transferred);
        var flags = Flags(masked, images, labels, Options with { Attacks = ["pgd-10"], MoreAttacks = [transferred] });
        Assert.Equal([ZeroGradients, TransferStronger], flags.Select(flag => flag.Code));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Outputs_that_are_not_finite_count_as_wrong_and_are_seen(double odd)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var expected = new RobustnessEvaluator(Options).Evaluate(network, images, labels);
        // At the clean images 3, 10 and 45, of which the last is wrong anyway, and near them.
        int[] rows = [3, 10, 45];
        var faulty = Faulty(network, x => rows.Select(row => (x - images[row]).abs().flatten(1).amax(1).lt(0.04))
            .Aggregate((one, other) => one.logical_or(other)), odd);
        var report = new RobustnessEvaluator(Options).Evaluate(faulty, images, labels);
        var flag = Assert.Single(report.Flags);
        Assert.Equal(NotFinite, flag.Code);
        Assert.Contains("at 3 of 50 images, which count as wrong", flag.Seen);
        Assert.Contains("may be too low", flag.Advice);
        foreach (var (result, sound) in report.Attacks.Prepend(report.Clean).Zip(expected.Attacks.Prepend(expected.Clean)))
        {
            for (var row = 0; row < 50; row++)
            {
                Assert.Equal(sound.Correct[row] && !rows.Contains(row), result.Correct[row]);
                Assert.Equal(rows.Contains(row) ? -1 : sound.Predictions[row], result.Predictions[row]);
            }
        }
        Assert.Equal(expected.Clean.CorrectCount - 2, report.Clean.CorrectCount);
    }

    // Every attack of the catalogue goes on where some of its points give no number, and its other points are as ever.
    [Theory]
    [MemberData(nameof(EveryAttack))]
    public void Outputs_that_are_not_finite_on_an_attacks_way_break_the_point_and_are_seen(string name)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var norm = AttackCatalog.ByName(name).Norms[0];
        // All but the first 20 images are nowhere near the darkness in which the network fails; the first 20 soon are.
        images = images * 0.8 + 0.15;
        var value = images.select(1, 0).select(1, 0).select(1, 0);
        value.fill_(0.6);
        value.narrow(0, 0, 20).fill_(0.5 + 1e-4);
        using (no_grad()) labels = network.call(images).argmax(1);
        var options = EvaluationProblem.With(
            Options with { KeepLogits = true, Threat = new ThreatModel(norm, norm == Norm.Linf ? 0.03 : 0.05) }, name);
        var expected = new RobustnessEvaluator(options).Evaluate(network, images, labels);
        var met = 0;
        var faulty = Faulty(network, x => x.select(1, 0).select(1, 0).select(1, 0).lt(0.5), double.NaN, fails => met += fails);
        var report = new RobustnessEvaluator(options).Evaluate(faulty, images, labels);

        Assert.Equal(50, report.Clean.CorrectCount);
        Assert.True(met > 0, "the attack never came there");
        var flags = report.Flags.Where(flag => flag.Code == NotFinite).ToArray();
        Assert.NotEmpty(flags);
        Assert.All(flags, flag => Assert.Contains($"{name}", flag.Seen));
        Assert.DoesNotContain(report.Flags, flag => flag.Code == BudgetExceeded && !name.Contains("cw", StringComparison.Ordinal));
        var result = report.Attacks.Single();
        for (var row = 0; row < 50; row++)
        {
            // What the attack did not break by itself it broke there.
            Assert.Equal(result.Correct[row], result.Predictions[row] == labels[row].item<long>());
            if (result.Predictions[row] < 0) Assert.True(float.IsNaN(result.Logits![row * 5]));
            else if (row >= 20) Assert.Equal(expected.Attacks[0].Points[row] with { Size = 0 }, result.Points[row] with { Size = 0 });
        }
        Assert.Contains(-1, result.Predictions.Take(20));
        // FAB and RayS come as far on their way, far beyond the budget.
        if (!name.StartsWith("fab-t", StringComparison.Ordinal) && !name.StartsWith("rays", StringComparison.Ordinal))
            Assert.DoesNotContain(-1, result.Predictions.Skip(20));
    }

    public static TheoryData<string> EveryAttack => [.. EvaluationProblem.EveryAttack];

    [Fact]
    public void Examples_where_the_network_gave_no_number_hold()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var faulty = Faulty(network, x => x.flatten(1).amin(1).lt(0.04), double.NaN);
        var options = Options with { ExamplesFile = EvaluationProblem.File("examples") };
        var report = new RobustnessEvaluator(options).Evaluate(faulty, images, labels);
        Assert.Contains(-1, report.Clean.Predictions);
        Assert.Contains(Enumerable.Range(0, 50), row => report.WorstCase.Predictions[row] < 0 && report.Clean.Correct[row]);
        var verification = AdversarialExamplesFile.Verify(options.ExamplesFile, faulty, images, labels, options.Threat!);
        Assert.Equal([], verification.Faults);
        Assert.InRange(verification.Misclassified, 10, 50 - report.WorstCase.CorrectCount);
    }

    [Fact]
    public void Points_beyond_the_budget_are_projected_back_before_they_count_and_are_seen()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var step = empty_like(images).uniform_(-1, 1).sign();
        // By 0.04 where 0.03 is allowed, also out of [0,1]; and only the first images.
        var cheat = new GivenAttack("cheat", (x, _) => x + Step(x, 0.04));
        var fair = new GivenAttack("fair", (x, _) => (x + Step(x, 0.03)).clamp(0, 1));
        var report = new RobustnessEvaluator(Options with { Attacks = [], MoreAttacks = [cheat, fair] }).Evaluate(network, images, labels);
        var flag = Assert.Single(report.Flags);
        Assert.Equal(BudgetExceeded, flag.Code);
        Assert.Contains($"cheat moved {report.Clean.CorrectCount} of 50 points beyond Linf 0.03 or out of [0,1]: by up to 0.04", flag.Seen);
        Assert.Equal(report["fair"].Correct, report["cheat"].Correct);
        Assert.Equal(report["fair"].Predictions, report["cheat"].Predictions);
        Assert.NotEqual(report.Clean.CorrectCount, report["cheat"].CorrectCount);
        Assert.All(report["cheat"].Points, point => Assert.InRange(point.Size, 0, 0.03 + 1e-6));

        // Within the budget and out of [0,1]; and what is no number at all.
        var outside = new GivenAttack("outside", (x, _) => where(x.eq(x.amax()), full_like(x, 1.001f), x));
        Assert.Contains("outside moved", Assert.Single(Flags(
            network, images.clamp_min(0.999), labels * 0 + network.call(images.clamp_min(0.999)).argmax(1),
            Options with { Attacks = [], MoreAttacks = [outside] })).Seen);
        var none = new GivenAttack("none", (x, _) => x * double.NaN);
        report = new RobustnessEvaluator(Options with { Attacks = [], MoreAttacks = [none] }).Evaluate(network, images, labels);
        Assert.Equal(BudgetExceeded, Assert.Single(report.Flags).Code);
        Assert.Equal(report.Clean.Correct, report["none"].Correct);

        // The step of an image is the same whichever others are in the batch.
        static Tensor Step(Tensor x, double size) => ((x * 1000).sin() * 1e6).sign() * size;
    }

    // A network that gives another number, or none, where a condition holds.
    private static FunctionNetwork Faulty(
        Module<Tensor, Tensor> network, Func<Tensor, Tensor> where, double odd, Action<int>? told = null) => new(x =>
        {
            var fails = where(x.detach()).unsqueeze(1);
            told?.Invoke((int)fails.sum().item<long>());
            return network.call(x)
                + zeros_like(fails, dtype: x.dtype).masked_fill(fails, odd) * (x.flatten(1).sum(1, keepdim: true) * 0 + 1);
        });

    private static IReadOnlyList<RobustnessFlag> Flags(
        Module<Tensor, Tensor> network, Tensor images, Tensor labels, EvaluationOptions? options = null) =>
        new RobustnessEvaluator(options ?? Options).Evaluate(network, images, labels).Flags;

    // Class 1 above 0.52. All images are at 0.5, in class 0; the first value is the row.
    private static (Module<Tensor, Tensor> Network, Tensor Images, Tensor Labels) Line()
    {
        var images = stack([arange(1000, dtype: ScalarType.Float32) / 1024, full([1000], 0.5f)], 1);
        var network = new FunctionNetwork(x => stack([full_like(x.select(1, 1), 0.52), x.select(1, 1)], 1));
        return (network, images, zeros([1000], dtype: ScalarType.Int64));
    }

    private static GivenAttack Breaks(string name, int first, AttackKind kind = AttackKind.Gradient) => new(
        name, (x, _) => stack([x.select(1, 0), x.select(1, 1) + x.select(1, 0).lt(first / 1024.0).to(ScalarType.Float32) * 0.03], 1), kind);

    private static IReadOnlyList<RobustnessFlag> Compare(
        AttackKind kind, int direct, int other, bool sequential = false, bool otherFirst = false, int stronger = 0, int images = 1000)
    {
        var (network, points, labels) = Line();
        List<Attack> attacks = [Breaks("direct", direct), Breaks("other", other, kind)];
        if (otherFirst) attacks.Reverse();
        if (stronger > 0) attacks.Add(Breaks("stronger", stronger));
        return Flags(
            network, points.narrow(0, 0, images), labels.narrow(0, 0, images),
            Options with { Attacks = [], MoreAttacks = attacks, Sequential = sequential });
    }
}
