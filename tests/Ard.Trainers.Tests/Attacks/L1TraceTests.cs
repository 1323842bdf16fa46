namespace Ard.Trainers.Tests.Attacks;

/// <summary>FAB and Square in L1, step by step, against AutoAttack's (make_l1_fixtures.py).</summary>
public sealed class L1TraceTests
{
    private static readonly Fixture Trace = Fixture.Beside("l1_steps.safetensors");

    [Fact]
    public void Fab_aimed_at_the_runner_up_takes_the_originals_steps()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var network = new FunctionNetwork(x => (x - 0.5).matmul(Trace["fab.first"]).tanh().matmul(Trace["fab.second"]));
        var recorded = new RecordingNetwork(network);
        var (images, labels) = (Trace["fab.images"], Trace["fab.labels"]);
        var threat = ThreatModel.L1(1000);
        var options = new FabOptions { Targeted = true, Targets = 1, Steps = 10, FinalSearch = 0 };
        var points = new Fab(options).Perturb(recorded, images, labels, threat);
        // The clean images; then in each step the point that the gradient is taken at and the next one.
        for (var step = 0; step < 10; step++)
            Compare.Close(Trace[$"fab.step{step}"], recorded.Calls[2 + 2 * step].Input, 1e-4, $"step {step}");
        Compare.Close(Trace["fab.sizes"], threat.Size(points, images), 1e-4, "sizes");
    }

    [Fact]
    public void Square_makes_of_the_originals_draws_the_originals_points()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (points, images) = (Trace["square.points"], Trace["square.images"]);
        var windows = SquareWindows.Create(ThreatModel.L1(Trace["square.epsilon"].item<float>()), images.shape);
        var (start, draws) = (Trace["square.start"], Trace["square.draws"]);
        var numbers = cat([Sign(start.select(1, 0)), start.narrow(1, 1, 2).t().flatten()]).unsqueeze(0);
        Compare.Close(points.narrow(0, 0, 1), windows.Start(images, numbers), 1e-5, "start");
        for (var query = 0; query < draws.shape[0]; query++)
        {
            var share = 0.8 / (query > 50 ? 4 : query > 10 ? 2 : 1);
            var side = query > 50 ? 5 : query > 10 ? 7 : 9;
            var places = Math.Max(images.shape[^1] - side, 1);
            // A number in the middle of those that stand for the place.
            var place = (draws[query].narrow(0, 0, 4) + 0.5) * (2.0 / places) - 1;
            numbers = cat([place, Sign(draws[query].narrow(0, 4, 1)), draws[query].narrow(0, 5, 2)]).unsqueeze(0);
            var next = windows.Step(points.narrow(0, query, 1), images, share, numbers);
            Compare.Close(points.narrow(0, query + 1, 1), next, 1e-5, $"query {query}");
        }

        // 1 for turned and -1 for upright, from 1 and 0.
        static Tensor Sign(Tensor turned) => turned * 2 - 1;
    }

    [CnnAFact]
    [Trait("Category", "Long")]
    public void Fab_t_leaves_the_points_robust_that_the_recorded_run_leaves()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var recorded = Fixture.Beside("aa_cnn_a_l1_6.safetensors");
        var (network, images, labels) = CnnATraceTests.Problem(ScalarType.Float32);
        (images, labels) = (images.narrow(0, 0, 64), labels.narrow(0, 0, 64));
        var options = new FabOptions { Targeted = true, FinalSearch = 0, StopWithinBudget = true };
        var points = new Fab(options).Perturb(network, images, labels, ThreatModel.L1(recorded["eps"].item<float>()));
        var robust = network.call(points).argmax(1).eq(labels);
        var expected = recorded["alone.fab-t.robust"].to(ScalarType.Bool).narrow(0, 0, 64);
        Assert.InRange(robust.eq(expected).sum().item<long>(), 62, 64);
        Assert.InRange(expected.sum().item<long>(), 2, 20);
    }
}
