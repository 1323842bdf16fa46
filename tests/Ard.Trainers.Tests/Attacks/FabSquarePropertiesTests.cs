namespace Ard.Trainers.Tests.Attacks;

/// <summary>
/// What FAB and Square are held to besides what every attack is (<see cref="AttackPropertiesTests"/>), on random networks, shapes, dtypes
/// and budgets.
/// </summary>
public sealed class FabSquarePropertiesTests
{
    internal static readonly (Attack Attack, int Classes)[] Attacks =
    [
        (new Fab(new FabOptions { Steps = 3 }), 2),
        (new Fab(new FabOptions { Steps = 3, Targeted = true, Restarts = 2 }), 2),
        (new Fab(new FabOptions { Steps = 4, Targeted = true, Targets = 2, StopWithinBudget = true, FinalSearch = 0 }), 2),
        (new Square(new SquareOptions { Queries = 20 }), 2),
        (new Square(new SquareOptions { Queries = 18, Restarts = 2, Share = 0.3 }), 2),
    ];

    [Property(MaxTest = 60)]
    public void An_image_is_moved_only_where_the_network_is_right_and_by_Fab_only_to_break_it(Drawn drawn)
    {
        using var scope = NewDisposeScope();
        var random = new RandomCase(drawn, Attacks, halfRight: true);
        var points = random.Attack.Perturb(random.Network, random.Images, random.Labels, random.Threat, random.Seed);
        random.Network.eval();
        using var noGrad = no_grad();
        var moved = points.ne(random.Images).flatten(1).any(1);
        Assert.False(moved.logical_and(random.Network.call(random.Images).argmax(1).ne(random.Labels)).any().item<bool>());
        if (random.Attack is not Fab) return;
        // Its points lie on the boundary, where the rounding of another batch may give the label a lead; more than that it must not have.
        var logits = random.Network.call(points);
        var rounding = logits.abs().amax([1]) * (logits.dtype == ScalarType.Float32 ? 1e-6 : 1e-14);
        Assert.False(moved.logical_and(AttackLosses.Margin(logits, random.Labels).neg().gt(rounding)).any().item<bool>());
    }

    [Fact]
    public void A_point_that_rounding_gives_back_to_its_label_is_no_fault() =>
        An_image_is_moved_only_where_the_network_is_right_and_by_Fab_only_to_break_it(new Drawn(119, 41, 119, 73, 8, 0, 0, 1));

    [Property(MaxTest = 15)]
    public void A_larger_budget_of_Fab_never_leaves_more_points(Drawn drawn)
    {
        using var scope = NewDisposeScope();
        var random = new RandomCase(drawn, Attacks, halfRight: true);
        var threat = random.Threat;
        // One run from the clean image is the same whatever the budget. Square takes other points with another one.
        var attack = new Fab(new FabOptions { Steps = 5 });
        Assert.All(Broken(threat.Epsilon).Zip(Broken(threat.Epsilon * 1.5)), pair => Assert.True(pair.Second || !pair.First));

        bool[] Broken(double epsilon)
        {
            var points = attack.Perturb(random.Network, random.Images, random.Labels, new ThreatModel(threat.Norm, epsilon), random.Seed);
            using var noGrad = no_grad();
            return random.Network.call(points).argmax(1).ne(random.Labels).data<bool>().ToArray();
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void An_empty_batch_and_points_of_one_dimension_work_without_a_leak(string name, string canonical)
    {
        var attack = AttackCatalog.ByName(name);
        Assert.Equal(canonical, attack.Name);
        using var network = LinearNetwork.Random(4, 3, seed: 1);
        var none = attack.Perturb(network, zeros([0, 1, 2, 2]), zeros([0], dtype: ScalarType.Int64), ThreatModel.Linf(0.1));
        Assert.Equal([0, 1, 2, 2], none.shape);
        foreach (var threat in new[] { ThreatModel.Linf(0.3), ThreatModel.L2(0.8), ThreatModel.L1(1.6) })
        {
            using var noGrad = no_grad();
            using var images = full([3, 4], 0.4);
            // Of the three labels one is that of the network.
            using var labels = tensor(new[] { 0L, 1, 2 });
            attack.Perturb(network, images, labels, threat).Dispose();
            using var scope = NewDisposeScope();
            using var points = attack.Perturb(network, images, labels, threat);
            Assert.Equal(1, scope.DisposablesCount);
            Assert.False(points.eq(images).all().item<bool>());
        }
    }

    public static TheoryData<string, string> Names => new()
    {
        { "fab-4", "fab-4" }, { "FAB-T", "fab-t" }, { "fab-t-3", "fab-t-3" }, { "fab-100", "fab" }, { "square-20", "square-20" },
        { "square-5000", "square" },
    };

    [Theory]
    [InlineData("fab-t-0")]
    [InlineData("fab-x")]
    [InlineData("fab-t-2-3")]
    [InlineData("square-")]
    public void Other_names_are_refused(string name) =>
        Assert.Contains("fab-t-N, fmn", Assert.Throws<ArgumentException>(() => AttackCatalog.ByName(name)).Message);

    [Fact]
    public void Every_fault_of_the_options_is_named_in_one_message()
    {
        var fab = new FabOptions { Targets = 0, Steps = 0, Restarts = 0, AlphaMax = 2, Eta = 0.9, Beta = 1, FinalSearch = -1 };
        var message = Assert.Throws<ArgumentException>(() => new Fab(fab)).Message;
        Assert.All(
            new[] { "Targets is 0", "Steps is 0", "Restarts is 0", "AlphaMax is 2", "Eta is 0.9", "Beta is 1", "FinalSearch is -1" },
            fault => Assert.Contains(fault, message));
        message = Assert.Throws<ArgumentException>(() => new Square(new SquareOptions { Queries = 0, Restarts = 0, Share = 1.5 })).Message;
        Assert.All(new[] { "Queries is 0", "Restarts is 0", "Share is 1.5" }, fault => Assert.Contains(fault, message));
    }
}
