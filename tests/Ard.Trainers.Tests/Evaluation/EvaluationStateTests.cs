namespace Ard.Trainers.Tests.Evaluation;

public sealed class EvaluationStateTests
{
    private static readonly EvaluationOptions Options = new()
    {
        Threat = EvaluationProblem.Threat,
        Attacks = ["fgsm", "pgd-3"],
        MoreAttacks =
        [
            new AttackSequence(
                "two", [new Apgd(new ApgdOptions { Steps = 4 }), new Apgd(new ApgdOptions { Steps = 4, Loss = ApgdLoss.TargetedDlr })]),
        ],
        BatchSize = 12,
        KeepLogits = true,
    };

    [Fact]
    public void An_evaluation_stopped_at_twenty_random_moments_gives_the_same_report_and_examples_bit_for_bit()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var passes = 0;
        var watched = new WatchedNetwork(network, () => passes++);
        var whole = Options with { ExamplesFile = EvaluationProblem.File("whole") };
        var expected = EvaluationProblem.Text(new RobustnessEvaluator(whole).Evaluate(watched, images, labels));

        var random = new Random(5);
        var stops = 0;
        foreach (var sequence in Enumerable.Range(0, 20))
        {
            // Either a network that fails or a user who cancels, some passes after the (re)start.
            var options = Options with { StateFile = EvaluationProblem.File("state"), ExamplesFile = EvaluationProblem.File("examples") };
            RobustnessReport? report = null;
            for (var attempt = 0; report is null; attempt++)
            {
                using var cancel = new CancellationTokenSource();
                var left = attempt == 0 ? random.Next(passes) : passes;
                var throws = random.Next(2) == 0;
                var stopping = new WatchedNetwork(network, () =>
                {
                    if (left-- > 0) return;
                    if (throws) throw new IOException("the network is gone");
                    cancel.Cancel();
                });
                try
                {
                    report = new RobustnessEvaluator(options).Evaluate(stopping, images, labels, null, cancel.Token);
                }
                catch (Exception stop) when (stop is IOException or OperationCanceledException)
                {
                    stops++;
                }
            }
            Assert.Equal(expected, EvaluationProblem.Text(report));
            Assert.Equal(File.ReadAllBytes(whole.ExamplesFile!), File.ReadAllBytes(options.ExamplesFile!));
        }
        Assert.InRange(stops, 18, 20);
    }

    [Fact]
    public void What_is_done_is_not_done_again()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var passes = 0;
        var watched = new WatchedNetwork(network, () => passes++);
        var options = Options with { StateFile = EvaluationProblem.File("state") };
        using var cancel = new CancellationTokenSource();
        var steps = 0;
        var stop = new Immediate(_ =>
        {
            if (++steps == 13) cancel.Cancel();
        });
        Assert.Throws<OperationCanceledException>(
            () => new RobustnessEvaluator(options).Evaluate(watched, images, labels, stop, cancel.Token));
        var before = passes;
        var first = EvaluationProblem.Text(new RobustnessEvaluator(options).Evaluate(watched, images, labels, new Immediate(_ => steps++)));
        Assert.Equal(5 * 5, steps);
        var after = passes;
        Assert.Equal(first, EvaluationProblem.Text(new RobustnessEvaluator(options).Evaluate(watched, images, labels)));
        Assert.Equal(after, passes);
        passes = 0;
        new RobustnessEvaluator(Options).Evaluate(watched, images, labels);
        Assert.Equal(passes, after);
        Assert.True(before < after);
    }

    [Fact]
    public void The_state_of_another_evaluation_is_refused_with_what_differs()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var options = Options with { StateFile = EvaluationProblem.File("state") };
        new RobustnessEvaluator(options).Evaluate(network, images, labels);

        Assert.Contains("Threat: Linf 0.03 in the file, L2 0.5 given", Refused(options with { Threat = ThreatModel.L2(0.5) }));
        Assert.Contains("Seed: 0 in the file, 1 given", Refused(options with { Seed = 1 }));
        Assert.Contains("Sequential: False in the file, True given", Refused(options with { Sequential = true }));
        var slow = new Pgd(new PgdOptions { Steps = 3, StepSize = 0.001 });
        var slower = options with { Attacks = ["fgsm"], MoreAttacks = [slow, .. options.MoreAttacks] };
        Assert.Contains("StepSize 0.001", Refused(slower));
        using (no_grad()) network.parameters().First().add_(1e-3);
        Assert.Contains("network: ", Refused(options));
        using (no_grad()) network.parameters().First().sub_(1e-3);
        (images, labels) = (images + 0, labels.roll(1));
        Assert.Contains("labels: ", Refused(options));
        (images, labels) = (images.flip(0), labels.roll(-1));
        Assert.Contains("images: ", Refused(options));

        images = images.flip(0);
        var moved = new EvaluationSubject("", network, images, labels) { Rows = [.. Enumerable.Range(1, 50).Select(row => (long)row)] };
        Assert.Contains("rows: ", Assert.Throws<DataFileException>(() => new RobustnessEvaluator(options).EvaluateRows(moved)).Message);
        Assert.Equal("Threat: Linf 0.03 in the file, L2 0.5 given", Assert.Throws<DataFileException>(
            () => new RobustnessEvaluator(options with { Threat = ThreatModel.L2(0.5) }).Evaluate(network, images, labels)).Found);

        // The same weights, and another network.
        var spec = NetworkSpec.Parse("tinycnn-2") with { InputChannels = 1, ImageSize = 8, Classes = 4 };
        var pictures = full([8, 1, 8, 8], 0.5f);
        var own = options with { StateFile = EvaluationProblem.File("other-state"), Attacks = ["fgsm"], MoreAttacks = [] };
        new RobustnessEvaluator(own).Evaluate(spec.Build(1), pictures, arange(8).remainder(4));
        Assert.Contains("\"mean\":[0.5]", Assert.Throws<DataFileException>(() => new RobustnessEvaluator(own).Evaluate(
            (spec with { Mean = [0.5], Std = [0.25] }).Build(1), pictures, arange(8).remainder(4))).Message);

        var bytes = File.ReadAllBytes(options.StateFile!);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(options.StateFile!, bytes);
        Assert.Contains("SHA-256", Refused(options));
        bytes[20] ^= 1;
        File.WriteAllBytes(options.StateFile!, bytes);
        Assert.Contains("another file, or a state that an older version has written", Refused(options));
        Assert.Equal(bytes, File.ReadAllBytes(options.StateFile!));

        string Refused(EvaluationOptions other) =>
            Assert.Throws<DataFileException>(() => new RobustnessEvaluator(other).Evaluate(network, images, labels)).Message;
    }

    [Fact]
    public void Each_step_adds_to_the_file_and_nothing_before_a_torn_end_is_lost()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var passes = 0;
        var watched = new WatchedNetwork(network, () => passes++);
        var options = Options with { StateFile = EvaluationProblem.File("state"), ExamplesFile = EvaluationProblem.File("examples") };
        var ends = new List<long>();
        var expected = EvaluationProblem.Text(new RobustnessEvaluator(options).Evaluate(
            watched, images, labels, new Immediate(_ => ends.Add(new FileInfo(options.StateFile!).Length))));
        var (whole, all) = (File.ReadAllBytes(options.StateFile!), passes);
        var examples = File.ReadAllBytes(options.ExamplesFile!);
        Assert.Equal(25, ends.Count);
        Assert.Equal(whole.Length, ends[^1]);
        var random = new Random(3);
        foreach (var step in new[] { 0, 1, 7, 24 })
        {
            // A record of which some bytes were not written, or written as zeros.
            var (first, last) = ((int)(step == 0 ? ends[0] : ends[step - 1]), (int)ends[step]);
            var torn = whole[..(step == 0 ? first : random.Next(first + 1, last))];
            if (step == 7) torn = [.. torn, .. new byte[last - torn.Length]];
            File.WriteAllBytes(options.StateFile!, torn);
            passes = 0;
            var steps = 0;
            Assert.Equal(expected, EvaluationProblem.Text(
                new RobustnessEvaluator(options).Evaluate(watched, images, labels, new Immediate(_ => steps++))));
            Assert.Equal(25 - Math.Max(step, 1), steps);
            Assert.True(passes < all);
            Assert.Equal(whole, File.ReadAllBytes(options.StateFile!));
            Assert.Equal(examples, File.ReadAllBytes(options.ExamplesFile!));
        }
    }

    [Fact]
    public void What_was_flagged_before_a_stop_is_flagged_after_it()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var faulty = new FunctionNetwork(x => network.call(x) / x.flatten(1).amin([1], keepdim: true).ge(0.04).to(x.dtype));
        var cheat = new GivenAttack("cheat", (x, _) => (x + 0.04).clamp(0, 1));
        var options = Options with { MoreAttacks = [cheat], StateFile = EvaluationProblem.File("state") };
        using var cancel = new CancellationTokenSource();
        var steps = 0;
        var stop = new Immediate(_ =>
        {
            if (++steps == 9) cancel.Cancel();
        });
        Assert.Throws<OperationCanceledException>(
            () => new RobustnessEvaluator(options).Evaluate(faulty, images, labels, stop, cancel.Token));
        var resumed = new RobustnessEvaluator(options).Evaluate(faulty, images, labels);
        var codes = resumed.Flags.Select(flag => flag.Code).ToArray();
        Assert.Contains(RobustnessFlagCode.BudgetExceeded, codes);
        Assert.True(codes.Count(code => code == RobustnessFlagCode.NotFinite) >= 2);
        var whole = new RobustnessEvaluator(options with { StateFile = null }).Evaluate(faulty, images, labels);
        Assert.Equal(EvaluationProblem.Text(whole), EvaluationProblem.Text(resumed));
    }

    private sealed class Immediate(Action<EvaluationProgress> seen) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value) => seen(value);
    }
}
