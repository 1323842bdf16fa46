using Ard.Trainers.Attacks;
using Ard.Trainers.Tests.Fixtures;
using FsCheck.Xunit;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Tests.Attacks;

/// <summary>The properties that every attack is held to, for FAB and Square on random networks, shapes, dtypes and budgets.</summary>
[Collection(GlobalRandomStateCollection.Name)]
public sealed class FabSquarePropertiesTests
{
    internal static readonly Attack[] Attacks =
    [
        new Fab(new FabOptions { Steps = 3 }),
        new Fab(new FabOptions { Steps = 3, Targeted = true, Restarts = 2 }),
        new Fab(new FabOptions { Steps = 4, Targeted = true, Targets = 2, StopWithinBudget = true, FinalSearch = 0 }),
        new Square(new SquareOptions { Queries = 20 }),
        new Square(new SquareOptions { Queries = 18, Restarts = 2, Share = 0.3 }),
    ];

    [Property(MaxTest = 60)]
    public void Points_stay_in_ball_and_box_for_any_shape_dtype_and_epsilon(Drawn drawn)
    {
        using var scope = NewDisposeScope();
        var random = new Case(drawn);
        var points = random.Attack.Perturb(random.Network, random.Images, random.Labels, random.Threat, random.Seed);
        Assert.Equal(random.Images.shape, points.shape);
        Assert.Equal(random.Images.dtype, points.dtype);
        Assert.InRange(points.min().to(ScalarType.Float64).item<double>(), 0, 1);
        Assert.InRange(points.max().to(ScalarType.Float64).item<double>(), 0, 1);
        Assert.InRange(random.Threat.Size(points, random.Images).max().item<double>(), 0, random.Threat.Epsilon + 1e-6);
        // What is misclassified unattacked is not touched; FAB moves a point only if that breaks it.
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
        Points_stay_in_ball_and_box_for_any_shape_dtype_and_epsilon(new Drawn(119, 41, 119, 73, 8, 0, 0, 1));

    [Property(MaxTest = 20)]
    public void The_same_seed_gives_the_same_bits_and_nothing_else_is_touched(Drawn drawn)
    {
        using var scope = NewDisposeScope();
        var random = new Case(drawn);
        var network = random.Network;
        network.train();
        network.modules().First(module => module is BatchNorm1d).eval();
        network.call(random.Images).sum().backward();
        var (images, randomState) = (random.Images.clone(), get_rng_state());
        var before = State(network);
        var first = random.Attack.Perturb(network, random.Images, random.Labels, random.Threat, random.Seed);
        foreach (var (mine, its) in before.Zip(State(network))) Compare.Same(mine, its, "parameter, gradient or buffer");
        Assert.Equal([true, true, true, false, true, true], network.modules().Prepend(network).Select(module => module.training).Take(6));
        Assert.All(network.parameters(), parameter => Assert.True(parameter.requires_grad));
        Compare.Same(randomState, get_rng_state(), "global random state");
        Compare.Same(images, random.Images, "images");
        Assert.False(first.requires_grad);
        Compare.Same(first, random.Attack.Perturb(network, random.Images, random.Labels, random.Threat, random.Seed), "second run");

        static Tensor[] State(Module network) =>
            [
                .. network.parameters().SelectMany(value => new[] { value.detach().clone(), value.grad!.clone() }),
                .. network.buffers().Select(value => value.clone()),
            ];
    }

    [Property(MaxTest = 20)]
    public void A_point_is_attacked_alike_in_every_batch(Drawn drawn)
    {
        using var scope = NewDisposeScope();
        var random = new Case(drawn);
        var images = random.Images.to(ScalarType.Float64);
        random.Network.to(ScalarType.Float64);
        var network = FunctionNetwork.RowByRow(random.Network.call);
        var whole = random.Attack.Perturb(network, images, random.Labels, random.Threat, random.Seed);
        for (var row = 0; row < images.shape[0]; row++)
        {
            var alone = random.Attack.Perturb(
                network, images.narrow(0, row, 1), random.Labels.narrow(0, row, 1), random.Threat, new PointNoise(random.Seed, [row]));
            Compare.Close(whole.narrow(0, row, 1), alone, 1e-9, $"point {row}");
        }
    }

    [Property(MaxTest = 15)]
    public void A_larger_budget_never_leaves_more_points_and_epsilon_0_returns_the_images(Drawn drawn)
    {
        using var scope = NewDisposeScope();
        var random = new Case(drawn);
        var threat = random.Threat;
        var images = random.Attack.Perturb(random.Network, random.Images, random.Labels, new ThreatModel(threat.Norm, 0), random.Seed);
        Compare.Same(random.Images, images, "epsilon 0");
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
        foreach (var threat in new[] { ThreatModel.Linf(0.3), ThreatModel.L2(0.8) })
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
        Assert.Contains("fab-t-N, square", Assert.Throws<ArgumentException>(() => AttackCatalog.ByName(name)).Message);

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

    /// <summary>The figures that FsCheck draws and shrinks; everything else follows from them.</summary>
    public sealed record Drawn(byte Count, byte Channels, byte Side, byte Classes, byte Epsilon, byte Kind, byte Attack, int Seed);

    /// <summary>A random network of two linear layers with batch normalisation, and a batch for it, half of which it gets right.</summary>
    private sealed class Case
    {
        public Case(Drawn drawn)
        {
            using var generator = new Generator(unchecked((ulong)drawn.Seed));
            var dtype = (drawn.Kind & 1) == 0 ? ScalarType.Float32 : ScalarType.Float64;
            long[] shape = [1 + drawn.Count % 5, 1 + drawn.Channels % 3, 1 + drawn.Side % 6, 1 + drawn.Side / 7 % 5];
            var outputs = 2 + drawn.Classes % 4;
            Images = empty(shape, dtype: dtype).uniform_(-0.3, 1.3, generator).clamp_(0, 1);
            var epsilon = (1 + drawn.Epsilon) / (drawn.Epsilon % 8 == 0 ? 40.0 : 1000.0);
            Threat = new ThreatModel((drawn.Kind & 2) == 0 ? Norm.Linf : Norm.L2, epsilon);
            Attack = Attacks[drawn.Attack % Attacks.Length];
            Seed = drawn.Seed;
            var inputs = shape[1] * shape[2] * shape[3];
            Network = Sequential(Flatten(), Linear(inputs, 6), BatchNorm1d(6), ReLU(), Linear(6, outputs)).to(dtype);
            using var noGrad = no_grad();
            foreach (var parameter in Network.parameters()) parameter.normal_(0, 1, generator);
            foreach (var buffer in Network.buffers().Where(buffer => buffer.is_floating_point())) buffer.uniform_(0.5, 2, generator);
            Network.eval();
            var random = empty([shape[0]], dtype: ScalarType.Float64).uniform_(0, outputs, generator).floor().to(ScalarType.Int64);
            Labels = where(random.eq(0), random, Network.call(Images).argmax(1));
        }

        public Tensor Images { get; }

        public Tensor Labels { get; }

        public ThreatModel Threat { get; }

        public Attack Attack { get; }

        public long Seed { get; }

        public Sequential Network { get; }
    }
}
