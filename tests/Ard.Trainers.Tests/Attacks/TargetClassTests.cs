namespace Ard.Trainers.Tests.Attacks;

public sealed class TargetClassTests
{
    private static readonly Tensor Logits = tensor(new double[] { 4, 1, 3, 2, 0, 5, 5, 6 }).reshape(2, 4);

    [Fact]
    public void The_class_aimed_at_is_never_the_true_one_unless_it_was_given()
    {
        // The second image is misclassified: its label has the smallest logit.
        var labels = tensor(new[] { 0L, 0 });
        Compare.Same(tensor(new[] { 2L, 3 }), TargetClass.SecondMostLikely.Choose(Logits, labels), "second most likely");
        var least = TargetClass.LeastLikely.Choose(Logits, labels).data<long>().ToArray();
        Assert.Equal(1, least[0]);
        Assert.InRange(least[1], 1, 2);
        Compare.Same(tensor(new[] { 3L, 3 }), TargetClass.Given(3).Choose(Logits, labels), "given");
    }

    [Fact]
    public void The_nearest_classes_come_in_the_order_of_the_distance_and_not_of_the_logits()
    {
        using var scope = NewDisposeScope();
        // At the image (0.5, 0.5) the logits are 0, -1, -2 and -3; the boundaries to the classes 1, 2 and 3 are at 1/2, 2/8 and 3/5 in
        // Linf, at 1/√2, 2/√32 and 3/√17 in L2, and at 1/1, 2/4 and 3/4 in L1.
        var weight = tensor(new double[] { 0, 1, 4, 4, 0, 1, 4, 1 }).reshape(2, 4);
        var network = new LinearNetwork(weight, tensor(new[] { 0.0, -2, -6, -5.5 }));
        var (images, labels) = (full([1, 2], 0.5, dtype: ScalarType.Float64), tensor(new[] { 0L }));
        foreach (var (norm, order) in new[] { (Norm.Linf, new[] { 2L, 1, 3 }), (Norm.L2, [2L, 1, 3]), (Norm.L1, [2L, 3, 1]) })
        {
            Recorder recorder = new(norm);
            recorder.Perturb(network, images, labels, new ThreatModel(norm, 0.01));
            Assert.Equal(order, recorder.Targets);
        }
    }

    // Asks for the nearest classes.
    private sealed class Recorder(Norm norm) : Attack
    {
        public override string Name => "recorder";

        public override IReadOnlyList<Norm> Norms => [norm];

        public new long[] Targets { get; private set; } = [];

        protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
        {
            Targets = TargetClass.Nearest(target, images, labels, 9, threat).data<long>().ToArray();
            return images.clone();
        }
    }

    [Fact]
    public void A_class_that_the_network_does_not_have_is_an_error_that_says_so()
    {
        using var scope = NewDisposeScope();
        using var network = LinearNetwork.Random(4, 3, seed: 1);
        var attack = new Pgd(new PgdOptions { Target = TargetClass.Given(3) });
        var fault = Assert.Throws<InvalidOperationException>(() => attack.Perturb(
            network, full([1, 4], 0.5), zeros([1], dtype: ScalarType.Int64), ThreatModel.Linf(0.1)));
        Assert.Contains("an attack towards class 3 needs 4 classes or more; the network has 3", fault.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => TargetClass.Given(-1));
    }

