namespace Ard.Trainers.Tests.Attacks;

public sealed class PgdTests
{
    private static readonly ThreatModel Threat = ThreatModel.Linf(0.05);

    [Fact]
    public void Each_step_goes_along_the_sign_then_into_the_ball_then_into_the_box()
    {
        // The loss 2a - b: the first value can rise, the second fall, to the end of the ball or of the box.
        var images = tensor(new[] { 0.5, 0.98, 0.02, 0.5 }).reshape(2, 2);
        var slope = tensor(new[] { 2.0, -1.0 });
        Tensor Run(int steps) => Pgd.Maximise(x => (x * slope).sum(), images, images, Threat, stepSize: 0.03, steps);
        Compare.Close(tensor(new[] { 0.53, 0.95, 0.05, 0.47 }), Run(1), 1e-12, "one step");
        Compare.Close(tensor(new[] { 0.55, 0.93, 0.07, 0.45 }), Run(2), 1e-12, "two steps");
        Compare.Same(Run(2), Run(7), "at the corner it stays");
        Compare.Same(images, Run(0), "no step");
    }

    [Fact]
    public void The_loop_takes_gradients_of_the_points_only_and_leaves_the_start_alone()
    {
        using var network = LinearNetwork.Random(4, 3, seed: 2);
        var images = full([2, 4], 0.5);
        var start = images + 0.01;
        var points = Pgd.Maximise(x => network.call(x).select(1, 0).sum(), images, start, Threat, 0.01, 3);
        Compare.Same(images + 0.01, start, "start");
        Assert.False(points.requires_grad);
        Assert.All(network.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void Keeping_the_last_point_is_the_loop_from_the_noise_of_the_seed()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var options = new PgdOptions { Steps = 5, StepSize = 0.02, Keep = KeptPoint.Last, Start = Start.UniformUnclamped };
        var points = new Pgd(options).Perturb(network, images, labels, Threat, seed: 8);
        var start = images + new PointNoise(8, Enumerable.Range(0, 40).Select(i => (long)i)).Uniform(images) * 0.05;
        var expected = Pgd.Maximise(
            x => nn.functional.cross_entropy(network.call(x), labels, reduction: nn.Reduction.Sum), images, start, Threat, 0.02, 5);
        Compare.Same(expected, points, "points");
    }

    [Fact]
    public void Leaving_when_broken_breaks_the_same_points_as_staying_and_costs_less()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var recorded = new RecordingNetwork(network);
        var options = new PgdOptions { Steps = 6, StepSize = 0.02, Restarts = 3 };
        var worst = Broken(new Pgd(options));
        var cost = recorded.Calls.Sum(call => call.Input.shape[0]);
        recorded.Calls.Clear();
        var first = Broken(new Pgd(options with { Keep = KeptPoint.FirstBroken }));
        var cheaper = recorded.Calls.Sum(call => call.Input.shape[0]);
        Assert.Equal(worst, first);
        Assert.InRange(first.Count(broken => broken), 5, 35);
        Assert.Equal(3 * 7 * 40, cost);
        Assert.InRange(cheaper, 3 * 7 * first.Count(broken => !broken), cost - 5 * 14);

        bool[] Broken(Attack attack)
        {
            var points = attack.Perturb(recorded, images, labels, Threat);
            using var noGrad = no_grad();
            return network.call(points).argmax(1).ne(labels).data<bool>().ToArray();
        }
    }

    [Fact]
    public void The_worst_point_is_the_one_of_the_largest_loss_among_all_that_were_met()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var recorded = new RecordingNetwork(network);
        // A step so long that the loss goes up and down.
        var attack = new Pgd(new PgdOptions { Steps = 8, StepSize = 0.09, Restarts = 2 });
        var points = attack.Perturb(recorded, images, labels, Threat);
        using var noGrad = no_grad();
        var met = stack(recorded.Calls.Select(call => Badness(call.Logits)), 0);
        Compare.Close(met.amax(0), Badness(network.call(points)), 1e-6, "badness");
        Assert.False(met.amax(0).allclose(met[^1]), "the last point is always the worst: nothing was shown");

