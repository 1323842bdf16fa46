namespace Ard.Trainers.Tests.Attacks;

public sealed class MiFgsmTests
{
    // logits (q, 0) with q = Σ k (x - c)²: for label 0 the loss is log(1 + exp(-q)), its gradient -2 k (x - c) / (1 + exp q).
    private static readonly double[] Curvature = [3, 1, 0.4], Centre = [0.2, 0.9, 0.3], Image = [0.5, 0.45, 0.52];

    [Theory]
    [InlineData(Norm.Linf, 1.0)]
    [InlineData(Norm.Linf, 0.0)]
    [InlineData(Norm.L2, 1.0)]
    [InlineData(Norm.L2, 0.6)]
    public void Its_path_is_the_one_of_the_algorithm_computed_by_hand(Norm norm, double decay)
    {
        using var scope = NewDisposeScope();
        const double epsilon = 0.25;
        const int steps = 7;
        var (x, g) = (Image.ToArray(), new double[3]);
        for (var step = 0; step < steps; step++)
        {
            var q = x.Select((value, i) => Curvature[i] * Math.Pow(value - Centre[i], 2)).Sum();
            var gradient = x.Select((value, i) => -2 * Curvature[i] * (value - Centre[i]) / (1 + Math.Exp(q))).ToArray();
            var size = gradient.Sum(Math.Abs);
            g = [.. g.Select((value, i) => decay * value + gradient[i] / size)];
            var length = Math.Sqrt(g.Sum(value => value * value));
            x = [.. x.Select((value, i) => value + epsilon / steps * (norm == Norm.Linf ? Math.Sign(g[i]) : g[i] / length))];
        }
        var options = new PgdOptions
        {
            Steps = steps,
            StepSize = epsilon / steps,
            Start = Start.Clean,
            Momentum = decay,
            Keep = KeptPoint.Last,
        };
        var points = new Pgd(options).Perturb(
            Quadratic(), tensor(Image).reshape(1, 3), zeros([1], dtype: ScalarType.Int64), new ThreatModel(norm, epsilon));
        Compare.Close(tensor(x), points, 1e-12, "points");
    }

    [Fact]
    public void Momentum_goes_on_where_the_gradient_has_turned()
    {
        using var scope = NewDisposeScope();
        var (images, labels) = (tensor(Image).reshape(1, 3), zeros([1], dtype: ScalarType.Int64));
        // Long steps that overshoot the centre of the first value: the plain gradient turns back at once, momentum does not.
        var options = new PgdOptions { Steps = 5, StepSize = 0.12, Start = Start.Clean, Momentum = 1, Keep = KeptPoint.Last };
        var plain = new Pgd(options with { Momentum = 0 }).Perturb(Quadratic(), images, labels, ThreatModel.Linf(0.6));
        var momentum = new Pgd(options).Perturb(Quadratic(), images, labels, ThreatModel.Linf(0.6));
        Assert.InRange(plain[0, 0].item<double>(), 0.2 - 0.12, 0.2 + 0.12);
        Assert.InRange(momentum[0, 0].item<double>(), 0, 0.05);
    }

    [Fact]
    public void A_gradient_of_any_size_counts_alike_and_none_counts_nothing()
    {
        using var scope = NewDisposeScope();
        var (images, labels) = (tensor(Image).reshape(1, 3).to(ScalarType.Float32), zeros([1], dtype: ScalarType.Int64));
        foreach (var (scale, moves) in new[] { (1e-30, true), (0.0, false) })
        {
            var options = new PgdOptions
            {
                Start = Start.Clean,
                Momentum = 1,
                Loss = (logits, _) => -logits.select(1, 0) * scale,
            };
            var points = new Pgd(options).Perturb(Quadratic(), images, labels, ThreatModel.L2(0.1));
            Assert.Equal(moves ? 0.1 : 0, ThreatModel.L2(0.1).Size(points, images).item<double>(), 1e-4);
        }
    }

    [Fact]
    public void Its_steps_have_the_length_of_epsilon_together()
    {
        using var scope = NewDisposeScope();
        var (images, labels) = (tensor(Image).reshape(1, 3), zeros([1], dtype: ScalarType.Int64));
        var attack = Attack.MiFgsm(5);
        var written = new Pgd(new() { Steps = 5, StepSize = 0.05, Momentum = 1, Start = Start.Clean });
        Assert.Equal(("mi-fgsm-5", "mi-fgsm-5@0.05"), (attack.Name, written.Name));
        var threat = ThreatModel.Linf(0.25);
        Compare.Same(
            written.Perturb(Quadratic(), images, labels, threat), attack.Perturb(Quadratic(), images, labels, threat), "points");
        Assert.Contains("Momentum is -1", Assert.Throws<ArgumentException>(() => new Pgd(new() { Momentum = -1 })).Message);
    }

    private static FunctionNetwork Quadratic() => new(x =>
    {
        var q = ((x - tensor(Centre, dtype: x.dtype)).square() * tensor(Curvature, dtype: x.dtype)).sum(1);
        return stack([q, q * 0], 1);
    });
}
