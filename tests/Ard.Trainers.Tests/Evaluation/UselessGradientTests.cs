namespace Ard.Trainers.Tests.Evaluation;

/// <summary>Networks whose outputs are sound and whose gradients are not.</summary>
public sealed class UselessGradientTests
{
    public static TheoryData<string> GradientAttacks =>
        [.. EvaluationProblem.EveryAttack.Where(name => AttackCatalog.ByName(name).Kind != AttackKind.GradientFree)];

    [Theory]
    [MemberData(nameof(GradientAttacks))]
    public void A_gradient_that_is_no_number_moves_no_point_and_is_seen(string name)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth(classes: 11);
        // The root of a sum of squares that is 0.
        var odd = new FunctionNetwork(x => network.call(x) + (x * 0).square().flatten(1).sum(1, keepdim: true).sqrt());
        foreach (var norm in AttackCatalog.ByName(name).Norms)
        {
            var report = Evaluate(odd, images, labels, name, norm);
            Assert.All(report.Flags, flag => Assert.Contains("gradient of the", flag.Seen, StringComparison.Ordinal));
            Assert.Contains(report.Flags, flag => flag.Seen.Contains("NaN", StringComparison.Ordinal)
                && flag.Seen.Contains($"{report.Clean.CorrectCount} of 50 images", StringComparison.Ordinal));
            Assert.DoesNotContain(-1, report.Attacks[0].Predictions);
        }
    }

    [Theory]
    [MemberData(nameof(GradientAttacks))]
    public void A_missing_gradient_is_seen_and_is_no_error(string name)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth(classes: 11);
        // Without a graph, and with one that does not come from the images.
        var weight = ones([1]).requires_grad_();
        var detached = new FunctionNetwork(x => network.call(x.detach()).detach());
        foreach (var odd in new[] { detached, new FunctionNetwork(x => network.call(x.detach()) * weight) })
        {
            var report = Evaluate(odd, images, labels, name, AttackCatalog.ByName(name).Norms[0]);
            var flag = Assert.Single(report.Flags);
            Assert.Contains($"missing at {report.Clean.CorrectCount} of 50 images", flag.Seen, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(GradientAttacks))]
    public void A_gradient_that_is_infinite_is_seen_and_makes_no_point_of_no_number(string name)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth(classes: 11);
        images = images.clone();
        images[3, 1, 0, 0].fill_(0);
        Tensor Root(Tensor x) => cat([x.select(1, 1).select(1, 0).narrow(1, 0, 1).sqrt(), zeros([x.shape[0], 10])], 1);
        var steep = new FunctionNetwork(x => network.call(x) + Root(x) * 0.01);
        using (no_grad()) labels = steep.call(images).argmax(1);
        foreach (var norm in AttackCatalog.ByName(name).Norms)
        {
            var report = Evaluate(steep, images, labels, name, norm);
            Assert.Contains(report.Flags, flag => flag.Seen.Contains("infinite at 1 of 50 images", StringComparison.Ordinal));
            Assert.DoesNotContain(report.Flags, flag => !flag.Seen.Contains("gradient of the", StringComparison.Ordinal));
            Assert.DoesNotContain(-1, report.Attacks[0].Predictions);
        }
    }

    [Fact]
    public void Gradients_of_no_use_on_an_attacks_way_are_counted()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth(classes: 11);
        // Sound at every clean image; below 0.5 the root of 0. Half of the random starts are there; 0 where it is flat.
        images = images.clone();
        images.select(1, 0).select(1, 0).select(1, 0).fill_(0.5 + 1e-4);
        Tensor Above(Tensor x) => (x.select(1, 0).select(1, 0).narrow(1, 0, 1) - 0.5) is var above ? above + above.abs() : x;
        var odd = new FunctionNetwork(x => network.call(x) + Above(x).square().sqrt());
        using (no_grad()) labels = odd.call(images).argmax(1);
        var report = Evaluate(odd, images, labels, "pgd-10", Norm.Linf, 0.001);
        var flag = Assert.Single(report.Flags);
        Assert.Contains("pgd-10 met", flag.Seen, StringComparison.Ordinal);
        var counts = flag.Seen.Split(' ').Select(word => int.TryParse(word, out var number) ? number : 0).ToArray();
        Assert.InRange(counts.Where(count => count != 50).Max(), 10, 40);

        var flat = new FunctionNetwork(x => network.call(where(Above(x).unsqueeze(2).unsqueeze(3).gt(0), x, x.detach())));
        using (no_grad()) labels = flat.call(images).argmax(1);
        flag = Assert.Single(Evaluate(flat, images, labels, "pgd-10", Norm.Linf, 0.0002).Flags);
        Assert.Contains("pgd-10 met", flag.Seen, StringComparison.Ordinal);
    }

    [Fact]
    public void The_direction_of_a_gradient_that_is_not_finite_is_finite()
    {
        using var scope = NewDisposeScope();
        var gradient = tensor(new[] { float.NaN, 1f, 2f, 2f, float.PositiveInfinity, 3f, 0f, 0f }).reshape(2, 4);
        foreach (var norm in Enum.GetValues<Norm>())
        {
            var direction = new ThreatModel(norm, 1).SteepestAscent(gradient);
            Assert.True(direction.isfinite().all().item<bool>(), $"{norm}");
            // The sound values and the infinite one still count.
            Assert.True(direction[0].abs().sum().item<float>() > 0.9f, $"{norm}");
            Assert.True(direction[1, 0].item<float>() > 0.9f, $"{norm}");
        }
    }

    private static RobustnessReport Evaluate(
        FunctionNetwork network, Tensor images, Tensor labels, string attack, Norm norm, double epsilon = 0.03) =>
        new RobustnessEvaluator(EvaluationProblem.With(
            new() { Threat = new ThreatModel(norm, epsilon), BatchSize = 20 }, attack)).Evaluate(network, images, labels);
}
