namespace Ard.Trainers.Tests.Attacks;

public sealed class FmnTests
{
    [Theory]
    [InlineData(Norm.Linf)]
    [InlineData(Norm.L2)]
    [InlineData(Norm.L1)]
    public void On_a_linear_network_the_point_found_is_within_2_percent_of_the_closest(Norm norm)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Linear();
        var shortest = Shortest(network, images, labels, norm);
        var threat = new ThreatModel(norm, 100);
        using var noGrad = no_grad();
        var points = new Fmn(300).Perturb(network, images, labels, threat);
        Assert.All(network.call(points).argmax(1).ne(labels).data<bool>().ToArray(), Assert.True);
        var sizes = threat.Size(points, images).data<double>().ToArray();
        Assert.All(sizes.Zip(shortest), pair => Assert.InRange(pair.First / pair.Second, 1 - 1e-9, 1.02));

        // Within a budget: the points that are near enough, and the clean images elsewhere.
        var epsilon = sizes.Order().ElementAt(sizes.Length / 2);
        var within = new Fmn(300).Perturb(network, images, labels, new ThreatModel(norm, epsilon));
        for (var row = 0; row < sizes.Length; row++)
            Compare.Same((sizes[row] <= epsilon ? points : images)[row], within[row], $"point {row}");
    }

    [Fact]
    public void Images_that_are_misclassified_unattacked_cost_one_pass_and_come_back()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Linear();
        var recorded = new RecordingNetwork(network);
        Compare.Same(images, new Fmn().Perturb(recorded, images, (labels + 1) % 2, ThreatModel.L2(5)), "points");
        Assert.Single(recorded.Calls);
    }

    // The sizes that adv-lib's FMN finds in as many steps (make_fmn_fixture.py).
    [CnnATheory]
    [InlineData(Norm.Linf, "linf")]
    [InlineData(Norm.L2, "l2")]
    [InlineData(Norm.L1, "l1")]
    public void The_median_size_is_not_above_the_recorded_one_by_more_than_2_percent(Norm norm, string name)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = CnnATraceTests.Problem(ScalarType.Float32);
        (images, labels) = (images.narrow(0, 0, 128), labels.narrow(0, 0, 128));
        var recorded = Fixture.Beside("fmn_cnn_a.safetensors")[$"{name}.sizes"];
        var right = recorded.gt(0);
        var threat = new ThreatModel(norm, 3072);
        var points = new Fmn().Perturb(network, images, labels, threat);
        var (ours, theirs) = (Median(threat.Size(points, images)), Median(recorded.to(ScalarType.Float64)));
        Assert.True(ours <= theirs * 1.02, $"{norm}: median {ours}, recorded {theirs}");

        double Median(Tensor sizes) => sizes.masked_select(right).median().item<double>();
    }

    [Fact]
    public void It_takes_a_step_or_more() => Assert.Throws<ArgumentOutOfRangeException>(() => new Fmn(0));

    // Two classes on 12 values; right on every image.
    private static (LinearNetwork Network, Tensor Images, Tensor Labels) Linear()
    {
        using var generator = new Generator(2);
        var weight = empty([12, 2], dtype: ScalarType.Float64).normal_(0, 1, generator);
        var network = new LinearNetwork(weight, weight.sum([0L]) * -0.5);
        var images = empty([30, 12], dtype: ScalarType.Float64).uniform_(0.3, 0.7, generator);
        using var noGrad = no_grad();
        return (network, images, network.call(images).argmax(1));
    }

    private static double[] Shortest(LinearNetwork network, Tensor images, Tensor labels, Norm norm)
    {
        using var noGrad = no_grad();
        // To each other class: the gap of the logits over the dual norm of its gradient, far from the ends of [0,1] but in L1, where
        // values go to them one after another.
        return [.. Enumerable.Range(0, (int)images.shape[0]).Select(row => Enumerable.Range(0, 2)
            .Where(k => k != labels[row].item<long>())
            .Min(k =>
            {
                var normal = network.Weight.select(1, k) - network.Weight.select(1, labels[row].item<long>());
                var gap = (network.call(images[row].unsqueeze(0))[0, labels[row].item<long>()]
                    - network.call(images[row].unsqueeze(0))[0, k]).item<double>();
                if (norm == Norm.Linf) return gap / normal.abs().sum().item<double>();
                if (norm == Norm.L2) return gap / normal.square().sum().sqrt().item<double>();
                var (low, high) = (0.0, 12.0);
                for (var i = 0; i < 60; i++)
                {
                    var middle = (low + high) / 2;
                    var end = LinearNetwork.HighestInL1(images[row], normal, middle);
                    if (((end - images[row]) * normal).sum().item<double>() < gap) low = middle; else high = middle;
                }
                return high;
            }))];
    }
}
