namespace Ard.Trainers.Tests.Evaluation;

public sealed class RobustnessCurveTests
{
    [Fact]
    public void On_a_linear_network_the_curve_is_that_of_the_margins()
    {
        using var scope = NewDisposeScope();
        // Two classes: the point moves to the other side at margin / the dual norm of the difference of the weights.
        using var generator = new Generator(4);
        var weight = empty([12, 2], dtype: ScalarType.Float64).normal_(0, 1, generator);
        var network = new LinearNetwork(weight, weight.sum(dim: 0) * -0.5);
        var images = empty([200, 12], dtype: ScalarType.Float64).uniform_(0.3, 0.7, generator);
        using var noGrad = no_grad();
        var logits = network.call(images);
        var labels = logits.argmax(1);
        var distance = Difference(logits).abs() / Difference(network.Weight).abs().sum();
        var curve = RobustnessCurve.Evaluate(
            network, images, labels, [0.1, 0, 0.02, 0.05, 0.25], new EvaluationOptions { Attacks = ["fgsm"], BatchSize = 32 });
        Assert.Equal([0, 0.02, 0.05, 0.1, 0.25], curve.Points.Select(point => point.Epsilon));
        foreach (var point in curve.Points)
            Assert.Equal(distance.gt(point.Epsilon).data<bool>().ToArray(), point.Correct);
        Assert.Equal(1, curve.Points[0].Accuracy);
        Assert.InRange(curve.Points[2].Accuracy, 0.2, 0.8);
        Assert.InRange(curve.Points[2].Accuracy, curve.Points[2].Interval.Low, curve.Points[2].Interval.High);

        static Tensor Difference(Tensor columns) => columns.select(1, 0) - columns.select(1, 1);
    }

    [Fact]
    public void Only_the_survivors_are_attacked_again_with_their_own_noise_and_a_point_once_broken_stays_broken()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var options = new EvaluationOptions { Attacks = ["pgd-5"], CheckNetwork = false };
        var attacked = new List<int>();
        var curve = RobustnessCurve.Evaluate(network, images, labels, [0.01, 0.02, 0.03], options, new Heard(attacked));
        Assert.Equal([50, .. curve.Points.SkipLast(1).Select(point => point.Correct.Count(each => each))], attacked);
        foreach (var (before, after) in curve.Points.Zip(curve.Points.Skip(1)))
            Assert.DoesNotContain(before.Correct.Zip(after.Correct), pair => pair.Second && !pair.First);
        // A survivor has the noise of its place among all images: what random noise alone breaks it breaks here too.
        options = options with { Attacks = [], MoreAttacks = [new NoiseAttack()] };
        curve = RobustnessCurve.Evaluate(network, images, labels, [0.2, 0.5], options);
        var alone = new RobustnessEvaluator(options with { Threat = ThreatModel.Linf(0.5) }).Evaluate(network, images, labels);
        Assert.Equal(alone.WorstCase.Correct.Zip(curve.Points[0].Correct, (there, here) => there && here), curve.Points[1].Correct);
        // Both broke some.
        Assert.True(curve.Points[1].Accuracy < curve.Points[0].Accuracy && curve.Points[0].Accuracy < alone.Clean.Accuracy);
    }

    [Fact]
    public void A_stopped_curve_goes_on_from_its_state_files_and_wrong_budgets_are_refused()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var options = new EvaluationOptions { Attacks = ["pgd-5"], BatchSize = 20, StateFile = EvaluationProblem.File("curve") };
        var passes = 0;
        var watched = new WatchedNetwork(network, () => passes++);
        var first = RobustnessCurve.Evaluate(watched, images, labels, [0.01, 0.02], options);
        var after = passes;
        var again = RobustnessCurve.Evaluate(watched, images, labels, [0.01, 0.02], options);
        Assert.Equal(after, passes);
        Assert.Equal(first.Points.Select(point => point.Accuracy), again.Points.Select(point => point.Accuracy));
        foreach (var wrong in new double[][] { [], [0.1, 0.1], [-1], [double.NaN] })
            Assert.ThrowsAny<ArgumentException>(() => RobustnessCurve.Evaluate(network, images, labels, wrong));
    }

    /// <summary>How many images each budget began with.</summary>
    private sealed class Heard(List<int> totals) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value)
        {
            if (value.Attack == "clean") totals.Add(value.Total);
        }
    }

    [Fact]
    public void A_curve_is_of_all_images_and_says_so_to_a_shard()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        Assert.Contains("Shard is 1 of 2, expected none", Assert.Throws<ArgumentException>(() => RobustnessCurve.Evaluate(
            network, images, labels, [0.01], new() { Attacks = ["fgsm"], Shard = new(1, 2) })).Message);
    }
}
