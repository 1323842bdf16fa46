using Ard.Trainers.Attacks;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Tests.Fixtures;
using static Ard.Trainers.Evaluation.RobustnessFlagCode;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Tests.Evaluation;

public sealed class RobustnessFlagTests
{
    private static readonly EvaluationOptions Options = new()
    {
        Threat = EvaluationProblem.Threat,
        Attacks = ["fgsm", "pgd-10"],
        BatchSize = 20,
    };

    [Fact]
    public void An_ordinary_network_under_the_usual_attacks_raises_none()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth(classes: 11);
        var sequence = new AutoAttack(
            "sequence",
            [new Apgd(new ApgdOptions { Loss = ApgdLoss.TargetedDlr, Steps = 20 }), new Square(new SquareOptions { Queries = 100 })]);
        var square = new Square(new SquareOptions { Queries = 50 });
        var transfer = new GivenAttack("transfer(other)", (x, _) => x, AttackKind.Transferred);
        var options = Options with { MoreAttacks = [sequence, square, transfer] };
        var report = new RobustnessEvaluator(options).Evaluate(network, images, labels);
        Assert.Empty(report.Flags);
        Assert.InRange(report.WorstCase.CorrectCount, 1, report.Clean.CorrectCount - 5);
    }

    [Fact]
    public void Outputs_that_differ_from_pass_to_pass_are_seen()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var call = 0;
        var drifting = new FunctionNetwork(x => network.call(x) + call++ * 0.01);
        var flag = Assert.Single(Flags(drifting, images, labels));
        Assert.Equal(RandomOutputs, flag.Code);
        Assert.Contains("autoattack-rand", $"{flag}");
        // Not what another order of additions makes.
        call = 0;
        Assert.Empty(Flags(new FunctionNetwork(x => network.call(x) * (1 + call++ * 1e-7)), images, labels));
        // And not where nobody asked.
        Assert.Empty(Flags(drifting, images, labels, Options with { CheckNetwork = false }));
    }

    [Fact]
    public void Probabilities_in_place_of_logits_are_seen()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        Assert.Equal(Probabilities, Assert.Single(Flags(new FunctionNetwork(x => network.call(x).softmax(1)), images, labels)).Code);
        Assert.Empty(Flags(new FunctionNetwork(x => network.call(x).log_softmax(1)), images, labels));
    }

    [Fact]
    public void One_image_without_a_gradient_is_seen()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        // The first image is flat: its neighbourhood is cut off at its lowest values.
        images = images.clone();
        images[0].fill_(0.25);
        Tensor Near(Tensor x) => x.flatten(1).sub(0.25).abs().amax(1).lt(0.01).reshape(-1, 1, 1, 1);
        var flat = new FunctionNetwork(x => network.call(where(Near(x), x * 0 + 0.25, x)));
        using (no_grad()) labels = flat.call(images).argmax(1);
        var flag = Assert.Single(Flags(flat, images, labels));
        Assert.Equal(ZeroGradients, flag.Code);
        Assert.Contains("at 1 of 50 images", flag.Seen);
        // Where the network is wrong anyway no attack needs a gradient.
        labels[0].add_(1).remainder_(5);
        Assert.Empty(Flags(flat, images, labels));
    }

    [Fact]
    public void Fewer_classes_than_a_targeted_attack_aims_at_are_seen()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var flag = Assert.Single(Flags(network, images, labels, Options with { Attacks = ["pgd-10", "apgd-t-3"] }));
        Assert.Equal(FewClasses, flag.Code);
        Assert.Equal("apgd-t-3 aims at 9 classes, the network has 4 besides the true one", flag.Seen);
        var targeted = new Fab(new FabOptions { Targeted = true, Targets = 5, Steps = 3 });
        flag = Assert.Single(Flags(network, images, labels, Options with { MoreAttacks = [targeted] }));
        Assert.StartsWith("fab-t-3 aims at 5 classes", flag.Seen);
        var four = new Apgd(new ApgdOptions { Loss = ApgdLoss.TargetedDlr, Targets = 4, Steps = 3 });
        Assert.Empty(Flags(network, images, labels, Options with { MoreAttacks = [four] }));
    }

    [Theory]
    [InlineData(AttackKind.GradientFree, GradientFreeStronger, 3)]
    [InlineData(AttackKind.OneStep, OneStepStronger, 5)]
    [InlineData(AttackKind.Transferred, TransferStronger, 5)]
    public void An_attack_that_should_be_weaker_than_the_gradient_and_is_not_is_seen(AttackKind kind, RobustnessFlagCode code, int least)
    {
        using var scope = NewDisposeScope();
        // 1000 images, of which attacks break the first so many. What counts is more than 2 of them, and of a comparison more than chance.
        Assert.Equal(code, Assert.Single(Compare(kind, direct: 100, other: 100 + least)).Code);
        Assert.Empty(Compare(kind, direct: 100, other: 99 + least));
        Assert.Empty(Compare(kind, direct: 100, other: 50));
        Assert.Contains($"broke {least} of 1000 points", Compare(kind, direct: 100, other: 100 + least)[0].Seen);
        // In a sequence it gets only those that the gradient left; or all, and the gradient the rest, which proves nothing.
        Assert.Equal(code, Assert.Single(Compare(kind, direct: 100, other: 100 + least, sequential: true)).Code);
        Assert.Empty(Compare(kind, direct: 110, other: 100, sequential: true, otherFirst: true));
        // With a stronger gradient besides, all is well.
        Assert.Empty(Compare(kind, direct: 100, other: 100 + least, stronger: 110));
    }

    [Fact]
    public void An_attack_without_gradients_within_autoattack_is_seen_too()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Line();
        var attack = new AutoAttack("auto", [Breaks("apgd", 100), Breaks("square", 105, AttackKind.GradientFree)]);
        var flag = Assert.Single(Flags(network, images, labels, Options with { Attacks = [], MoreAttacks = [attack] }));
        Assert.Equal(GradientFreeStronger, flag.Code);
        Assert.Contains("square broke 5 of 1000 points", flag.Seen);
    }

    [Fact]
    public void Masked_gradients_are_found_out_by_real_attacks()
    {
        using var scope = NewDisposeScope();
        // The images in steps of 1/20 before the network: no gradient at all, but other networks' examples, and any move at random, work.
        var (network, images, labels) = EvaluationProblem.Smooth();
        var masked = new FunctionNetwork(x => network.call((x * 20).round() / 20 + x * 0));
        using (no_grad()) labels = masked.call(images).argmax(1);
        var transferred = new GivenAttack(
            "transfer(smooth)", (x, y) => new Pgd().Perturb(network, x, y, EvaluationProblem.Threat), AttackKind.Transferred);
        var flags = Flags(masked, images, labels, Options with { Attacks = ["pgd-10"], MoreAttacks = [transferred] });
        Assert.Equal([ZeroGradients, TransferStronger], flags.Select(flag => flag.Code));
    }

    [Fact]
    public void Logits_that_are_not_numbers_leave_no_figure()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        // Fine on the clean images, of which none is as dark as the attack may make them.
        var brittle = new FunctionNetwork(x => network.call(x) + where(x.lt(0.04).any(), zeros([]) / 0, zeros([])));
        images = images * 0.9 + 0.05;
        Assert.Empty(Flags(brittle, images, labels, Options with { Attacks = [] }));
        Assert.Contains("pgd-10: the network's logits are not finite", Assert.Throws<InvalidOperationException>(
            () => Flags(brittle, images, labels, Options with { Attacks = ["pgd-10"] })).Message);
    }

    private static IReadOnlyList<RobustnessFlag> Flags(
        Module<Tensor, Tensor> network, Tensor images, Tensor labels, EvaluationOptions? options = null) =>
        new RobustnessEvaluator(options ?? Options).Evaluate(network, images, labels).Flags;

    // Class 1 above 0.52. All images are at 0.5, in class 0; the first value is the row.
    private static (Module<Tensor, Tensor> Network, Tensor Images, Tensor Labels) Line()
    {
        var images = stack([arange(1000, dtype: ScalarType.Float32) / 1024, full([1000], 0.5f)], 1);
        var network = new FunctionNetwork(x => stack([full_like(x.select(1, 1), 0.52), x.select(1, 1)], 1));
        return (network, images, zeros([1000], dtype: ScalarType.Int64));
    }

    private static GivenAttack Breaks(string name, int first, AttackKind kind = AttackKind.Gradient) => new(
        name, (x, _) => stack([x.select(1, 0), x.select(1, 1) + x.select(1, 0).lt(first / 1024.0).to(ScalarType.Float32) * 0.03], 1), kind);

    private static IReadOnlyList<RobustnessFlag> Compare(
        AttackKind kind, int direct, int other, bool sequential = false, bool otherFirst = false, int stronger = 0)
    {
        var (network, images, labels) = Line();
        List<Attack> attacks = [Breaks("direct", direct), Breaks("other", other, kind)];
        if (otherFirst) attacks.Reverse();
        if (stronger > 0) attacks.Add(Breaks("stronger", stronger));
        return Flags(network, images, labels, Options with { Attacks = [], MoreAttacks = attacks, Sequential = sequential });
    }
}
