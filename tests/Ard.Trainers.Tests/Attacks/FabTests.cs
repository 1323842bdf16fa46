namespace Ard.Trainers.Tests.Attacks;

public sealed class FabTests
{
    [Theory]
    [InlineData(Norm.Linf, false)]
    [InlineData(Norm.Linf, true)]
    [InlineData(Norm.L2, false)]
    [InlineData(Norm.L2, true)]
    [InlineData(Norm.L1, false)]
    [InlineData(Norm.L1, true)]
    public void On_a_linear_network_the_point_found_is_within_1_percent_of_the_closest(Norm norm, bool targeted)
    {
        using var scope = NewDisposeScope();
        // Untargeted, the nearest hyperplane is chosen without regard to the box: so keep away from its ends.
        var (network, images, labels) = Linear(margin: targeted ? -0.2 : 0.3);
        var shortest = Shortest(network, images, labels, norm);
        var threat = new ThreatModel(norm, 100);
        var attack = new Fab(new FabOptions { Targeted = targeted, Steps = 20 });
        using var noGrad = no_grad();
        var points = attack.Perturb(network, images, labels, threat);
        Assert.All(network.call(points).argmax(1).ne(labels).data<bool>().ToArray(), Assert.True);
        var sizes = threat.Size(points, images).data<double>().ToArray();
        Assert.All(sizes.Zip(shortest), pair => Assert.InRange(pair.First / pair.Second, 1 - 1e-9, 1.01));
    }

