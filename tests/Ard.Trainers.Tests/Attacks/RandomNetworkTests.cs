namespace Ard.Trainers.Tests.Attacks;

/// <summary>APGD with 20 samples on a network whose outputs are random, against AutoAttack's (make_random_network_fixture.py).</summary>
public sealed class RandomNetworkTests
{
    private const int Draws = 20, Count = 60;

    private static readonly ThreatModel Threat = ThreatModel.Linf(0.04);
    private static readonly Fixture Trace = Fixture.Beside("random_network.safetensors");

    [Theory]
    [InlineData("ce", ApgdLoss.CrossEntropy)]
    [InlineData("dlr", ApgdLoss.Dlr)]
    public void It_takes_the_originals_steps_and_breaks_at_least_what_that_breaks_by_the_mean_of_many_passes(string name, ApgdLoss loss)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var network = new RecordingNetwork(Network());
        var apgd = Attack.Eot(new Apgd(new ApgdOptions { Loss = loss, Steps = 20, Start = Trace["start"] }), Draws);
        var points = apgd.Perturb(network, Trace["images"], Trace["labels"], Threat);
        for (var step = 0; step < 5; step++)
            Compare.Close(Trace[$"{name}.step{step}"], network.Calls[step * Draws].Input, 1e-5, $"step {step}");
        var broken = Classes(Network(), points).ne(Trace["labels"]);
        Assert.InRange(broken.sum().item<long>(), Trace[$"{name}.broken"].sum().item<long>(), Count / 2);
        var theirs = Classes(Network(), Trace[$"{name}.adversarial"]).ne(Trace["labels"]);
        Compare.Same(Trace[$"{name}.broken"], theirs.to(ScalarType.Int64), "theirs");
    }

    [Fact]
    public void An_image_is_judged_by_the_mean_of_as_many_passes_clean_and_attacked()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var rand = new AttackSequence("rand", [Attack.Eot(new Apgd(new ApgdOptions { Steps = 20 }), Draws)]);
        var options = new EvaluationOptions
        {
            Threat = Threat,
            Attacks = [],
            MoreAttacks = [rand],
            CheckNetwork = false,
            ExamplesFile = Evaluation.EvaluationProblem.File("examples"),
        };
        var report = new RobustnessEvaluator(options).Evaluate(Network(), Trace["images"], Trace["labels"]);
        // By one pass some would be wrong.
        Assert.Equal(Count, report.Clean.CorrectCount);
        Assert.NotEqual(Count, Network().call(Trace["images"]).argmax(1).eq(Trace["labels"]).sum().item<long>());
        Assert.InRange(report.WorstCase.CorrectCount, 1, Count - Trace["ce.broken"].sum().item<long>());
        var points = Ard.Trainers.Checkpoints.Safetensors.Read(options.ExamplesFile)["points"];
        var right = Classes(Network(), points).eq(Trace["labels"]).data<bool>().ToArray();
        Assert.Equal(right, report.WorstCase.Correct);
        var alone = rand.Run(Network(), Trace["images"], Trace["labels"], Threat);
        Assert.Equal(right.Count(each => each), alone.Each.Count(each => each.IsRight));
    }

    // Draws its noise from a table in turn, so that 20 passes have the same mean whichever comes first.
    private static FunctionNetwork Network()
    {
        var call = 0;
        return new FunctionNetwork(x => (x - 0.5 + Trace["noise"][call++ % Draws]).matmul(Trace["first"]).tanh().matmul(Trace["second"]));
    }

    private static Tensor Classes(FunctionNetwork network, Tensor points) =>
        Enumerable.Range(0, Draws).Select(_ => network.call(points).softmax(1)).Aggregate((sum, each) => sum + each).argmax(1);
}
