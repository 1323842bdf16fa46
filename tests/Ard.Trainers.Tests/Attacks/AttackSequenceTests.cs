namespace Ard.Trainers.Tests.Attacks;

public sealed class AttackSequenceTests
{
    private static readonly ThreatModel Threat = ThreatModel.Linf(0.05);

    [Fact]
    public void Each_attack_gets_the_points_that_are_still_right_and_the_first_to_break_one_is_named()
    {
        using var scope = NewDisposeScope();
        // The first value names the image, the second decides: class 1 above 0.52. Five images have the wrong label from the beginning.
        var images = stack([arange(40, dtype: ScalarType.Float64) / 64, full([40], 0.5, dtype: ScalarType.Float64)], 1);
        var labels = arange(40).lt(5).to(ScalarType.Int64);
        var network = new FunctionNetwork(x => stack([full_like(x.select(1, 1), 0.52), x.select(1, 1)], 1));
        var even = new Breaker("even", row => row % 2 == 0);
        var third = new Breaker("third", row => row % 3 == 0);
        var none = new Breaker("none", _ => false);
        var report = new AttackSequence("three", [even, third, none], batchSize: 8).Run(network, images, labels, Threat);
        Assert.Equal(Enumerable.Range(5, 35), even.Rows);
        Assert.Equal(Enumerable.Range(5, 35).Where(row => row % 2 == 1), third.Rows);
        Assert.Equal(Enumerable.Range(5, 35).Where(row => row % 2 == 1 && row % 3 != 0), none.Rows);
        for (var row = 0; row < 40; row++)
        {
            var point = report.Each[row];
            Assert.Equal(row >= 5, point.WasRight);
            Assert.Equal(row < 5 ? null : row % 2 == 0 ? "even" : row % 3 == 0 ? "third" : null, point.BrokenBy);
            Assert.Equal(point.BrokenBy is null ? 0 : 0.05, point.Size, 1e-9);
        }
        Assert.Equal(35, report.Each.Count(point => point.WasRight));
        Assert.Equal(none.Rows.Count, report.Each.Count(point => point.IsRight));
        Assert.Equal(third.Rows.Count, report.Each.Count(point => point.WasRight && point.BrokenBy != "even"));
    }

