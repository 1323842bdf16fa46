namespace Ard.Trainers.Tests.Attacks;

public sealed class CarliniWagnerTests
{
    private static readonly ThreatModel Any = ThreatModel.L2(100);

    // Quick, and fine enough for small perturbations.
    private static readonly CarliniWagnerOptions Fine = new() { Steps = 350, LearningRate = 1e-3, Searches = 7, InitialWeight = 0.02 };

    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    public void On_a_linear_network_the_perturbation_is_within_1_percent_of_the_smallest(long classes)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, smallest) = SmallestPerturbations.Problem(20, classes, seed: 4, euclidean: true, spread: 0.2);
        var points = new CarliniWagner(Fine).Perturb(network, images, labels, Any);
        Assert.True(network.call(points).argmax(1).ne(labels).all().item<bool>());
        // Perturbations shorter than a few steps of Adam are not found as exactly.
        var ratios = (Any.Size(points, images) / smallest).masked_select(smallest.gt(0.005)).data<double>().ToArray();
        Assert.InRange(ratios.Length, 15, 24);
        Assert.All(ratios, ratio => Assert.InRange(ratio, 1, 1.01));
    }

    [Fact]
    public void With_the_settings_of_the_released_code_half_of_the_perturbations_are_within_1_percent_of_the_smallest()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, smallest) = SmallestPerturbations.Problem(20, 2, seed: 4, euclidean: true, spread: 0.2);
        var points = new CarliniWagner().Perturb(network, images, labels, Any);
        var ratios = Any.Size(points, images) / smallest;
        Assert.InRange(ratios.median().item<double>(), 1, 1.01);
        Assert.InRange(ratios.max().item<double>(), 1, 2);
    }

    [Fact]
    public void It_minds_the_ends_of_the_range()
    {
        using var scope = NewDisposeScope();
        // Wrong where a + 2 b > 2.2. From (0.5, 0.7) the nearest such point of the plane is (0.56, 0.82); at (0.1, 0.9), 0.134 away, the
        // nearest is outside of the box: there b ends at 1 and a at 0.2.
        var weight = tensor(new double[] { 0, 1, 0, 2 }).reshape(2, 2);
        var network = new LinearNetwork(weight, tensor(new[] { 0, -2.2 }));
        var images = tensor(new[] { 0.5, 0.7, 0.02, 0.98 }).reshape(2, 2);
        var points = new CarliniWagner(Fine with { LearningRate = 0.01 })
            .Perturb(network, images, zeros([2], dtype: ScalarType.Int64), Any);
        Compare.Close(tensor(new[] { 0.56, 0.82, 0.2, 1 }).reshape(2, 2), points, 5e-3, "points");
    }

    [Fact]
    public void What_is_further_away_than_epsilon_keeps_its_clean_image_and_stopping_within_it_breaks_the_same_for_less()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, smallest) = SmallestPerturbations.Problem(20, 4, seed: 5, euclidean: true, spread: 0.2);
        var threat = ThreatModel.L2(smallest.median().item<double>() * 1.02);
        var options = Fine with { Steps = 200 };
        var (all, broken) = Run(options);
        var (cheaper, same) = Run(options with { StopWithinBudget = true });
        Compare.Same(broken, same, "broken");
        Compare.Same(broken, broken.logical_and(smallest.le(threat.Epsilon)), "broken beyond what is possible");
        var clear = (smallest * 1.05).le(threat.Epsilon);
        Assert.InRange(clear.sum().item<long>(), 5, 20);
        Compare.Same(clear, clear.logical_and(broken), "within clear reach and not broken");
        Assert.InRange(cheaper, 1, all * 3 / 4);

        (long Passes, Tensor Broken) Run(CarliniWagnerOptions settings)
        {
            var report = new AttackSequence("one", [new CarliniWagner(settings)]).Run(network, images, labels, threat);
            var found = network.call(report.Points).argmax(1).ne(labels);
            Compare.Same(found.logical_not(), report.Points.eq(images).all(1), "clean");
            return (report.Each.Sum(point => point.ForwardPasses!.Value), found);
        }
    }

    [Fact]
    public void With_more_values_of_c_the_perturbation_does_not_grow()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, _) = SmallestPerturbations.Problem(20, 4, seed: 6, euclidean: true, spread: 0.2);
        var sizes = new[] { 4, 6, 8 }.Select(searches =>
        {
            var points = new CarliniWagner(Fine with { Steps = 60, Searches = searches }).Perturb(network, images, labels, Any);
            var broken = network.call(points).argmax(1).ne(labels);
            return where(broken, Any.Size(points, images), full([24], double.PositiveInfinity, dtype: ScalarType.Float64));
        }).ToArray();
        Assert.True(sizes[1].le(sizes[0]).all().item<bool>() && sizes[2].le(sizes[1]).all().item<bool>());
        Assert.True(sizes[2].lt(sizes[0]).any().item<bool>());
    }

    [Fact]
    public void With_confidence_the_other_class_is_above_by_that_much()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, _) = SmallestPerturbations.Problem(20, 4, seed: 5, euclidean: true, spread: 0.2);
        var options = Fine with { LearningRate = 0.01, Steps = 150, Confidence = 0.7 };
        var points = new CarliniWagner(options).Perturb(network, images, labels, Any);
        var margins = AttackLosses.Margin(network.call(points), labels).data<double>().ToArray();
        Assert.All(margins, margin => Assert.InRange(margin, 0.7 - 1e-9, 0.9));
    }

    [Fact]
    public void It_refuses_the_norm_that_it_cannot_do_and_names_every_fault_of_the_options()
    {
        using var network = LinearNetwork.Random(4, 3, seed: 1);
        var refused = Assert.Throws<ArgumentException>(() => new CarliniWagner().Perturb(
            network, full([1, 4], 0.5), zeros([1], dtype: ScalarType.Int64), ThreatModel.Linf(0.1)));
        Assert.Contains("cw-l2: the norm is Linf, expected L2", refused.Message);
        var options = new CarliniWagnerOptions { Steps = 0, Searches = 0, InitialWeight = 0, LearningRate = -1, Confidence = double.NaN };
        var message = Assert.Throws<ArgumentException>(() => new CarliniWagner(options)).Message;
        foreach (var fault in new[] { "Steps is 0", "Searches is 0", "InitialWeight is 0", "LearningRate is -1", "Confidence is NaN" })
            Assert.Contains(fault, message);
    }
}
