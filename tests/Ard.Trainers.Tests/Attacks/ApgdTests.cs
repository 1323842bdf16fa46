namespace Ard.Trainers.Tests.Attacks;

public sealed class ApgdTests
{
    [Fact]
    public void The_dlr_losses_are_the_ratios_of_the_paper_and_positive_where_misclassified()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        var logits = empty([50, 6], dtype: ScalarType.Float64).normal_(0, 3, generator);
        var labels = empty([50], dtype: ScalarType.Float64).uniform_(0, 6, generator).floor().to(ScalarType.Int64);
        var targets = (labels + 2).remainder(6);
        var (dlr, targeted, probable) = (new double[50], new double[50], new double[50]);
        for (var i = 0; i < 50; i++)
        {
            var z = logits[i].data<double>().ToArray();
            var (y, t) = (labels[i].item<long>(), targets[i].item<long>());
            var sorted = z.OrderDescending().ToArray();
            dlr[i] = -(z[y] - z.Where((_, k) => k != y).Max()) / (sorted[0] - sorted[2] + 1e-12);
            targeted[i] = -(z[y] - z[t]) / (sorted[0] - (sorted[2] + sorted[3]) / 2 + 1e-12);
            var sum = z.Sum(Math.Exp);
            probable[i] = z.Where((_, k) => k != y).Max(other => Math.Exp(other) / sum) - Math.Exp(z[y]) / sum;
        }
        Compare.Close(tensor(dlr), AttackLosses.Dlr(logits, labels), 1e-12, "DLR");
        Compare.Close(tensor(targeted), AttackLosses.TargetedDlr(logits, labels, targets), 1e-12, "targeted DLR");
        Compare.Close(tensor(dlr), AttackLosses.Dlr(logits * 1e-3 + 7, labels), 1e-6, "DLR of shifted and scaled logits");
        Compare.Same(logits.argmax(1).ne(labels), AttackLosses.Dlr(logits, labels).gt(0), "misclassified");
        Compare.Close(tensor(probable), AttackLosses.ProbabilityMargin(logits, labels), 1e-12, "margin of probabilities");
    }

    [Fact]
    public void Of_two_or_three_classes_the_ratio_is_the_margin()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(9);
        foreach (var classes in new[] { 2, 3 })
        {
            var logits = empty([20, classes], dtype: ScalarType.Float64).normal_(generator: generator);
            var labels = arange(0, 20, dtype: ScalarType.Int64).remainder_(classes);
            var targets = labels.add(1).remainder_(classes);
            var to = logits.gather(1, targets.unsqueeze(1)).squeeze(1) - logits.gather(1, labels.unsqueeze(1)).squeeze(1);
            Compare.Same(to, AttackLosses.TargetedDlr(logits, labels, targets), "targeted");
            if (classes == 2) Compare.Same(to, AttackLosses.Dlr(logits, labels), "untargeted");
        }
    }

    [Fact]
    public void There_are_no_more_targets_than_other_classes_and_none_is_the_label()
    {
        using var scope = NewDisposeScope();
        // Nothing can be broken, so every target is tried: as many runs as there are other classes.
        var network = LinearNetwork.Random(4, 5, seed: 3, ScalarType.Float64);
        var images = full([2, 4], 0.2, dtype: ScalarType.Float64);
        using var noGrad = no_grad();
        // One point starts misclassified, at its second best class: the best one is a target of its own.
        var labels = network.call(images).topk(2).indexes.diagonal();
        var starts = new List<double[]>();
        new Apgd(new ApgdOptions
        {
            Loss = ApgdLoss.TargetedDlr,
            Steps = 2,
            Keep = KeptPoint.Worst,
            Observer = step => { if (step.Step == 0) starts.Add(step.Loss.data<double>().ToArray()); },
        }).Perturb(network, images, labels, ThreatModel.L2(1e-6));
        Assert.Equal(4, starts.Count);
        // Targets in the falling order of their logits; the loss towards the label itself would be 0.
        Assert.Equal(starts.Select(start => start[0]).OrderDescending(), starts.Select(start => start[0]));
        Assert.All(starts, start => Assert.All(start, loss => Assert.True(Math.Abs(loss) > 1e-3)));
        Assert.True(starts[0][1] > 0 && starts[1][1] < 0);
    }

    [Fact]
    public void A_broken_point_leaves_the_run_and_later_restarts()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var seen = new List<(int Step, long[] Rows, bool[] Broken)>();
        var options = new ApgdOptions
        {
            Steps = 10,
            Restarts = 3,
            Observer = step => seen.Add((step.Step, step.Rows.data<long>().ToArray(), step.Broken.data<bool>().ToArray())),
        };
        var points = new Apgd(options).Perturb(network, images, labels, ThreatModel.Linf(0.05));
        var gone = new HashSet<long>();
        foreach (var (_, rows, broken) in seen)
        {
            Assert.DoesNotContain(rows, gone.Contains);
            gone.UnionWith(rows.Where((_, i) => broken[i]));
        }
        Assert.Equal(3, seen.Count(step => step.Step == 0));
        Assert.InRange(gone.Count, 5, 35);
        using var noGrad = no_grad();
        var left = network.call(points).argmax(1).ne(labels).data<bool>().ToArray();
        Assert.Equal(Enumerable.Range(0, 40).Select(row => gone.Contains(row)), left);

        // Staying in the batch breaks the same points, and gives a loss that is at least as large.
        var staying = new Apgd(options with { Keep = KeptPoint.Worst, Observer = null });
        var worst = staying.Perturb(network, images, labels, ThreatModel.Linf(0.05));
        Assert.Equal(left, network.call(worst).argmax(1).ne(labels).data<bool>().ToArray());
        Assert.True(Loss(worst).ge(Loss(points) - 1e-6).all().item<bool>());
        Tensor Loss(Tensor at) => AttackLosses.CrossEntropy(network.call(at), labels);
    }

    [Theory]
    [InlineData(KeptPoint.FirstBroken, Norm.Linf)]
    [InlineData(KeptPoint.FirstBroken, Norm.L2)]
    [InlineData(KeptPoint.Worst, Norm.Linf)]
    public void A_point_that_breaks_just_before_the_search_goes_back_to_a_better_one_is_the_one_returned(KeptPoint keep, Norm norm)
    {
        using var scope = NewDisposeScope();
        // One value, from 0.5 up by the whole budget, then with momentum to just below 0.5, where the second class wins with a smaller
        // cross-entropy than the true class had before among many; with three steps each of them is a check, and this one goes back.
        var network = new FunctionNetwork(x =>
        {
            var change = x - 0.5;
            var below = (change * -1 - 0.01).clamp_min(0);
            var rest = below.square() * -1e5 + 0.99;
            return cat([change * (change * -1 + 0.1) * -0.2 + 1, below * 100 + 0.5, .. Enumerable.Repeat(rest, 8)], 1);
        });
        var (images, labels) = (full([1, 1], 0.5, dtype: ScalarType.Float64), tensor(new[] { 0L }));
        var broken = new List<bool>();
        var attack = new Apgd(new ApgdOptions
        {
            Steps = 3,
            Keep = keep,
            Start = images,
            Observer = step => broken.Add(step.Broken.item<bool>()),
        });
        var points = attack.Perturb(network, images, labels, new ThreatModel(norm, 0.1));
        Assert.Equal([false, false, true], broken.Take(3));
        using var noGrad = no_grad();
        Assert.NotEqual(0, network.call(points).argmax(1).item<long>());
    }

    [Fact]
    public void An_unbroken_point_goes_through_the_network_once_more_than_there_are_steps_and_back_once_a_step()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var recorded = new RecordingNetwork(network);
        var attack = new AttackSequence("one", [new Apgd(new ApgdOptions { Steps = 10, Restarts = 2 })]);
        var report = attack.Run(recorded, images, labels, ThreatModel.Linf(0.05));
        foreach (var point in report.Each)
        {
            // Besides: once clean, and once to see what the attack has found.
            Assert.InRange(point.ForwardPasses!.Value, 3, 2 + 2 * 11);
            Assert.InRange(point.BackwardPasses!.Value, 1, 2 * 10);
            Assert.Equal(point.IsRight, point is { ForwardPasses: 2 + 2 * 11, BackwardPasses: 2 * 10 });
        }
        Assert.Equal(recorded.Calls.Sum(call => call.Input.shape[0]), report.Each.Sum(point => point.ForwardPasses));
        Assert.Contains(report.Each, point => point.IsRight);
        Assert.Contains(report.Each, point => !point.IsRight);
    }

    [Fact]
    public void Samples_average_the_gradient_and_the_loss_of_a_random_network()
    {
        using var scope = NewDisposeScope();
        // Every other call sees the weights turned round and a little shorter: only the mean of two has the right direction.
        var network = LinearNetwork.Random(30, 2, seed: 4, ScalarType.Float64);
        using var noGrad = no_grad();
        var calls = 0;
        var random = new FunctionNetwork(x => network.call(x) * (calls++ % 2 == 0 ? 6e-3 : -4e-3));
        var images = full([1, 30], 0.5, dtype: ScalarType.Float64);
        var labels = tensor(new[] { 0L });
        var (loss, best) = (0.0, images);
        var attack = Attack.Eot(
            new Apgd(new ApgdOptions
            {
                Steps = 5,
                Keep = KeptPoint.Worst,
                Observer = step => (loss, best) = (step.BestLoss.item<double>(), step.BestPoints.clone().DetachFromDisposeScope()),
            }),
            samples: 2);
        attack.Perturb(random, images, labels, ThreatModel.Linf(0.01));
        Assert.Equal(2 * 6, calls);
        var slope = network.Weight.select(1, 1) - network.Weight.select(1, 0);
        Compare.Close(images + slope.sign() * 0.01, best, 1e-9, "the best point: a corner");
        var (one, other) = (AttackLosses.CrossEntropy(random.call(best), labels), AttackLosses.CrossEntropy(random.call(best), labels));
        Assert.Equal((one + other).item<double>() / 2, loss, 1e-12);
    }

    [Fact]
    public void Larger_radii_come_first_and_only_points_of_the_smallest_are_returned()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var threat = ThreatModel.L1(0.3);
        var steps = new List<(int Step, double Size)>();
        var attack = new Apgd(new ApgdOptions
        {
            Steps = 50,
            LargerRadii = true,
            Keep = KeptPoint.Worst,
            Observer = step => steps.Add((step.Step, threat.Size(step.BestPoints, images).max().item<double>())),
        });
        var points = attack.Perturb(network, images, labels, threat);
        Assert.Equal([.. Enumerable.Range(0, 16), .. Enumerable.Range(0, 16), .. Enumerable.Range(0, 21)], steps.Select(step => step.Step));
        Assert.InRange(steps[15].Size, 0.601, 0.901);
        Assert.InRange(steps[31].Size, 0.301, 0.601);
        Assert.InRange(steps[^1].Size, 0.1, 0.301);
        Assert.True(threat.Size(points, images).le(0.3001).all().item<bool>());
    }

    [Fact]
    public void Every_fault_of_the_options_is_named_in_one_message()
    {
        var options = new ApgdOptions
        {
            Steps = 0,
            Restarts = 0,
            Targets = 0,
            Rho = 2,
            Loss = (ApgdLoss)7,
            Keep = KeptPoint.Last,
            LargerRadii = true,
        };
        var message = Assert.Throws<ArgumentException>(() => new Apgd(options)).Message;
        string[] faults =
            ["Steps is 0, expected 1", "Restarts is 0", "Targets is 0", "Rho is 2", "Loss is 7", "Keep is Last"];
        foreach (var fault in faults) Assert.Contains(fault, message);
        Assert.Contains("Steps is 0, expected 3 or more with LargerRadii", message);
    }

    [Theory]
    [InlineData("apgd-ce", "apgd-ce", 100, 1)]
    [InlineData("APGD-T", "apgd-t", 100, 1)]
    [InlineData("apgd-dlr-50", "apgd-dlr-50", 50, 1)]
    [InlineData("apgd-t-20x5", "apgd-t-20x5", 20, 5)]
    public void The_catalog_knows_Apgd_by_loss_steps_and_restarts(string name, string expected, int steps, int restarts)
    {
        var attack = Assert.IsType<Apgd>(AttackCatalog.ByName(name));
        Assert.Equal((expected, steps, restarts), (attack.Name, attack.Options.Steps, attack.Options.Restarts));
    }

    [Theory]
    [InlineData("apgd")]
    [InlineData("apgd-cw")]
    [InlineData("apgd-ce-0")]
    [InlineData("apgd-ce-2x3x4")]
    [InlineData("apgd-ce-5-5")]
    [InlineData("autoattack-fast")]
    public void An_unknown_name_gets_the_list_of_those_known(string name) =>
        Assert.Contains("apgd-ce-NxR", Assert.Throws<ArgumentException>(() => AttackCatalog.ByName(name)).Message);

    // A network with a bend, 40 points, all of which it gets right.
    internal static (FunctionNetwork Network, Tensor Images, Tensor Labels) Problem(int classes = 4)
    {
        using var generator = new Generator(6);
        var first = empty([10, 30], dtype: ScalarType.Float64).normal_(0, 2, generator);
        var second = empty([30, classes], dtype: ScalarType.Float64).normal_(0, 1, generator);
        var network = new FunctionNetwork(x => x.sub(0.5).matmul(first).tanh().matmul(second));
        var images = empty([40, 10], dtype: ScalarType.Float64).uniform_(0, 1, generator);
        return (network, images, network.call(images).argmax(1));
    }
}