        Tensor Badness(Tensor logits) => AttackLosses.CrossEntropy(logits, labels) + logits.argmax(1).ne(labels).to(logits.dtype) * 100;
    }

    [Fact]
    public void A_start_outside_the_box_is_never_kept()
    {
        using var scope = NewDisposeScope();
        var images = zeros([1, 1]);
        // Misclassified below 0 only, and flat where points are allowed.
        var network = new FunctionNetwork(x => cat([(-x).flatten(1).clamp_min(0) * 100, zeros_like(x) + 0.5 + x * 0], 1));
        for (var seed = 0; seed < 8; seed++)
        {
            var attack = new Pgd(new PgdOptions { Steps = 2, Start = Start.UniformUnclamped, Keep = KeptPoint.FirstBroken });
            Assert.InRange(attack.Perturb(network, images, tensor(new[] { 1L }), Threat, seed).item<float>(), 0, 0.05);
        }
    }

    [Fact]
    public void Every_fault_of_the_options_is_named_in_one_message()
    {
        var options = new PgdOptions { Steps = 0, StepSize = -1, Restarts = 2, Start = Start.Clean };
        var message = Assert.Throws<ArgumentException>(() => new Pgd(options)).Message;
        Assert.Contains("Steps is 0", message);
        Assert.Contains("StepSize is -1", message);
        Assert.Contains("Restarts is 2, expected 1", message);
    }

    [Theory]
    [InlineData("fgsm", "fgsm")]
    [InlineData(" PGD-20", "pgd-20")]
    [InlineData("pgd-7x3", "pgd-7x3")]
    public void The_catalog_knows_attacks_by_name(string name, string expected) => Assert.Equal(expected, AttackCatalog.ByName(name).Name);

    [Theory]
    [InlineData("pgd")]
    [InlineData("pgd-0")]
    [InlineData("pgd-2x")]
    [InlineData("pgd-2x3x4")]
    [InlineData("fgsm-2")]
    [InlineData("")]
    public void An_unknown_name_gets_the_list_of_those_known(string name) =>
        Assert.Contains("expected fgsm, pgd-N, pgd-NxR", Assert.Throws<ArgumentException>(() => AttackCatalog.ByName(name)).Message);

    // A network with a bend, 40 points, most of which it gets right.
    private static (FunctionNetwork Network, Tensor Images, Tensor Labels) Problem()
    {
        using var generator = new Generator(6);
        var (first, second) = (empty([10, 30]).normal_(0, 2, generator), empty([30, 4]).normal_(0, 1, generator));
        var network = new FunctionNetwork(x => (x.sub(0.5).matmul(first)).tanh().matmul(second));
        var images = empty([40, 10]).uniform_(0, 1, generator);
        return (network, images, network.call(images).argmax(1));
    }

    [Fact]
    public void A_loss_without_a_gradient_is_an_error_that_says_where_to_look()
    {
        using var scope = NewDisposeScope();
        var (network, images) = (LinearNetwork.Random(4, 3, seed: 1), full([2, 4], 0.5));
        Tensor Cut(Tensor x) => network.call(x.detach()).sum();
        Tensor Unused(Tensor x) => network.call(ones_like(x)).sum() + zeros(1, requires_grad: true).sum();
        foreach (var loss in new Func<Tensor, Tensor>[] { Cut, Unused })
        {
            var message = Assert.Throws<InvalidOperationException>(() => Pgd.Gradient(loss, images)).Message;
            Assert.Contains("no gradient with regard to the images", message);
            Assert.Contains("detach or no_grad", message);
            Assert.Equal(message, Assert.Throws<InvalidOperationException>(
                () => Pgd.Maximise(loss, images, images, Threat, stepSize: 0.01, steps: 2)).Message);
        }
    }
}
