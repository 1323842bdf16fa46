namespace Ard.Trainers.Tests.Attacks;

public sealed class DeepFoolTests
{
    [Property(MaxTest = 30)]
    public void On_a_linear_network_the_result_is_the_smallest_perturbation_overshot(byte inputs, byte classes, bool euclidean, int seed)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, smallest) = SmallestPerturbations.Problem(2 + inputs % 40, 2 + classes % 8, seed, euclidean);
        var threat = new ThreatModel(euclidean ? Norm.L2 : Norm.Linf, 100);
        foreach (var overshoot in new[] { 0.02, 0.005 })
        {
            var attack = new DeepFool(new DeepFoolOptions { Overshoot = overshoot });
            var points = attack.Perturb(network, images, labels, threat);
            Assert.True(network.call(points).argmax(1).ne(labels).all().item<bool>());
            Compare.Close(smallest * (1 + overshoot), threat.Size(points, images), 1e-9, "sizes");
        }
    }

    [Fact]
    public void What_is_further_away_than_epsilon_keeps_its_clean_image()
    {
        using var scope = NewDisposeScope();
        foreach (var euclidean in new[] { true, false })
        {
            var (network, images, labels, smallest) = SmallestPerturbations.Problem(20, 4, seed: 5, euclidean);
            var epsilon = 1.02 * smallest.median().item<double>() * (1 + 1e-9);
            var points = new DeepFool().Perturb(network, images, labels, new ThreatModel(euclidean ? Norm.L2 : Norm.Linf, epsilon));
            var within = (smallest * 1.02).le(epsilon);
            Assert.Equal(12, within.sum().item<long>());
            Compare.Same(within, network.call(points).argmax(1).ne(labels), "broken");
            Compare.Same(within.logical_not(), points.eq(images).all(1), "clean");
        }
    }

    [Fact]
    public void Each_move_goes_to_where_the_tangent_says_that_the_boundary_is()
    {
        using var scope = NewDisposeScope();
        // logits (0, f), f = a² + b² - 0.75: label 0, and gradient 2 (a, b). By hand, as Newton's method along the gradient.
        var network = new FunctionNetwork(x => stack([x.select(1, 0) * 0, x.square().sum(1) - 0.75], 1));
        var image = new[] { 0.3, 0.4 };
        var change = new double[2];
        for (var moves = 1; moves <= 3; moves++)
        {
            var (a, b) = (image[0] + 1.01 * change[0], image[1] + 1.01 * change[1]);
            var share = (a * a + b * b - 0.75) / (4 * (a * a + b * b));
            change = [change[0] - share * 2 * a, change[1] - share * 2 * b];
            var expected = image.Select((value, i) => Math.Min(value + 1.01 * change[i], 1)).ToArray();
            var broken = expected.Sum(value => value * value) > 0.75;
            Assert.Equal(moves > 0, broken);
            var points = new DeepFool(new DeepFoolOptions { Iterations = moves, Overshoot = 0.01 })
                .Perturb(network, tensor(image).reshape(1, 2), zeros([1], dtype: ScalarType.Int64), ThreatModel.L2(10));
            Compare.Close(tensor(expected), points, 1e-12, "point");
            if (broken) return;
        }
    }

    [Fact]
    public void A_point_leaves_when_it_is_misclassified_and_each_rival_class_costs_a_backward_pass()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, _) = SmallestPerturbations.Problem(20, 5, seed: 2, euclidean: true);
        labels = cat([(labels.narrow(0, 0, 4) + 1).remainder(5), labels.narrow(0, 4, labels.shape[0] - 4)], 0);
        var report = new AttackSequence("one", [new DeepFool(new DeepFoolOptions { Classes = 4 })])
            .Run(network, images, labels, ThreatModel.L2(100));
        // On a linear network one move is enough: clean, before and behind it, and once to see what the attack has found. The three rival
        // classes cost three backward passes, and the look at what the move has led to is made with a graph.
        Assert.All(report.Each.Take(4), point => Assert.Equal((1L, 0L), (point.ForwardPasses, point.BackwardPasses)));
        Assert.All(report.Each.Skip(4), point => Assert.Equal((4L, 4L), (point.ForwardPasses, point.BackwardPasses)));
    }

    [Fact]
    public void A_network_that_is_flat_leaves_the_images_as_they_are()
    {
        using var scope = NewDisposeScope();
        var images = full([2, 3], 0.5);
        var network = new FunctionNetwork(x => cat([x.sum(1, keepdim: true) * 0 + 1, x * 0], 1));
        var points = new DeepFool().Perturb(network, images, zeros([2], dtype: ScalarType.Int64), ThreatModel.Linf(1));
        Compare.Same(images, points, "points");
    }

    [Fact]
    public void Every_fault_of_the_options_is_named_in_one_message()
    {
        var options = new DeepFoolOptions { Iterations = 0, Overshoot = -1, Classes = 1 };
        var message = Assert.Throws<ArgumentException>(() => new DeepFool(options)).Message;
        foreach (var fault in new[] { "Iterations is 0", "Overshoot is -1", "Classes is 1" }) Assert.Contains(fault, message);
    }
}

/// <summary>Linear networks, images that they get right, and how far each image is from the nearest boundary to another class.</summary>
internal static class SmallestPerturbations
{
    /// <summary>24 images far enough from the ends of [0,1] that the box plays no part, whose smallest perturbations are known.</summary>
    public static (LinearNetwork Network, Tensor Images, Tensor Labels, Tensor Sizes) Problem(
        long inputs, long classes, int seed, bool euclidean, double spread = 0.03)
    {
        using var generator = new Generator(unchecked((ulong)seed));
        var weight = empty([inputs, classes], dtype: ScalarType.Float64).normal_(0, 1, generator);
        var network = new LinearNetwork(weight, weight.sum(dim: 0) * -0.5);
        foreach (var parameter in network.parameters()) parameter.requires_grad = false;
        // Near the mid-grey image, which is undecided.
        var images = empty([24, inputs], dtype: ScalarType.Float64).uniform_(0.5 - spread, 0.5 + spread, generator);
        var logits = network.call(images);
        var labels = logits.argmax(1);
        // For each other class the margin over the dual norm of the difference of the weights.
        var apart = network.Weight.t().index_select(0, labels).unsqueeze(1) - network.Weight.t().unsqueeze(0);
        var slope = euclidean ? apart.square().sum(2).sqrt() : apart.abs().sum(2);
        var distances = (logits.gather(1, labels.unsqueeze(1)) - logits) / slope;
        distances = distances.scatter(1, labels.unsqueeze(1), full_like(distances, double.PositiveInfinity));
        return (network, images, labels, distances.amin(1));
    }
}
