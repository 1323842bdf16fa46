namespace Ard.Trainers.Tests.Attacks;

public sealed class TransferTests
{
    private static readonly ThreatModel Threat = ThreatModel.Linf(0.1);

    [Fact]
    public void The_points_are_those_that_the_attack_finds_on_the_surrogate_and_the_network_itself_is_not_asked()
    {
        using var scope = NewDisposeScope();
        var (surrogate, images, labels, _) = SmallestPerturbations.Problem(20, 4, seed: 3, euclidean: false, spread: 0.2);
        var network = new RecordingNetwork(LinearNetwork.Random(20, 4, seed: 9, ScalarType.Float64));
        surrogate.train();
        foreach (var attack in new Attack[] { new Pgd(), Attack.MiFgsm(), new Apgd(), new DeepFool() })
        {
            var points = new Transfer(attack, surrogate).Perturb(network, images, labels, Threat, seed: 4);
            Compare.Same(attack.Perturb(surrogate, images, labels, Threat, seed: 4), points, attack.Name);
        }
        Assert.Empty(network.Calls);
        Assert.True(surrogate.training);
    }

    [Fact]
    public void A_transferred_attack_stands_beside_the_direct_one_in_an_evaluation_under_its_own_name()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, _) = SmallestPerturbations.Problem(20, 4, seed: 3, euclidean: false, spread: 0.2);
        // The same network, and one that has nothing to do with it.
        var stranger = LinearNetwork.Random(20, 4, seed: 9, ScalarType.Float64);
        var evaluator = new RobustnessEvaluator(new EvaluationOptions
        {
            Threat = ThreatModel.Linf(0.05),
            Attacks = ["pgd-20"],
            MoreAttacks = [new Transfer(new Pgd(), network), new Transfer(new Pgd(), stranger, "stranger")],
        });
        var report = evaluator.Evaluate(network, images, labels);
        Assert.Equal(["pgd-20", "transfer(pgd-20)", "transfer(pgd-20, stranger)"], report.Attacks.Select(attack => attack.Name));
        Assert.Equal(report["pgd-20"].CorrectCount, report["transfer(pgd-20)"].CorrectCount);
        Assert.True(report["transfer(pgd-20, stranger)"].CorrectCount > report["pgd-20"].CorrectCount);
        // How often each agrees with the network, of all images.
        var same = network.call(images).argmax(1).eq(stranger.call(images).argmax(1)).to(ScalarType.Float64).mean().item<double>();
        Assert.InRange(same, 0.05, 0.95);
        Assert.Equal([null, 1, same], report.Attacks.Select(attack => attack.SurrogateAgreement));
        Assert.Contains(
            $"\"surrogateAgreement\": {same.ToString(CultureInfo.InvariantCulture)}", EvaluationSummary.Create(report).ToJson());
        // A shard's own images.
        var shard = new RobustnessEvaluator(evaluator.Options with { Shard = new(2, 2), BatchSize = 15 }).Evaluate(network, images, labels);
        Assert.Equal(1, shard.Attacks[1].SurrogateAgreement);
    }

    [Fact]
    public void It_stops_within_the_attack_on_the_surrogate_when_asked()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, _) = SmallestPerturbations.Problem(20, 4, seed: 3, euclidean: false, spread: 0.2);
        foreach (var attack in new Attack[] { new Pgd(), new AttackSequence("two", [new Fgsm(), new Pgd()]) })
        {
            using var stop = new CancellationTokenSource();
            var passes = 0;
            var surrogate = new FunctionNetwork(x =>
            {
                if (++passes == 3) stop.Cancel();
                return network.call(x);
            });
            Assert.Throws<OperationCanceledException>(
                () => new Transfer(attack, surrogate).Run(network, images, labels, Threat, cancellation: stop.Token));
            Assert.Equal(3, passes);
        }
    }

    [Fact]
    public void A_surrogate_of_another_dtype_is_named()
    {
        using var network = LinearNetwork.Random(4, 3, seed: 1);
        using var surrogate = LinearNetwork.Random(4, 3, seed: 2, ScalarType.Float64);
        var message = Assert.Throws<ArgumentException>(() => new Transfer(new Pgd(), surrogate).Perturb(
            network, full([1, 4], 0.5), zeros([1], dtype: ScalarType.Int64), Threat)).Message;
        Assert.Contains("pgd-20: the network is Float64, expected Float32", message);
    }
}