    [Fact]
    public void A_sequence_finds_the_same_in_batches_of_any_size_and_as_an_attack()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = ApgdTests.Problem();
        Attack[] attacks =
        [
            new Apgd(new ApgdOptions { Steps = 5 }), new Apgd(new ApgdOptions { Steps = 8, Loss = ApgdLoss.TargetedDlr, Targets = 3 }),
        ];
        var whole = new AttackSequence("whole", attacks);
        var report = whole.Run(network, images, labels, Threat, seed: 3);
        Assert.InRange(report.Each.Count(point => point.IsRight), 2, 38);
        var small = new AttackSequence("small", attacks, batchSize: 3).Run(network, images, labels, Threat, seed: 3);
        Compare.Close(report.Points, small.Points, 1e-9, "batches of 3");
        Assert.Equal(report.Each.Select(point => point.BrokenBy), small.Each.Select(point => point.BrokenBy));
        Assert.Equal(report.Each.Select(point => point.ForwardPasses), small.Each.Select(point => point.ForwardPasses));
        Compare.Same(report.Points, whole.Perturb(network, images, labels, Threat, seed: 3), "as an attack");
    }

    [Fact]
    public void One_point_no_point_all_misclassified_and_epsilon_0_give_the_right_figures()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = ApgdTests.Problem();
        var standard = AutoAttack.Standard;
        var one = standard.Run(network, images.narrow(0, 0, 1), labels.narrow(0, 0, 1), ThreatModel.Linf(1)).Each;
        Assert.Equal((true, false), (Assert.Single(one).WasRight, one[0].IsRight));
        Assert.Empty(standard.Run(network, images.narrow(0, 0, 0), labels.narrow(0, 0, 0), Threat).Each);
        var wrong = standard.Run(network, images, (labels + 1).remainder(4), Threat);
        Assert.DoesNotContain(wrong.Each, point => point.WasRight || point.IsRight);
        Compare.Same(images, wrong.Points, "points that were wrong from the beginning");
        Assert.All(wrong.Each, point => Assert.Equal((1L, 0L), (point.ForwardPasses, point.BackwardPasses)));
        var still = standard.Run(network, images, labels, ThreatModel.L2(0));
        Assert.All(still.Each, point => Assert.True(point.WasRight && point.IsRight));
        Compare.Same(images, still.Points, "epsilon 0");
    }

    [Fact]
    public void No_point_is_robust_that_one_of_the_attacks_breaks_alone()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = ApgdTests.Problem(classes: 4);
        (images, labels) = (images.narrow(0, 4, 8), labels.narrow(0, 4, 8));
        foreach (var norm in AutoAttack.Standard.Norms)
        {
            var threat = new ThreatModel(norm, norm switch { Norm.Linf => 0.02, Norm.L2 => 0.06, _ => 0.12 });
            var report = AutoAttack.Standard.Run(network, images, labels, threat);
            var robust = report.Each.Select(point => point.IsRight).ToArray();
            Assert.InRange(robust.Count(each => each), 1, 7);
            foreach (var attack in AutoAttack.Standard.Parts(norm))
            {
                var points = attack.Perturb(network, images, labels, threat);
                var right = network.call(points).argmax(1).eq(labels).data<bool>().ToArray();
                Assert.DoesNotContain(robust.Zip(right), pair => pair.First && !pair.Second);
            }
        }
    }

    [Fact]
    public void The_versions_are_those_of_the_reference_implementation()
    {
        Assert.Equal(["apgd-ce", "apgd-t", "fab-t", "square"], Names(AutoAttack.Standard, Norm.Linf));
        Assert.Equal(["apgd-ce-100x5", "apgd-t", "fab-t", "square"], Names(AutoAttack.Standard, Norm.L1));
        Assert.Equal(
            ["apgd-ce-100x5", "apgd-dlr-100x5", "fab-100x5", "square", "apgd-t", "fab-t"], Names(AutoAttack.Plus, Norm.L2));
        Assert.Equal(["apgd-ce+eot-20", "apgd-dlr+eot-20"], Names(AutoAttack.Rand, Norm.Linf));
        Assert.Equal([Norm.Linf, Norm.L2], AutoAttack.Plus.Norms);
        foreach (var name in new[] { "autoattack", "autoattack-plus", "autoattack-rand" })
            Assert.Equal(name, AttackCatalog.ByName(name).Name);

        static IEnumerable<string> Names(Attack version, Norm norm) => version.Parts(norm).Select(attack => attack.Name);
    }

    [Fact]
    public void A_sequence_of_your_own_can_do_what_all_its_attacks_can_and_names_its_faults()
    {
        Assert.Equal([Norm.Linf, Norm.L2], new AttackSequence("a", [new Apgd(), new Fgsm()]).Norms);
        var message = Assert.Throws<ArgumentException>(() => new AttackSequence("mine", [new Fgsm(), new Fgsm()], batchSize: 0)).Message;
        Assert.Contains("mine: the attack 'fgsm' is named twice; batchSize is 0", message);
        Assert.Contains("there is no attack", Assert.Throws<ArgumentException>(() => new AttackSequence("none", [])).Message);
        Assert.Contains("there is no norm that all attacks can do", Assert.Throws<ArgumentException>(
            () => new AttackSequence("apart", [new CarliniWagner(), new RayS()])).Message);
    }

    [Fact]
    public void It_stops_within_an_attack_when_asked()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = ApgdTests.Problem();
        using var stop = new CancellationTokenSource();
        var passes = 0;
        var stopping = new FunctionNetwork(x =>
        {
            if (++passes == 7) stop.Cancel();
            return network.call(x);
        });
        var attack = new AttackSequence("two", [new Fgsm(), new Apgd()], batchSize: 15);
        Assert.Throws<OperationCanceledException>(() => attack.Run(stopping, images, labels, Threat, cancellation: stop.Token));
        Assert.Equal(7, passes);
    }

    /// <summary>Moves the images of given rows up by 0.05.</summary>
    private sealed class Breaker(string name, Func<int, bool> breaks) : Attack
    {
        public override string Name => name;

        public List<int> Rows { get; } = [];

        protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
        {
            var rows = images.select(1, 0).mul(64).data<double>().Select(row => (int)row).ToArray();
            Rows.AddRange(rows);
            var moves = tensor(rows.Select(row => breaks(row) ? 0.05 : 0).ToArray());
            return stack([images.select(1, 0), images.select(1, 1) + moves], 1);
        }
    }
}
