namespace Ard.Trainers.Tests.Attacks;

/// <summary>The properties that every attack is held to, on random networks, shapes, dtypes and budgets.</summary>
[Collection(GlobalRandomStateCollection.Name)]
public sealed class AttackPropertiesTests
{
    private static readonly Tensor OneToSix = arange(1, 7).DetachFromDisposeScope();

    // With the number of classes that the attack needs.
    internal static readonly (Attack Attack, int Classes)[] Attacks =
    [
        (new Fgsm(), 2),
        (new Pgd(new PgdOptions { Steps = 4 }), 2),
        (new Pgd(new PgdOptions { Steps = 3, Restarts = 2, Keep = KeptPoint.FirstBroken, Start = Start.UniformUnclamped }), 2),
        (new Pgd(new PgdOptions { Steps = 3, Keep = KeptPoint.Last, Start = Start.Gaussian(0.05), StepSize = 0.1 }), 2),
        (new Pgd(new PgdOptions { Steps = 2, Start = Start.Clean }), 2),
        (new Pgd(new PgdOptions { Steps = 3, Target = TargetClass.LeastLikely, Loss = AttackLosses.Margin }), 2),
        (new Pgd(new PgdOptions { Steps = 3, Target = TargetClass.Given(1), Keep = KeptPoint.Last, Restarts = 2 }), 2),
        (new Pgd(new PgdOptions { Steps = 4, Momentum = 0.7, Keep = KeptPoint.FirstBroken, Restarts = 2 }), 2),
        (Attack.MiFgsm(4), 2),
        (new DeepFool(new DeepFoolOptions { Iterations = 5 }), 2),
        (new CarliniWagner(new CarliniWagnerOptions { Steps = 8, Searches = 3, InitialWeight = 1, LearningRate = 0.1 }), 2),
        (new CarliniWagner(new CarliniWagnerOptions { Steps = 5, Searches = 2, InitialWeight = 10, StopWithinBudget = true }), 2),
        (new Transfer(new Pgd(new PgdOptions { Steps = 3 }), new FunctionNetwork(
            x => (x.flatten(1).sum(1, keepdim: true) * OneToSix.to(x.dtype)).sin())), 2),
        (new Apgd(new ApgdOptions { Steps = 9 }), 2),
        (new Apgd(new ApgdOptions { Steps = 1 }), 2),
        (new Apgd(new ApgdOptions { Steps = 12, Restarts = 2, Keep = KeptPoint.Worst }), 2),
        (new Apgd(new ApgdOptions { Steps = 5, Loss = ApgdLoss.Dlr, Restarts = 2 }), 3),
        (Attack.Eot(new Apgd(new ApgdOptions { Steps = 5, Loss = ApgdLoss.Dlr, Restarts = 2 }), 2), 3),
        (Attack.Eot(new Pgd(new PgdOptions { Steps = 3, Keep = KeptPoint.FirstBroken }), 3), 2),
        (Attack.Eot(new DeepFool(new DeepFoolOptions { Iterations = 3 }), 2), 2),
        (new Apgd(new ApgdOptions { Steps = 5, Loss = ApgdLoss.TargetedDlr, Targets = 2 }), 4),
        (new Apgd(new ApgdOptions { Steps = 5, Loss = ApgdLoss.ProbabilityMargin }), 2),
        (new Apgd(new ApgdOptions { Steps = 5, Loss = ApgdLoss.TargetedDlr, Targets = 2, NearestTargets = true }), 4),
        (new Fmn(8), 2),
        (new Apgd(new ApgdOptions { Steps = 7, LargerRadii = true, Restarts = 2 }), 2),
        (new AttackSequence("two", [new Fgsm(), new Apgd(new ApgdOptions { Steps = 4 })], batchSize: 2), 2),
        (new RayS(60), 2),
        .. FabSquarePropertiesTests.Attacks,
    ];

