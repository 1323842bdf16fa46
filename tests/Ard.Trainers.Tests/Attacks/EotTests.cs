namespace Ard.Trainers.Tests.Attacks;

public sealed class EotTests
{
    // A linear network of two classes and noise that has a steeper slope than it: of every two passes the second undoes it.
    private static (LinearNetwork Network, FunctionNetwork Random, Tensor Images, Tensor Labels) Problem(ScalarType dtype)
    {
        using var generator = new Generator(1);
        var network = LinearNetwork.Random(30, 2, seed: 4, dtype);
        using (no_grad())
        {
            network.Weight.mul_(1e-3);
            network.Bias.mul_(1e-3);
        }
        var noise = empty([30, 2], dtype: dtype).normal_(0, 3e-3, generator);
        var images = empty([40, 30], dtype: dtype).uniform_(0.3, 0.7, generator);
        var calls = 0;
        var random = new FunctionNetwork(x => network.call(x) + (x - 0.5).matmul(noise) * (calls++ % 2 == 0 ? 1 : -1));
        return (network, random, images, network.call(images).argmax(1));
    }

    [Theory]
    [InlineData("fgsm")]
    [InlineData("pgd-5")]
    [InlineData("cw-5")]
    [InlineData("mi-fgsm-5")]
    [InlineData("apgd-ce-5")]
    [InlineData("apgd-dlr-5")]
    [InlineData("apgd-pm-5")]
    [InlineData("apgd-malt-5")]
    [InlineData("fab-10")]
    [InlineData("fmn-50")]
    [InlineData("deepfool")]
    public void Every_gradient_attack_finds_by_means_of_two_passes_what_it_finds_on_the_mean_network(string name)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (network, random, images, labels) = Problem(ScalarType.Float64);
        var attack = AttackCatalog.ByName($"{name}+eot-2");
        Assert.Equal($"{name}+eot-2", attack.Name);
        var threat = new ThreatModel(attack.Norms[0], 0.01);
        // Points on the boundary are broken, whatever rounding says.
        long Left(Tensor points) => AttackLosses.Margin(network.call(points), labels).lt(-1e-9).sum().item<long>();
        var direct = Left(AttackCatalog.ByName(name).Perturb(network, images, labels, threat));
        Assert.InRange(direct, 3, 37);
        Assert.InRange(Left(attack.Perturb(random, images, labels, threat)), direct - 1, direct + 1);
    }

    [Fact]
    public void An_attack_on_one_pass_misses_them()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (network, random, images, labels) = Problem(ScalarType.Float64);
        long Left(string name) => network
            .call(AttackCatalog.ByName(name).Perturb(random, images, labels, ThreatModel.Linf(0.03))).argmax(1).eq(labels)
            .sum().item<long>();
        Assert.True(Left("fgsm") > Left("fgsm+eot-2") + 5);
        // A mean of one is none; each begins with the same of the two.
        Assert.Equal(Left("pgd-3"), Left("pgd-3+eot-1"));
    }

    [Fact]
    public void A_point_is_judged_by_the_mean_and_costs_as_many_passes()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (_, random, images, labels) = Problem(ScalarType.Float32);
        var one = random.call(images).argmax(1).eq(labels).sum().item<long>();
        random.call(images);
        var recorded = new RecordingNetwork(random);
        var report = new RobustnessEvaluator(new() { Attacks = ["pgd-3+eot-4", "fgsm+eot-2"], CheckNetwork = false })
            .Evaluate(recorded, images, labels);
        // The clean images by four passes, the larger of the two, and one for their logits. By one pass many would be wrong.
        Assert.InRange(one, 1, 35);
        Assert.Equal(40, report.Clean.CorrectCount);
        // PGD: three gradients of four passes, four for its last points and four for the result.
        Assert.All(report["pgd-3+eot-4"].Points, point => Assert.Equal(5 + 3 * 4 + 4 + 4, point.ForwardPasses));
        Assert.All(report["pgd-3+eot-4"].Points, point => Assert.Equal(3 * 4, point.BackwardPasses));
        Assert.All(report["fgsm+eot-2"].Points, point => Assert.Equal(5 + 2 + 2, point.ForwardPasses));
    }

    [Fact]
    public void A_sequence_takes_means_in_each_of_its_attacks()
    {
        var attack = AttackCatalog.ByName("autoattack+eot-3");
        Assert.Equal("autoattack+eot-3", attack.Name);
        Assert.Equal(
            ["apgd-ce+eot-3", "apgd-t+eot-3", "fab-t+eot-3", "square+eot-3"], attack.Parts(Norm.Linf).Select(part => part.Name));
        Assert.Throws<ArgumentOutOfRangeException>(() => Attack.Eot(Attack.Fgsm(), 0));
        Assert.Throws<ArgumentException>(() => AttackCatalog.ByName("fgsm+eot-x"));
        Assert.Equal("pgd-3+eot-2", AttackCatalog.ByName("PGD-3+EOT-2").Name);
    }

    [Fact]
    public void A_stand_in_has_the_values_of_its_part_and_the_gradient_of_the_other()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        // Colours in steps of an eighth: no gradient, so that the attacks stand still, and the report says so.
        var steps = new FunctionNetwork(x => (x * 8).round() / 8);
        var linear = LinearNetwork.Random(20, 3, seed: 5);
        var images = empty([50, 20]).uniform_(0, 1, generator);
        var (plain, honest) = (Sequential(steps, linear), Sequential(new StandInGradient(steps), linear));
        Tensor labels;
        using (no_grad())
        {
            labels = plain.call(images).argmax(1);
            Compare.Same(plain.call(images), honest.call(images), "outputs");
        }
        Compare.Same(plain.call(images).detach(), honest.call(images.detach().requires_grad_()).detach(), "outputs with a gradient");

        var options = new EvaluationOptions { Attacks = ["pgd-10"], Threat = ThreatModel.Linf(0.1) };
        var hidden = new RobustnessEvaluator(options).Evaluate(plain, images, labels);
        Assert.Contains(hidden.Flags, flag => flag.Code == RobustnessFlagCode.ZeroGradients);
        var found = new RobustnessEvaluator(options).Evaluate(honest, images, labels);
        Assert.Empty(found.Flags);
        Assert.True(found.WorstCase.CorrectCount < hidden.WorstCase.CorrectCount - 10);

        // Another stand-in than the identity: its gradient, at the values of the part.
        var point = images.narrow(0, 0, 1).detach().requires_grad_();
        new StandInGradient(steps, new FunctionNetwork(x => x * 3)).call(point).sum().backward();
        Compare.Same(full([1, 20], 3f), point.grad!, "gradient");
        var wrong = new StandInGradient(steps, linear);
        Assert.Contains("[50,20], its stand-in [50,3]", Assert.Throws<InvalidOperationException>(
            () => wrong.call(images.detach().requires_grad_())).Message);
    }
}