    [Fact]
    public void The_last_search_ends_where_another_rounding_does_not_change_the_answer()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (network, images, labels) = Linear(margin: 0.3);
        var points = new Fab(new FabOptions { Targeted = true, Steps = 20, FinalSearch = 20 })
            .Perturb(network, images, labels, ThreatModel.Linf(100));
        var logits = network.call(points);
        var margins = (AttackLosses.Margin(logits, labels) / logits.abs().amax(1)).data<double>().ToArray();
        Assert.All(margins, margin => Assert.InRange(margin, 1e-6, 0.05));
    }

    [Fact]
    public void Of_a_network_with_random_outputs_no_point_leaves_the_range_of_images()
    {
        using var scope = NewDisposeScope();
        // The first of four values decides, under noise; the others are at the ends of [0,1].
        using var generator = new Generator(5);
        var network = new FunctionNetwork(x =>
        {
            var noisy = x.select(1, 0) - 0.65 + 0.1 * x.sum([1]) + empty([x.shape[0]]).normal_(0, 0.05, generator);
            return stack([noisy, -noisy], 1);
        });
        var images = zeros([200, 4]);
        images.select(1, 0).copy_(linspace(0.45, 0.55, 200));
        images.select(1, 1).fill_(1);
        var labels = zeros([200], dtype: ScalarType.Int64);
        var threat = ThreatModel.Linf(0.3);
        for (var seed = 0; seed < 10; seed++)
            threat.Verify(Attack.Fab(new() { Targeted = true, Steps = 5 }).Perturb(network, images, labels, threat, seed), images, "fab-t");
    }

    [Theory]
    [InlineData(Norm.Linf)]
    [InlineData(Norm.L2)]
    [InlineData(Norm.L1)]
    public void A_point_is_returned_only_where_it_is_within_epsilon_and_the_clean_image_elsewhere(Norm norm)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Linear(margin: 0.3);
        var shortest = Shortest(network, images, labels, norm);
        var epsilon = shortest.Order().ElementAt(shortest.Length / 2) * 1.03;
        foreach (var stop in new[] { false, true })
        {
            var attack = new Fab(new FabOptions { Steps = 30, StopWithinBudget = stop });
            using var noGrad = no_grad();
            var points = attack.Perturb(network, images, labels, new ThreatModel(norm, epsilon));
            var broken = network.call(points).argmax(1).ne(labels).data<bool>().ToArray();
            for (var row = 0; row < shortest.Length; row++)
            {
                if (shortest[row] < epsilon / 1.01) Assert.True(broken[row], $"point {row} is not broken");
                if (shortest[row] > epsilon) Compare.Same(images[row], points[row], $"point {row}");
            }
        }
    }

    [Fact]
    public void Leaving_within_the_budget_breaks_the_same_points_for_less_work()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Bent();
        var recorded = new RecordingNetwork(network);
        var options = new FabOptions { Targeted = true, Targets = 3, Steps = 8 };
        var (closest, cost) = Run(options);
        var (found, less) = Run(options with { StopWithinBudget = true });
        Assert.Equal(closest, found);
        Assert.InRange(closest.Count(broken => broken), 5, 35);
        Assert.True(less < cost * 0.9, $"{less} points of {cost}");

        (bool[] Broken, long Cost) Run(FabOptions settings)
        {
            recorded.Calls.Clear();
            var points = new Fab(settings).Perturb(recorded, images, labels, ThreatModel.L2(0.1));
            using var noGrad = no_grad();
            return (network.call(points).argmax(1).ne(labels).data<bool>().ToArray(), recorded.Calls.Sum(call => call.Input.shape[0]));
        }
    }

    [Fact]
    public void More_steps_targets_or_restarts_never_lead_further_away()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Bent();
        foreach (var norm in Enum.GetValues<Norm>())
        {
            var options = new FabOptions { Targeted = true, Targets = 1, Steps = 3, FinalSearch = 0 };
            var little = Sizes(options);
            Assert.True(Sizes(options with { Steps = 12 }).le(little).all().item<bool>(), "steps");
            Assert.True(Sizes(options with { Targets = 3 }).le(little).all().item<bool>(), "targets");
            Assert.True(Sizes(options with { Restarts = 3 }).le(little).all().item<bool>(), "restarts");
            var searched = Sizes(options with { FinalSearch = 3 });
            Assert.True(searched.le(little).all().item<bool>() && searched.lt(little).any().item<bool>(), "final search");

            Tensor Sizes(FabOptions settings)
            {
                var threat = new ThreatModel(norm, 100);
                var points = new Fab(settings).Perturb(network, images, labels, threat, seed: 3);
                using var noGrad = no_grad();
                var broken = network.call(points).argmax(1).ne(labels);
                return where(broken, threat.Size(points, images), full_like(labels, 1e9, dtype: ScalarType.Float64));
            }
        }
    }

    [Fact]
    public void One_restart_draws_nothing_and_several_start_elsewhere()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Bent();
        Tensor Run(int restarts, long seed) => new Fab(new FabOptions { Steps = 4, Restarts = restarts })
            .Perturb(network, images, labels, ThreatModel.L2(5), seed);
        Compare.Same(Run(1, seed: 0), Run(1, seed: 1), "one restart");
        Assert.False(Run(2, seed: 0).eq(Run(2, seed: 1)).all().item<bool>());
    }

    [Fact]
    public void Images_that_are_misclassified_unattacked_cost_one_pass_and_come_back()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Bent();
        var recorded = new RecordingNetwork(network);
        var points = new Fab(new FabOptions { Steps = 5 }).Perturb(recorded, images, (labels + 1) % 4, ThreatModel.L2(5));
        Compare.Same(images, points, "points");
        Assert.Single(recorded.Calls);
    }

    [Fact]
    public void The_classes_aimed_at_are_those_of_the_highest_clean_logits()
    {
        using var scope = NewDisposeScope();
        // Each class has a value of its own, so a step shows which one was aimed at.
        var network = new FunctionNetwork(x => x * 1.0);
        var images = tensor(new[] { 0.9, 0.1, 0.5, 0.3 }).reshape(1, 4);
        var recorded = new RecordingNetwork(network);
        var options = new FabOptions { Targeted = true, Targets = 9, Steps = 1, FinalSearch = 0, AlphaMax = 0 };
        new Fab(options).Perturb(recorded, images, tensor(new[] { 0L }), ThreatModel.L2(0.01));
        var raised = recorded.Calls.Select(call => (call.Input - images).argmax(1).item<long>()).ToArray();
        // The clean image; then for each class the start and the point after the step. The final search comes after.
        Assert.Equal([2, 3, 1], new[] { raised[2], raised[4], raised[6] });
    }

    [CnnAFact]
    public void A_fifth_of_the_steps_at_a_third_of_the_classes_comes_close_to_the_recorded_runs()
    {
        foreach (var (name, threat, _) in Recorded)
        {
            using var scope = NewDisposeScope();
            var (robust, recorded) = Robust(name, threat, steps: 20, targets: 3, images: 64);
            Assert.InRange(robust.eq(recorded).sum().item<long>(), 62, 64);
        }
    }

    [CnnAFact]
    [Trait("Category", "Long")]
    public void Fab_t_leaves_the_points_robust_that_the_recorded_runs_leave()
    {
        foreach (var (name, threat, count) in Recorded)
        {
            using var scope = NewDisposeScope();
            var (robust, recorded) = Robust(name, threat, steps: 100, targets: 9, images: 256);
            Assert.InRange(robust.sum().item<long>(), count - 1, count + 1);
            Assert.InRange(robust.eq(recorded).sum().item<long>(), 254, 256);
        }
    }

    private static (string Name, ThreatModel Threat, long Count)[] Recorded =>
    [
        ("linf8", ThreatModel.Linf(8.0 / 255), 36), ("linf2", ThreatModel.Linf(2.0 / 255), 119), ("l2_05", ThreatModel.L2(0.5), 70),
    ];

    // As AutoAttack runs it, and what it recorded.
    private static (Tensor Robust, Tensor Recorded) Robust(string name, ThreatModel threat, int steps, int targets, long images)
    {
        var (network, points, labels) = CnnATraceTests.Problem(ScalarType.Float32);
        (points, labels) = (points.narrow(0, 0, images), labels.narrow(0, 0, images));
        var options = new FabOptions { Targeted = true, Targets = targets, Steps = steps, FinalSearch = 0, StopWithinBudget = true };
        var found = new Fab(options).Perturb(network, points, labels, threat);
        using var noGrad = no_grad();
        var recorded = Fixture.Trace($"aa_cnn_a_{name}")["alone.fab-t.robust"].to(ScalarType.Bool).narrow(0, 0, images);
        return (network.call(found).argmax(1).eq(labels), recorded);
    }

    // Three classes on 12 values; right on every image.
    private static (LinearNetwork Network, Tensor Images, Tensor Labels) Linear(double margin)
    {
        using var generator = new Generator(2);
        var weight = empty([12, 3], dtype: ScalarType.Float64).normal_(0, 1, generator);
        var network = new LinearNetwork(weight, weight.sum([0L]) * -0.5);
        var images = empty([30, 12], dtype: ScalarType.Float64).uniform_(margin, 1 - margin, generator).clamp_(0, 1);
        using var noGrad = no_grad();
        return (network, images, network.call(images).argmax(1));
    }

    // By bisection: for each image the least distance at which some other class can win within the box.
    private static double[] Shortest(LinearNetwork network, Tensor images, Tensor labels, Norm norm)
    {
        using var noGrad = no_grad();
        return [.. Enumerable.Range(0, (int)images.shape[0]).Select(row =>
        {
            var (image, label) = (images[row], labels[row].item<long>());
            return Enumerable.Range(0, 3).Where(k => k != label).Min(k =>
            {
                var normal = network.Weight.select(1, k) - network.Weight.select(1, label);
                var bias = (network.Bias[k] - network.Bias[label]).item<double>();
                Tensor End(double t) => norm == Norm.L1
                    ? LinearNetwork.HighestInL1(image, normal, t)
                    : (image + (norm == Norm.Linf ? normal.sign() : normal) * t).clamp(0, 1);
                var (low, high) = (0.0, 1000.0);
                if ((End(high) * normal).sum().item<double>() + bias < 0) return double.PositiveInfinity;
                for (var i = 0; i < 70; i++)
                {
                    var middle = (low + high) / 2;
                    if ((End(middle) * normal).sum().item<double>() + bias < 0) low = middle; else high = middle;
                }
                return new ThreatModel(norm, 1).Size(End(high).unsqueeze(0), image.unsqueeze(0)).item<double>();
            });
        })];
    }

    // A network with a bend, 40 points, all of which it gets right.
    private static (FunctionNetwork Network, Tensor Images, Tensor Labels) Bent()
    {
        using var generator = new Generator(6);
        var (first, second) = (empty([10, 30]).normal_(0, 2, generator), empty([30, 4]).normal_(0, 1, generator));
        var network = FunctionNetwork.RowByRow(x => (x.sub(0.5).matmul(first)).tanh().matmul(second));
        var images = empty([40, 10]).uniform_(0, 1, generator);
        return (network, images, network.call(images).argmax(1));
    }
}