    [Property(MaxTest = 200)]
    public void Points_stay_in_ball_and_box_for_any_shape_dtype_and_epsilon(Drawn drawn)
    {
        using var scope = NewDisposeScope();
        var random = new RandomCase(drawn, Attacks);
        var points = random.Attack.Perturb(random.Network, random.Images, random.Labels, random.Threat, random.Seed);
        Assert.Equal(random.Images.shape, points.shape);
        Assert.Equal(random.Images.dtype, points.dtype);
        Assert.InRange(points.min().to(ScalarType.Float64).item<double>(), 0, 1);
        Assert.InRange(points.max().to(ScalarType.Float64).item<double>(), 0, 1);
        // A sum of float32 values is rounded in each of them.
        var rounding = random.Threat.Norm == Norm.L1 ? 6e-8 * random.Images[0].numel() : 0;
        Assert.InRange(random.Threat.Size(points, random.Images).max().item<double>(), 0, random.Threat.Epsilon + 1e-6 + rounding);
    }

    [Property(MaxTest = 40)]
    public void At_epsilon_0_the_images_come_back_bit_for_bit(Drawn drawn)
    {
        using var scope = NewDisposeScope();
        var random = new RandomCase(drawn, Attacks);
        var threat = new ThreatModel(random.Threat.Norm, 0);
        var before = random.Images.clone();
        var points = random.Attack.Perturb(random.Network, random.Images, random.Labels, threat, random.Seed);
        Compare.Same(before, points, "points");
        points.zero_();
        Compare.Same(before, random.Images, "images, which the points must not share memory with");
    }

    [Property(MaxTest = 40)]
    public void The_same_seed_gives_the_same_bits_and_nothing_else_is_touched(Drawn drawn)
    {
        using var scope = NewDisposeScope();
        var random = new RandomCase(drawn, Attacks);
        var network = random.Network;
        // Modes that differ from module to module, a frozen parameter, gradients and moved statistics.
        network.train();
        network.modules().First(module => module is BatchNorm1d).eval();
        network.parameters().First().requires_grad = false;
        network.call(random.Images).sum().backward();
        var images = random.Images.clone();
        var before = new State(network);
        var randomState = get_rng_state();

        var first = random.Attack.Perturb(network, random.Images, random.Labels, random.Threat, random.Seed);
        before.AssertSame(new State(network));
        Compare.Same(randomState, get_rng_state(), "global random state");
        Compare.Same(images, random.Images, "images");
        Assert.False(first.requires_grad);
        Compare.Same(first, random.Attack.Perturb(network, random.Images, random.Labels, random.Threat, random.Seed), "second run");
    }

    [Property(MaxTest = 25)]
    public void With_more_steps_or_restarts_the_worst_point_is_never_less_bad(Drawn drawn)
    {
        using var scope = NewDisposeScope();
        var random = new RandomCase(drawn with { Attack = 0 }, Attacks);
        var options = new PgdOptions { Steps = 2, StepSize = Math.Max(random.Threat.Epsilon / 4, 1e-3) };
        var little = Badness(options);
        Assert.True(Badness(options with { Steps = 5 }).ge(little - 1e-4).all().item<bool>(), "more steps");
        Assert.True(Badness(options with { Restarts = 3 }).ge(little - 1e-4).all().item<bool>(), "more restarts");

        // Ordered as the attack orders its points: misclassified before not, then by the loss.
        Tensor Badness(PgdOptions settings)
        {
            var points = new Pgd(settings).Perturb(random.Network, random.Images, random.Labels, random.Threat, random.Seed);
            random.Network.eval();
            using var noGrad = no_grad();
            var logits = random.Network.call(points);
            return AttackLosses.CrossEntropy(logits, random.Labels) + logits.argmax(1).ne(random.Labels).to(logits.dtype) * 1000;
        }
    }

