namespace Ard.Trainers.Tests.Evaluation;

public sealed class TransferMatrixTests
{
    [Fact]
    public void Examples_transfer_between_linear_networks_as_their_weights_say()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // Two classes on 10 values: a and its double decide alike; c by other values alone, so that what moves a does not move c.
        var direction = cat([ones([5]), zeros([5])]);
        LinearNetwork Of(Tensor weight) => new(stack([weight, -weight], 1), stack([weight.sum() * -0.5, weight.sum() * 0.5]));
        var (a, twice, c) = (Of(direction), Of(direction * 2), Of(1 - direction));
        using var generator = new Generator(3);
        var images = empty([60, 10]).uniform_(0.3, 0.7, generator);
        var labels = a.call(images).argmax(1);
        var threat = ThreatModel.Linf(0.04);
        var matrix = TransferMatrix.Evaluate([("a", a), ("twice", twice), ("c", c)], images, labels, new Fgsm(), threat, batchSize: 25);

        // By hand: a keeps the points further from its border than 5 · 0.04.
        var kept = images.narrow(1, 0, 5).sub(0.5).sum(1).abs().gt(0.2).data<bool>().ToArray();
        foreach (var (source, target) in new[] { (0, 0), (0, 1), (1, 0), (1, 1) })
            Assert.Equal(kept, matrix.Right[source][target]);
        Assert.InRange(matrix["a", "twice"], 0.1, 0.9);
        Assert.Equal(kept.Count(each => each) / 60.0, matrix["a", "twice"], 1e-12);
        Assert.Equal(matrix.Clean[0], matrix.Right[2][0]);
        Assert.Equal(matrix.Clean[2], matrix.Right[0][2]);
        Assert.Equal(1, matrix["c", "a"]);
        Assert.Contains("found a, twice, c", Assert.Throws<KeyNotFoundException>(() => matrix["a", "b"]).Message);
    }

    [Fact]
    public void The_diagonal_is_the_direct_attack_in_batches_of_any_size()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var attack = new Pgd(new PgdOptions { Steps = 5 });
        var options = new EvaluationOptions { Threat = EvaluationProblem.Threat, Attacks = [], MoreAttacks = [attack] };
        var report = new RobustnessEvaluator(options).Evaluate(network, images, labels);
        foreach (var batchSize in new[] { 7, 100 })
        {
            var matrix = TransferMatrix.Evaluate([("one", network)], images, labels, attack, options.Threat!, batchSize: batchSize);
            Assert.Equal(report.WorstCase.Correct, matrix.Right[0][0]);
            Assert.Equal(report.Clean.Correct, matrix.Clean[0]);
        }
        Assert.Contains("each of another name", Assert.Throws<ArgumentException>(() => TransferMatrix.Evaluate(
            [("one", network), ("one", network)], images, labels, attack, EvaluationProblem.Threat)).Message);
    }
}
