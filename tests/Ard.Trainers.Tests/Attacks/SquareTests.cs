namespace Ard.Trainers.Tests.Attacks;

public sealed class SquareTests
{
    [Theory]
    [InlineData(Norm.Linf)]
    [InlineData(Norm.L2)]
    [InlineData(Norm.L1)]
    public void On_a_linear_network_it_breaks_every_point_with_a_fifth_of_the_budget_to_spare_and_none_beyond_reach(Norm norm)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        // Two classes, images [1,side,side] far enough from the ends of [0,1] that the box plays no part. In Linf any weights will do that
        // small windows can follow, and the image is so large that the last row and column, which stay as they are drawn at the start,
        // hardly count; in L2 the attack adds up pairs of bumps, which noise cannot be made of: two bumps of opposite signs. In L1 two
        // values two rows apart, of opposite signs, as the smallest bumps have them.
        var side = norm switch { Norm.Linf => 24, Norm.L2 => 10, _ => 6 };
        var place = arange(side, dtype: ScalarType.Float64);
        var (row, column) = (place.reshape(side, 1), place.reshape(1, side));
        var slope = norm switch
        {
            Norm.Linf => empty([8, 1, 8, 1], dtype: ScalarType.Float64).normal_(0, 1, generator).expand(8, 3, 8, 3).reshape(side, side),
            Norm.L2 => (((row - 2).square() + (column - 2).square()) * -0.6).exp() * (row - 2.5),
            _ => row.eq(1).logical_or(row.eq(3)).logical_and(column.eq(2)).to(ScalarType.Float64) * (row - 2),
        };
        var weight = stack([slope.flatten(), zeros([side * side], dtype: ScalarType.Float64)], 1);
        var network = new LinearNetwork(weight, weight.sum([0L]) * -0.5);
        var images = empty([40, 1, side, side], dtype: ScalarType.Float64).uniform_(0.3, 0.7, generator);
        using var noGrad = no_grad();
        var logits = network.call(images);
        var labels = logits.argmax(1);
        var margins = (logits.select(1, 0) - logits.select(1, 1)).abs();
        var dual = norm switch { Norm.Linf => slope.abs().sum(), Norm.L2 => slope.square().sum().sqrt(), _ => slope.abs().amax() };
        var needed = (margins / dual).data<double>().ToArray();
        var epsilon = needed.Order().ElementAt(30);
        // In L1 what the start has put into the last row and column, 11 of 36 values, stays there.
        var spare = norm == Norm.L1 ? 1.25 * 36 / 25 : 1.25;
        var points = new Square(new SquareOptions { Queries = norm == Norm.Linf ? 5000 : 2000 })
            .Perturb(network, images, labels, new ThreatModel(norm, epsilon));
        var broken = network.call(points).argmax(1).ne(labels).data<bool>().ToArray();
        for (var i = 0; i < needed.Length; i++)
        {
            if (epsilon > needed[i] * spare) Assert.True(broken[i], $"point {i} needs {needed[i]} of {epsilon} and is not broken");
            if (epsilon < needed[i] * (1 - 1e-9)) Assert.False(broken[i], $"point {i} needs {needed[i]} of {epsilon} and is broken");
        }
        Assert.InRange(needed.Count(its => epsilon > its * spare), 10, 30);
    }

    [Theory]
    [InlineData(Norm.Linf)]
    [InlineData(Norm.L2)]
    [InlineData(Norm.L1)]
    public void It_spends_the_budget_and_queries_never_undo_what_was_won(Norm norm)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Bent();
        var threat = new ThreatModel(norm, norm switch { Norm.Linf => 0.02, Norm.L2 => 0.1, _ => 0.7 });
        Tensor? before = null;
        foreach (var queries in new[] { 1, 10, 60, 300 })
        {
            var points = new Square(new SquareOptions { Queries = queries }).Perturb(network, images, labels, threat, seed: 5);
            // The images lie away from the ends of [0,1].
            Compare.Close(full([20], threat.Epsilon), threat.Size(points, images), 1e-5, "sizes");
            using var noGrad = no_grad();
            var margin = Badness(network.call(points));
            if (before is not null) Assert.True(margin.ge(before).all().item<bool>(), $"{queries} queries");
            before = margin;
        }
        Assert.InRange(before!.gt(0).sum().item<long>(), 3, 18);

        Tensor Badness(Tensor logits) => where(logits.argmax(1).ne(labels), full([20], 1.0), AttackLosses.Margin(logits, labels));
    }

    [Fact]
    public void Every_try_changes_one_window_of_the_schedules_size_at_most()
    {
        using var scope = NewDisposeScope();
        var (_, images, labels) = Bent();
        // Never broken and of one margin, so that every query is seen and no change is taken.
        var never = new FunctionNetwork(x => zeros([x.shape[0], 2]) + tensor(new[] { 1f, 0 }));
        var calls = new RecordingNetwork(never);
        new Square(new SquareOptions { Queries = 300 }).Perturb(calls, images, zeros_like(labels), ThreatModel.Linf(0.1), seed: 1);
        Assert.Equal(302, calls.Calls.Count);
        var start = calls.Calls[1].Input;
        // Stripes: every column of a channel is of one colour.
        Compare.Close(full([20, 3, 8, 8], 0.1), (start - images).abs(), 1e-5, "start");
        Compare.Same((start - images).sign().narrow(2, 0, 1).expand(20, 3, 8, 8), (start - images).sign(), "stripes");
        foreach (var (query, side) in new[] { (0, 7), (10, 7), (11, 5), (51, 4), (201, 3) })
        {
            var changed = calls.Calls[2 + query].Input.ne(start).any(1);
            var (rows, columns) = (changed.any(2).sum(1), changed.any(1).sum(1));
            Assert.Equal(side, rows.max().item<long>());
            Assert.Equal(side, columns.max().item<long>());
            Assert.True(side == 7 || rows.eq(side).sum().item<long>() > 5, $"query {query}");
            // As in AutoAttack's code, the last row and column are never in it.
            Assert.False(changed.select(1, 7).any().item<bool>());
            Assert.False(changed.select(2, 7).any().item<bool>());
            if (side < 7) Assert.True(changed.select(1, 6).any().item<bool>() && changed.select(2, 6).any().item<bool>());
        }
    }

    [Fact]
    public void Broken_points_leave_and_misclassified_images_cost_one_pass()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Bent();
        var recorded = new RecordingNetwork(network);
        var attack = new Square(new SquareOptions { Queries = 320 });
        Compare.Same(images, attack.Perturb(recorded, images, (labels + 1) % 4, ThreatModel.L2(5)), "points");
        Assert.Single(recorded.Calls);
        recorded.Calls.Clear();
        var points = attack.Perturb(recorded, images, labels, ThreatModel.Linf(0.02));
        using var noGrad = no_grad();
        var robust = network.call(points).argmax(1).eq(labels).sum().item<long>();
        Assert.InRange(robust, 3, 17);
        Assert.Equal(robust, recorded.Calls[^1].Input.shape[0]);
        var counts = recorded.Calls.Select(call => call.Input.shape[0]).ToArray();
        Assert.Equal(counts.OrderDescending(), counts);
    }

    [Fact]
    public void Restarts_break_more_points_and_keep_those_broken()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Bent();
        var options = new SquareOptions { Queries = 5 };
        var (once, often) = (Broken(options), Broken(options with { Restarts = 8 }));
        Assert.All(once.Zip(often), pair => Assert.True(pair.Second || !pair.First));
        Assert.True(often.Count(broken => broken) > once.Count(broken => broken));

        bool[] Broken(SquareOptions settings)
        {
            var points = new Square(settings).Perturb(network, images, labels, ThreatModel.Linf(0.02), seed: 2);
            using var noGrad = no_grad();
            return network.call(points).argmax(1).ne(labels).data<bool>().ToArray();
        }
    }

    [CnnAFact]
    public void A_hundred_queries_break_many_of_the_points_that_the_recorded_5000_break_and_hardly_another()
    {
        foreach (var (name, threat, count) in Recorded)
        {
            using var scope = NewDisposeScope();
            var (robust, recorded) = Robust(name, threat, queries: 100);
            // Of the 146 that are right unattacked a quarter or more of those that the long run breaks.
            Assert.InRange(robust.sum().item<long>(), count + 1, 146 - (146 - count) / 4);
            Assert.InRange(robust.logical_not().logical_and(recorded).sum().item<long>(), 0, 2);
        }
    }

    private static (string Name, ThreatModel Threat, long Count)[] Recorded =>
    [
        ("linf8", ThreatModel.Linf(8.0 / 255), 61), ("linf2", ThreatModel.Linf(2.0 / 255), 123), ("l2_05", ThreatModel.L2(0.5), 111),
    ];

    private static (Tensor Robust, Tensor Recorded) Robust(string name, ThreatModel threat, int queries)
    {
        var (network, images, labels) = CnnATraceTests.Problem(ScalarType.Float32);
        var points = new Square(new SquareOptions { Queries = queries }).Perturb(network, images, labels, threat);
        using var noGrad = no_grad();
        var recorded = Fixture.Trace($"aa_cnn_a_{name}")["alone.square.robust"].to(ScalarType.Bool);
        return (network.call(points).argmax(1).eq(labels), recorded);
    }

    // A network with a bend, 20 images [3,8,8] in the middle of [0,1], all of which it gets right.
    private static (FunctionNetwork Network, Tensor Images, Tensor Labels) Bent()
    {
        using var generator = new Generator(6);
        var (first, second) = (empty([192, 30]).normal_(0, 0.5, generator), empty([30, 4]).normal_(0, 1, generator));
        var network = new FunctionNetwork(x => (x.flatten(1).sub(0.5).matmul(first)).tanh().matmul(second));
        var images = empty([20, 3, 8, 8]).uniform_(0.3, 0.7, generator);
        return (network, images, network.call(images).argmax(1));
    }
}