    [Property(MaxTest = 25)]
    public void With_more_restarts_or_targets_of_Apgd_the_worst_point_is_never_less_bad(Drawn drawn)
    {
        using var scope = NewDisposeScope();
        var random = new RandomCase(drawn with { Attack = Targeted }, Attacks);
        var options = new ApgdOptions { Steps = 5, Loss = (ApgdLoss)(drawn.Classes % 3), Targets = 1, Keep = KeptPoint.Worst };
        Func<Tensor, Tensor, Tensor> loss = options.Loss == ApgdLoss.CrossEntropy ? AttackLosses.CrossEntropy : AttackLosses.Dlr;
        var little = Badness(options);
        Assert.True(Badness(options with { Restarts = 3 }).ge(little - 1e-4).all().item<bool>(), "more restarts");
        if (options.Loss != ApgdLoss.TargetedDlr) return;
        // The losses of different targets cannot be compared, but whether a point is broken can.
        Assert.True(Badness(options with { Targets = 3 }).ge(500).ge(little.ge(500)).all().item<bool>(), "more targets");

        Tensor Badness(ApgdOptions settings)
        {
            var points = new Apgd(settings).Perturb(random.Network, random.Images, random.Labels, random.Threat, random.Seed);
            random.Network.eval();
            using var noGrad = no_grad();
            var logits = random.Network.call(points);
            var broken = logits.argmax(1).ne(random.Labels).to(logits.dtype) * 1000;
            return options.Loss == ApgdLoss.TargetedDlr ? broken : loss(logits, random.Labels) + broken;
        }
    }

    [Property(MaxTest = 65)]
    public void A_point_is_attacked_alike_in_every_batch(Drawn drawn)
    {
        using var scope = NewDisposeScope();
        var random = new RandomCase(drawn, Attacks);
        var count = random.Images.shape[0];
        var images = random.Images.to(ScalarType.Float64);
        random.Network.to(ScalarType.Float64);
        // Products of matrices round otherwise in batches of other sizes, and two losses that differ by rounding alone make APGD turn:
        // the network sees one image at a time.
        using var network = new FunctionNetwork(
            batch => cat([.. Enumerable.Range(0, (int)batch.shape[0]).Select(row => random.Network.call(batch.narrow(0, row, 1)))]));
        var whole = random.Attack.Perturb(network, images, random.Labels, random.Threat, random.Seed);
        for (var row = 0; row < count; row++)
        {
            var alone = random.Attack.Perturb(
                network, images.narrow(0, row, 1), random.Labels.narrow(0, row, 1), random.Threat, new PointNoise(random.Seed, [row]));
            Compare.Close(whole.narrow(0, row, 1), alone, 1e-9, $"point {row}");
        }
    }

    private static byte Targeted => (byte)Array.FindIndex(
        Attacks, each => each.Attack is Apgd { Options.Loss: ApgdLoss.TargetedDlr });

    /// <summary>All of a network's state that an attack could change.</summary>
    private sealed class State(Module network)
    {
        private readonly bool[] modes = [.. network.modules().Prepend(network).Select(module => module.training)];
        private readonly bool[] requiresGrad = [.. network.parameters().Select(parameter => parameter.requires_grad)];
        private readonly Tensor?[] gradients =
            [.. network.parameters().Select(parameter => parameter.grad is { } grad ? grad.clone() : null)];
        private readonly Tensor[] values = [.. network.parameters().Concat(network.buffers()).Select(value => value.detach().clone())];

        public void AssertSame(State other)
        {
            Assert.Equal(modes, other.modes);
            Assert.Contains(true, modes);
            Assert.Contains(false, modes);
            Assert.Equal(requiresGrad, other.requiresGrad);
            Assert.Equal(gradients.Select(gradient => gradient is null), other.gradients.Select(gradient => gradient is null));
            foreach (var (mine, its) in gradients.Zip(other.gradients).Where(pair => pair.First is not null))
                Compare.Same(mine!, its!, "gradient");
            foreach (var (mine, its) in values.Zip(other.values)) Compare.Same(mine, its, "parameter or buffer");
        }
    }
}

/// <summary>Tests that look at the global random state, which others may draw from: they run when no other test does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class GlobalRandomStateCollection
{
    public const string Name = "global random state";
}