    [Fact]
    public void Pgd_towards_a_class_is_descent_on_the_loss_with_that_class_for_a_label()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var aims = TargetClass.LeastLikely.Choose(network.call(images), labels);
        var options = new PgdOptions { Steps = 6, Keep = KeptPoint.Last, Target = TargetClass.LeastLikely, Start = Start.Clean };
        var points = new Pgd(options).Perturb(network, images, labels, ThreatModel.Linf(0.2));
        var expected = Pgd.Maximise(
            x => -nn.functional.cross_entropy(network.call(x), aims, reduction: nn.Reduction.Sum),
            images, images, ThreatModel.Linf(0.2), 0.05, 6);
        Compare.Same(expected, points, "points");
        Assert.True(AttackLosses.CrossEntropy(network.call(points), aims).lt(AttackLosses.CrossEntropy(network.call(images), aims))
            .all().item<bool>());
    }

    [Fact]
    public void Images_of_the_given_class_are_left_alone_and_the_others_come_to_be_of_it()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        foreach (var keep in Enum.GetValues<KeptPoint>().Where(keep => keep != KeptPoint.FirstBroken))
        {
            var options = new PgdOptions { Target = TargetClass.Given(1), Keep = keep, Steps = 40 };
            var points = new Pgd(options).Perturb(network, images, labels, ThreatModel.Linf(1));
            var its = labels.eq(1);
            Assert.InRange(its.sum().item<long>(), 1, 30);
            Compare.Same(its, points.eq(images).all(1), $"{keep}: left alone");
            Assert.True(network.call(points).argmax(1).eq(1).all().item<bool>(), $"{keep}: of the class");
        }
    }

    [Theory]
    [InlineData("pgd-20-least")]
    [InlineData("pgd-7x2-second")]
    [InlineData("pgd-20-to-3")]
    [InlineData("cw-30")]
    [InlineData("pgd-1000")]
    [InlineData("mi-fgsm-20")]
    [InlineData("deepfool")]
    [InlineData("cw-l2")]
    [InlineData("pgd-20@2/255")]
    [InlineData("pgd-20x5@0.003-least")]
    [InlineData("cw-30@2/255")]
    [InlineData("mi-fgsm-20@1/255")]
    public void The_catalog_knows_the_attack_by_its_name(string name) => Assert.Equal(name, AttackCatalog.ByName(name).Name);

    [Theory]
    [InlineData("pgd-20-most")]
    [InlineData("pgd-20-to")]
    [InlineData("pgd-20-to--1")]
    [InlineData("mi-fgsm")]
    [InlineData("mi-fgsm-0")]
    [InlineData("deepfool-3")]
    [InlineData("cw")]
    [InlineData("pgd-20@0")]
    [InlineData("pgd-20@2/0")]
    [InlineData("pgd-20@-1")]
    public void A_name_that_is_nearly_right_gets_the_list_of_those_known(string name) => Assert.Contains(
        "pgd-N-to-K, pgd-N@S, cw-N, mi-fgsm-N, deepfool, cw-l2,",
        Assert.Throws<ArgumentException>(() => AttackCatalog.ByName(name)).Message);

    // The two of the papers can run in one evaluation, and their rows say which is which.
    [Fact]
    public void The_row_of_a_report_says_step_size_start_and_iterate()
    {
        var options = new EvaluationOptions { Attacks = ["pgd-3@2/255", "pgd-3@0.003", "pgd-3", "mi-fgsm-4", "apgd-ce-2"] };
        var (network, images, labels) = Problem();
        using var noGrad = no_grad();
        var report = new RobustnessEvaluator(options).Evaluate(network, images.narrow(0, 0, 2), labels.narrow(0, 0, 2));
        Assert.Equal(
            [
                "3 steps of 2/255 from a random point; the first misclassified iterate counts",
                "3 steps of 0.003 from a random point; the first misclassified iterate counts",
                "3 steps of 2/255 from a random point; the first misclassified iterate counts",
                "4 steps of 2/255 from the clean image; the first misclassified iterate counts",
                "",
            ],
            report.Attacks.Select(attack => attack.Details));
    }

    [Fact]
    public void A_description_names_neither_a_compilers_function_nor_the_attacks_of_another_norm()
    {
        var own = new Pgd(new PgdOptions { Loss = (logits, labels) => AttackLosses.Margin(logits, labels) });
        Assert.EndsWith("own loss", own.Description, StringComparison.Ordinal);
        Assert.EndsWith("Margin", AttackCatalog.ByName("cw-30").Description, StringComparison.Ordinal);
        var (network, images, labels) = Problem();
        using var noGrad = no_grad();
        var right = network.call(images.narrow(0, 0, 1)).argmax(1);
        var options = new EvaluationOptions { Attacks = ["autoattack"], Threat = ThreatModel.Linf(0) };
        var settings = string.Join("\n", new RobustnessEvaluator(options).Evaluate(network, images.narrow(0, 0, 1), right).Settings);
        Assert.Contains("apgd-t", settings, StringComparison.Ordinal);
        Assert.DoesNotContain("LargerRadii = True", settings, StringComparison.Ordinal);
    }

    [Fact]
    public void The_margin_is_that_of_the_strongest_other_class()
    {
        Compare.Same(tensor(new double[] { -1, 6 }), AttackLosses.Margin(Logits, tensor(new[] { 0L, 0 })), "margins");
        Assert.True(double.IsNegativeInfinity(AttackLosses.Margin(zeros([1, 1]), zeros([1], dtype: ScalarType.Int64)).item<float>()));
    }

    private static (LinearNetwork Network, Tensor Images, Tensor Labels) Problem()
    {
        var (network, images, labels, _) = SmallestPerturbations.Problem(20, 4, seed: 3, euclidean: false, spread: 0.2);
        return (network, images, labels);
    }
}
