namespace Ard.Trainers.Tests.Attacks;

/// <summary>
/// On a linear network of two classes the best attack is known: the margin falls by at most epsilon times the dual norm of the weights'
/// difference (Linf: also with the box, value by value).
/// </summary>
public sealed class LinearModelTests
{
    [Property(MaxTest = 25)]
    public void Attacks_break_exactly_the_points_whose_margin_is_within_reach_in_Linf(byte inputs, byte budget, int seed)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, weight, margins) = Problem(1 + inputs % 40, seed, low: 0, high: 1);
        var epsilon = 0.001 + budget / 255.0 * 0.4;
        // Towards the other class each value moves by epsilon, or to the end of [0,1] where that is nearer.
        var sign = labels.mul(2).sub(1).unsqueeze(1).to(ScalarType.Float64);
        var direction = (weight * sign).sign().neg();
        var best = where(direction.gt(0), (images + epsilon).clamp_max(1), (images - epsilon).clamp_min(0));
        var reached = margins + ((best - images) * weight * sign).sum(1);
        Attack[] attacks =
        [
            new Fgsm(), new Pgd(), new Pgd(new PgdOptions { Keep = KeptPoint.FirstBroken }), new Apgd(), Attack.MiFgsm(),
            new Pgd(new PgdOptions { Loss = AttackLosses.Margin }), new Pgd(new PgdOptions { Target = TargetClass.LeastLikely }),
            new Apgd(new ApgdOptions { Loss = ApgdLoss.Dlr }), new Apgd(new ApgdOptions { Loss = ApgdLoss.TargetedDlr }),
        ];
        foreach (var attack in attacks)
        {
            var points = attack.Perturb(network, images, labels, ThreatModel.Linf(epsilon), seed);
            AssertBroken(network, points, labels, reached, tolerance: 1e-9, attack.Name);
        }
    }

    [Property(MaxTest = 25)]
    public void Attacks_break_exactly_the_points_whose_margin_is_within_reach_in_L2(byte inputs, byte budget, int seed)
    {
        using var scope = NewDisposeScope();
        // Far enough from the ends of [0,1] that the box plays no part.
        var (network, images, labels, weight, margins) = Problem(1 + inputs % 40, seed, low: 0.45, high: 0.55);
        var epsilon = 0.001 + budget / 255.0 * 0.4;
        var reached = margins - epsilon * weight.square().sum().sqrt();
        Attack[] attacks =
            [new Fgsm(), new Pgd(), new Pgd(new PgdOptions { Steps = 40, Start = Start.Clean }), new Apgd(), Attack.MiFgsm()];
        foreach (var attack in attacks)
        {
            var points = attack.Perturb(network, images, labels, ThreatModel.L2(epsilon), seed);
            // From a random start the direction is reached in the limit only.
            var tolerance = 0.005 * epsilon * weight.square().sum().sqrt().item<double>();
            AssertBroken(network, points, labels, reached, tolerance, attack.Name);
        }
    }

    [Property(MaxTest = 10)]
    public void Apgd_in_L1_comes_near_to_the_best_that_is_possible_and_not_beyond(byte inputs, byte budget, int seed)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, weight, _) = Problem(20 + inputs % 40, seed, low: 0, high: 1);
        var epsilon = 0.4 + budget / 255.0 * 6;
        // Best is to spend the budget on the values of the largest weights, each moved to the end of [0,1], until it is used up.
        var sign = labels.mul(2).sub(1).unsqueeze(1).to(ScalarType.Float64);
        var room = where((weight * sign).lt(0), 1 - images, images);
        var order = weight.abs().argsort(0, descending: true);
        var sorted = room.index_select(1, order);
        var spent = sorted.minimum((epsilon - (sorted.cumsum(1) - sorted)).clamp_min(0));
        var most = (spent * weight.abs().index_select(0, order)).sum(1);
        foreach (var largerRadii in new[] { false, true })
        {
            var attack = new Apgd(new ApgdOptions { Keep = KeptPoint.Worst, LargerRadii = largerRadii });
            var points = attack.Perturb(network, images, labels, ThreatModel.L1(epsilon), seed);
            var share = ((images - points) * weight * sign).sum(1) / most;
            Assert.True(share.max().item<double>() <= 1 + 1e-9);
            // On so few values the sparse steps do not converge: on 60 such networks the original code reached 85 to 100 %, network by
            // network. That the steps are the original's is held elsewhere; here, that they work.
            Assert.InRange(share.mean().item<double>(), 0.75, 1);
        }
    }

    [Property(MaxTest = 12)]
    public void Apgd_t_breaks_exactly_the_points_for_which_some_class_is_within_reach(
        byte inputs, byte budget, byte more, bool euclidean, int seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(unchecked((ulong)seed));
        var network = LinearNetwork.Random(2 + inputs % 40, classes: 2 + more % 5, unchecked((ulong)seed + 1), ScalarType.Float64);
        // Far enough from the ends of [0,1] that the box plays no part.
        var images = empty([24, 2 + inputs % 40], dtype: ScalarType.Float64).uniform_(0.3, 0.7, generator);
        var epsilon = 0.001 + budget / 255.0 * 0.25;
        using var noGrad = no_grad();
        var logits = network.call(images);
        var labels = logits.argmax(1);
        // For each other class: the margin less epsilon times the dual norm of the difference of the weights.
        var apart = network.Weight.t().index_select(0, labels).unsqueeze(1) - network.Weight.t().unsqueeze(0);
        var gain = epsilon * (euclidean ? apart.square().sum(2).sqrt() : apart.abs().sum(2));
        var reached = logits.gather(1, labels.unsqueeze(1)) - logits - gain;
        reached = reached.scatter(1, labels.unsqueeze(1), full_like(reached, double.PositiveInfinity)).amin(1);
        var attack = new Apgd(new ApgdOptions { Loss = ApgdLoss.TargetedDlr });
        var threat = euclidean ? ThreatModel.L2(epsilon) : ThreatModel.Linf(epsilon);
        var points = attack.Perturb(network, images, labels, threat, seed);
        AssertBroken(network, points, labels, reached, 0.01 * gain.max().item<double>(), attack.Name);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void AutoAttack_breaks_exactly_the_points_within_reach_of_two_and_three_classes(int classes)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        var network = LinearNetwork.Random(12, classes, seed: 6, ScalarType.Float64);
        var images = empty([40, 12], dtype: ScalarType.Float64).uniform_(0.3, 0.7, generator);
        const double epsilon = 0.05;
        using var noGrad = no_grad();
        var logits = network.call(images);
        var labels = logits.argmax(1);
        var apart = network.Weight.t().index_select(0, labels).unsqueeze(1) - network.Weight.t().unsqueeze(0);
        var reached = logits.gather(1, labels.unsqueeze(1)) - logits - epsilon * apart.abs().sum(2);
        reached = reached.scatter(1, labels.unsqueeze(1), full_like(reached, double.PositiveInfinity)).amin(1);
        var safe = reached.gt(0).sum().item<long>();
        Assert.InRange(safe, 1, 39);

        var report = new RobustnessEvaluator(
            new() { Attacks = ["autoattack", "autoattack-rand"], Threat = ThreatModel.Linf(epsilon) }).Evaluate(network, images, labels);

        Assert.All(report.Attacks, attack => Assert.Equal(safe, attack.CorrectCount));
        var seen = report.Flags.Select(flag => flag.Seen).ToArray();
        Assert.Contains($"apgd-t makes the margin large: its ratio of logits needs 4 classes, the network has {classes}", seen);
        Assert.Equal(classes == 2, seen.Any(text => text.Contains("apgd-dlr+eot-20 makes the margin large", StringComparison.Ordinal)));
    }

    [Fact]
    public void Robust_accuracy_does_not_rise_with_epsilon_and_goes_to_0()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, _, margins) = Problem(inputs: 30, seed: 4, low: 0, high: 1);
        labels = where(margins.gt(0), labels, 1 - labels);
        Attack[] attacks = [new Pgd(), Attack.MiFgsm(), new DeepFool(), new Apgd()];
        foreach (var (attack, norm) in attacks.SelectMany(a => a.Norms.Select(norm => (a, norm))))
        {
            var counts = new[] { 0, 0.001, 0.01, 0.05, 0.2, 1, 30 }
                .Select(epsilon => attack.Perturb(network, images, labels, new ThreatModel(norm, epsilon)))
                .Select(points => network.call(points).argmax(1).eq(labels).sum().item<long>())
                .ToArray();
            Assert.Equal(images.shape[0], counts[0]);
            Assert.Equal(counts.OrderDescending(), counts);
            Assert.Equal(0, counts[^1]);
        }
    }

    // Margins [N]: how far the label's logit is above the other one; weight [inputs]: how that grows with the image for label 1.
    private static (LinearNetwork Network, Tensor Images, Tensor Labels, Tensor Weight, Tensor Margins) Problem(
        long inputs, int seed, double low, double high)
    {
        using var generator = new Generator(unchecked((ulong)seed));
        var network = LinearNetwork.Random(inputs, classes: 2, unchecked((ulong)seed + 1), ScalarType.Float64);
        // Small weights: at a large margin cross-entropy has no gradient left.
        using (no_grad())
        {
            network.Weight.mul_(0.3);
            network.Bias.mul_(0.3);
        }
        var images = empty([24, inputs], dtype: ScalarType.Float64).uniform_(low, high, generator);
        var labels = empty([24], dtype: ScalarType.Float64).uniform_(0, 2, generator).floor().to(ScalarType.Int64);
        using var noGrad = no_grad();
        var logits = network.call(images);
        var gap = logits.select(1, 1) - logits.select(1, 0);
        return (network, images, labels, network.Weight.select(1, 1) - network.Weight.select(1, 0), gap * (labels * 2 - 1));
    }

    private static void AssertBroken(LinearNetwork network, Tensor points, Tensor labels, Tensor reached, double tolerance, string attack)
    {
        using var noGrad = no_grad();
        var broken = network.call(points).argmax(1).ne(labels).data<bool>().ToArray();
        var margins = reached.detach().data<double>().ToArray();
        for (var i = 0; i < broken.Length; i++)
        {
            if (margins[i] < -tolerance) Assert.True(broken[i], $"{attack}: point {i} has the margin {margins[i]} left and is not broken");
            if (margins[i] > tolerance) Assert.False(broken[i], $"{attack}: point {i} has the margin {margins[i]} left and is broken");
        }
    }
}
