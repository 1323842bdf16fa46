namespace Ard.Trainers.Tests.Evaluation;

public sealed class RobustnessEvaluatorTests
{
    private static readonly EvaluationOptions Options = new()
    {
        Threat = ThreatModel.Linf(0.02),
        Attacks = ["fgsm", "pgd-5", "pgd-2x2"],
        BatchSize = 16,
    };

    [Fact]
    public void Larger_images_go_through_the_network_in_smaller_batches_in_the_check_of_a_teacher_too()
    {
        using var scope = NewDisposeScope();
        var most = 0L;
        var network = new FunctionNetwork(x =>
        {
            most = Math.Max(most, x.shape[0]);
            return stack([x.mean([1L, 2L, 3L]), 1 - x.mean([1L, 2L, 3L])], 1);
        });
        var images = zeros([60, 3, 96, 96], ScalarType.Byte);
        var labels = ones([60], ScalarType.Int64);
        new RobustnessEvaluator(new() { Attacks = ["fgsm"], Threat = ThreatModel.Linf(0.1) }).Evaluate(network, images, labels);
        TeacherReport.Measure(network, new ImageDataset(images, labels, ["a", "b"]), ThreatModel.Linf(0.1));
        // 250 images of 32x32 pixels have as many values as 27 of these.
        Assert.Equal(27, most);
        Assert.Equal([250, 250, 250, 62, 16], new[] { 16, 28, 32, 64, 224 }.Select(
            size => EvaluationSubject.UsualBatch([1, 3, size, size])));
    }

    [Fact]
    public void A_sequence_says_what_is_left_after_each_of_its_parts()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var options = new EvaluationOptions { Threat = EvaluationProblem.Threat, Attacks = ["autoattack", "fgsm"] };
        var report = new RobustnessEvaluator(options).Evaluate(network, images[..12], labels[..12]);
        var (result, names) = (report["autoattack"], AutoAttack.Standard.Parts(Norm.Linf).Select(part => part.Name).ToArray());
        Assert.Equal(
            names.Select((name, i) => (name, result.Points.Count(point => point.IsRight
                || (point.WasRight && Array.IndexOf(names, point.BrokenBy) > i)))),
            result.Parts);
        Assert.Equal(result.CorrectCount, result.Parts[^1].CorrectCount);
        Assert.Empty(report["fgsm"].Parts);
    }

    [Fact]
    public void The_worst_case_is_at_most_each_attack_and_each_attack_at_most_clean_point_by_point()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var report = new RobustnessEvaluator(Options).Evaluate(network, images, labels);
        Assert.Equal(["fgsm", "pgd-5", "pgd-2x2"], report.Attacks.Select(attack => attack.Name));
        foreach (var attack in report.Attacks)
        {
            for (var i = 0; i < 50; i++)
            {
                Assert.True(report.WorstCase.Correct[i] ? attack.Correct[i] : true);
                Assert.True(attack.Correct[i] ? report.Clean.Correct[i] : true);
            }
        }
        for (var i = 0; i < 50; i++) Assert.Equal(report.WorstCase.Correct[i], report.Attacks.All(attack => attack.Correct[i]));
        Assert.Equal(network.call(images).argmax(1).eq(labels).sum().item<long>(), report.Clean.CorrectCount);
        Assert.Equal(report.Clean.CorrectCount / 50.0, report["clean"].Accuracy);
        Assert.InRange(report.Clean.CorrectCount, 30, 49);
        Assert.InRange(report.WorstCase.CorrectCount, 1, report.Clean.CorrectCount - 5);
        Assert.Contains("found fgsm, pgd-5", Assert.Throws<KeyNotFoundException>(() => report["apgd"]).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public void The_batch_size_does_not_matter(int batchSize)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var expected = new RobustnessEvaluator(Options).Evaluate(network, images, labels);
        var report = new RobustnessEvaluator(Options with { BatchSize = batchSize }).Evaluate(network, images, labels);
        Assert.Equal(expected.Clean.Correct, report.Clean.Correct);
        foreach (var (before, now) in expected.Attacks.Zip(report.Attacks)) Assert.Equal(before.Correct, now.Correct);
    }

    [Fact]
    public void At_epsilon_0_robust_accuracy_is_clean_accuracy()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var report = new RobustnessEvaluator(Options with { Threat = ThreatModel.L2(0) }).Evaluate(network, images, labels);
        Assert.Equal(report.Clean.Correct, report.WorstCase.Correct);
    }

    [Fact]
    public void No_points_one_point_and_only_misclassified_points_give_the_right_figures()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var evaluator = new RobustnessEvaluator(Options);
        var none = evaluator.Evaluate(network, images.narrow(0, 0, 0), labels.narrow(0, 0, 0));
        Assert.Equal((0, double.NaN), (none.WorstCase.CorrectCount, none.Clean.Accuracy));
        var right = network.call(images).argmax(1);
        Assert.Equal(1, evaluator.Evaluate(network, images.narrow(0, 0, 1), right.narrow(0, 0, 1)).Clean.Accuracy);
        var wrong = evaluator.Evaluate(network, images, (right + 1) % 3);
        Assert.Equal((0, 0, 50), (wrong.Clean.Accuracy, wrong["fgsm"].Accuracy, wrong.WorstCase.Correct.Count));
    }

    [Fact]
    public void Bytes_are_divided_by_255_and_float64_networks_get_float64()
    {
        using var scope = NewDisposeScope();
        var (_, images, labels) = Problem();
        var bytes = (images * 255).round().to(ScalarType.Byte);
        var network = LinearNetwork.Random(12, 3, seed: 2, ScalarType.Float64);
        var fromBytes = new RobustnessEvaluator(Options).Evaluate(network, bytes, labels);
        var fromDoubles = new RobustnessEvaluator(Options).Evaluate(network, bytes.to(ScalarType.Float64) / 255, labels);
        Assert.Equal(fromDoubles.WorstCase.Correct, fromBytes.WorstCase.Correct);
        Assert.Equal(ScalarType.Byte, bytes.dtype);
    }

    [Fact]
    public void Progress_comes_after_each_attack_on_each_batch_and_ends_at_the_total()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var seen = new List<EvaluationProgress>();
        var report = new RobustnessEvaluator(Options).Evaluate(network, images, labels, new Immediate(seen.Add));
        Assert.Equal(4 * 4, seen.Count);
        Assert.Equal(("clean", 0, 50), (seen[0].Attack, seen[0].Done, seen[0].Total));
        Assert.Equal(new EvaluationProgress("pgd-2x2", 50, 50, report.WorstCase.CorrectCount), seen[^1]);
        Assert.Equal(report.Clean.Correct.Take(16).Count(correct => correct), seen[0].Robust);
        Assert.Equal(seen.Select(progress => progress.Done).Order(), seen.Select(progress => progress.Done));
    }

    [Fact]
    public void Cancelling_stops_before_the_next_attack_and_leaves_the_network_as_it_was()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        network.train();
        using var cancellation = new CancellationTokenSource();
        var seen = 0;
        var progress = new Immediate(_ =>
        {
            if (++seen == 3) cancellation.Cancel();
        });
        Assert.Throws<OperationCanceledException>(
            () => new RobustnessEvaluator(Options).Evaluate(network, images, labels, progress, cancellation.Token));
        Assert.Equal(3, seen);
        Assert.True(network.training);
        Assert.All(network.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void Wrong_input_and_options_are_refused_with_every_fault()
    {
        var (network, images, labels) = Problem();
        var (wrongImages, wrongLabels) = (images.to(ScalarType.Int32), labels.narrow(0, 0, 3).to(ScalarType.Int32));
        var message = Assert.Throws<ArgumentException>(() => new RobustnessEvaluator().Evaluate(network, wrongImages, wrongLabels)).Message;
        Assert.Contains("images are Int32", message);
        Assert.Contains("labels are Int32", message);
        Assert.Contains("labels have shape [3]", message);
        var options = new EvaluationOptions { BatchSize = 0, Attacks = ["pgd-3", "PGD-3", "nonsense"] };
        message = Assert.Throws<ArgumentException>(() => new RobustnessEvaluator(options)).Message;
        Assert.Contains("BatchSize is 0", message);
        Assert.Contains("'pgd-3' is named twice", message);
        Assert.Contains("no attack 'nonsense'", message);
        options = new EvaluationOptions { ExamplesFile = Path.GetTempPath() };
        Assert.Contains("is a folder, expected a file", Assert.Throws<ArgumentException>(() => new RobustnessEvaluator(options)).Message);
        options = new EvaluationOptions { Attacks = ["pgd-3", null!] };
        Assert.Contains("one of the attacks is missing", Assert.Throws<ArgumentException>(() => new RobustnessEvaluator(options)).Message);
    }

    [Fact]
    public void Points_are_what_each_attack_says_of_them_when_it_is_run_alone()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var two = new AttackSequence(
            "two", [new Pgd(new PgdOptions { Steps = 1 }), new Apgd(new ApgdOptions { Steps = 30, Loss = ApgdLoss.TargetedDlr })]);
        var options = new EvaluationOptions { Threat = EvaluationProblem.Threat, Attacks = ["pgd-5"], MoreAttacks = [two], BatchSize = 16 };
        var report = new RobustnessEvaluator(options).Evaluate(network, images, labels);
        foreach (var attack in options.AllAttacks())
        {
            var alone = attack.Run(network, images, labels, options.Threat!);
            Assert.Equal(alone.Each, report[attack.Name].Points);
            using var noGrad = no_grad();
            Assert.Equal(network.call(alone.Points).argmax(1).data<long>().ToArray(), report[attack.Name].Predictions);
        }
        Assert.Equal(["apgd-t-30", "pgd-1"], report["two"].Points.Select(point => point.BrokenBy).OfType<string>().Distinct().Order());
        for (var row = 0; row < 50; row++)
        {
            var (pgd, auto, worst) = (report["pgd-5"].Points[row], report["two"].Points[row], report.WorstCase.Points[row]);
            var first = pgd.BrokenBy is not null ? pgd : auto;
            Assert.Equal(pgd.BrokenBy is not null ? "pgd-5" : auto.BrokenBy is not null ? "two" : null, worst.BrokenBy);
            if (worst.BrokenBy is not null) Assert.Equal(first.Size, worst.Size);
            // The clean image is looked at once.
            Assert.Equal(pgd.ForwardPasses + auto.ForwardPasses - 1, worst.ForwardPasses);
            Assert.Equal(pgd.BackwardPasses + auto.BackwardPasses, worst.BackwardPasses);
        }
    }

    [Fact]
    public void A_point_fares_the_same_whichever_others_there_are()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var options = new EvaluationOptions
        {
            Threat = EvaluationProblem.Threat,
            Attacks = ["pgd-5x2", "apgd-t-10", "square-50"],
            MoreAttacks = [new NoiseAttack()],
            BatchSize = 16,
        };
        var all = new RobustnessEvaluator(options).Evaluate(network, images, labels);
        // The first 20, and four in another order under their old numbers.
        var half = new RobustnessEvaluator(options).Evaluate(network, images.narrow(0, 0, 20), labels.narrow(0, 0, 20));
        var index = tensor(new[] { 39L, 3, 21, 0 });
        var few = new RobustnessEvaluator(options).EvaluateRows(new EvaluationSubject("", network, images, labels).Part([39, 3, 21, 0]));
        foreach (var attack in all.Attacks)
        {
            Assert.Equal(attack.Points.Take(20).Select(Text), half[attack.Name].Points.Select(Text));
            Assert.Equal(new[] { 39, 3, 21, 0 }.Select(row => Text(attack.Points[row])), few[attack.Name].Points.Select(Text));
        }

        static string Text(AttackedPoint point) => $"{point with { Size = Math.Round(point.Size, 5) }}";
    }

    [Fact]
    public void In_a_sequence_each_attack_gets_what_is_left_and_the_worst_case_is_the_same()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var options = new EvaluationOptions { Threat = EvaluationProblem.Threat, Attacks = ["fgsm", "pgd-5", "apgd-ce"], BatchSize = 16 };
        var together = new RobustnessEvaluator(options).Evaluate(network, images, labels);
        var sequence = new RobustnessEvaluator(options with { Sequential = true }).Evaluate(network, images, labels);
        Assert.Equal(together.WorstCase.Correct, sequence.WorstCase.Correct);
        Assert.Equal(together.WorstCase.Points.Select(point => point.BrokenBy), sequence.WorstCase.Points.Select(point => point.BrokenBy));
        Assert.Equal(together["fgsm"].Correct, sequence["fgsm"].Correct);
        Assert.Equal(sequence.WorstCase.Correct, sequence["apgd-ce"].Correct);
        Assert.True(Passes(sequence) < Passes(together));
        foreach (var (point, before) in sequence["pgd-5"].Points.Zip(sequence["fgsm"].Points))
        {
            if (before.BrokenBy is not null) Assert.Equal(before with { ForwardPasses = 1, BackwardPasses = 0 }, point);
        }

        static long? Passes(RobustnessReport report) => report.WorstCase.Points.Sum(point => point.ForwardPasses);
    }

    [Fact]
    public void Results_have_an_interval_and_logits_where_they_are_asked_for()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var options = new EvaluationOptions { Threat = EvaluationProblem.Threat, Attacks = ["pgd-5"], BatchSize = 16, KeepLogits = true };
        var report = new RobustnessEvaluator(options).Evaluate(network, images, labels);
        Assert.Equal(ConfidenceInterval.Wilson(report.Clean.CorrectCount, 50), report.Clean.Interval);
        using var noGrad = no_grad();
        Compare.Close(network.call(images).flatten(), tensor(report.Clean.Logits!.ToArray()), 1e-5, "clean logits");
        var points = AttackCatalog.ByName("pgd-5").Run(network, images, labels, options.Threat!).Points;
        Compare.Close(network.call(points).flatten(), tensor(report["pgd-5"].Logits!.ToArray()), 1e-5, "logits");
        Assert.Null(new RobustnessEvaluator(options with { KeepLogits = false }).Evaluate(network, images, labels)["pgd-5"].Logits);
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        var (network, images, labels) = EvaluationProblem.Smooth();
        using var scope = NewDisposeScope();
        var options = new EvaluationOptions
        {
            Threat = EvaluationProblem.Threat,
            Attacks = ["fgsm", "pgd-5", "apgd-ce-5"],
            BatchSize = 16,
            KeepLogits = true,
            StateFile = EvaluationProblem.File("state"),
            ExamplesFile = EvaluationProblem.File("examples"),
        };
        // The second goes on from the file of the first.
        new RobustnessEvaluator(options).Evaluate(network, images, labels);
        new RobustnessEvaluator(options).Evaluate(network, images, labels);
        AdversarialExamplesFile.Verify(options.ExamplesFile, network, images, labels, options.Threat!);
        RobustnessCurve.Evaluate(network, images, labels, [0.01, 0.02]);
        TransferMatrix.Evaluate([("one", network)], images, labels, new Fgsm(), options.Threat!);
        Assert.Equal(0, scope.DisposablesCount);
        new AttackSequence("two", [new Fgsm(), new Apgd()]).Run(network, images, labels, options.Threat!).Points.Dispose();
        Assert.Equal(0, scope.DisposablesCount);
    }

    [Fact]
    public void A_norm_that_an_attack_cannot_do_is_refused_before_anything_is_run()
    {
        var options = Options with { Threat = ThreatModel.L1(1) };
        var message = Assert.Throws<ArgumentException>(() => new RobustnessEvaluator(options)).Message;
        Assert.Contains("'fgsm' cannot do L1, expected Linf or L2", message);
    }

    // A network that gets about 40 of the 50 points right.
    private static (LinearNetwork Network, Tensor Images, Tensor Labels) Problem()
    {
        using var generator = new Generator(2);
        var network = LinearNetwork.Random(12, 3, seed: 2);
        var images = empty([50, 3, 2, 2]).uniform_(0, 1, generator);
        using var noGrad = no_grad();
        var labels = network.call(images).argmax(1);
        labels.narrow(0, 40, 10).fill_(1);
        return (network, images, labels);
    }

    private sealed class Immediate(Action<EvaluationProgress> seen) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value) => seen(value);
    }
}
