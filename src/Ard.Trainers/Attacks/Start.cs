namespace Ard.Trainers.Attacks;

/// <summary>Where an iterative attack starts.</summary>
public abstract record Start
{
    private protected Start() { }

    /// <summary>At the clean image.</summary>
    public static Start Clean { get; } = new CleanStart();

    /// <summary>Uniform in the ball of the threat model, then clamped to [0,1]: the usual random start.</summary>
    public static Start Uniform { get; } = new UniformStart(Clamped: true, Times: 1);

    /// <summary>Uniform in the ball, not clamped: gradients may be taken outside [0,1], as in the code of ARD (and of Madry).</summary>
    public static Start UniformUnclamped { get; } = new UniformStart(Clamped: false, Times: 1);

    /// <summary>As <see cref="Uniform"/> in a larger or smaller ball: N-FGSM starts within 2 epsilon.</summary>
    /// <param name="times">The radius in units of epsilon.</param>
    public static Start UniformTimes(double times) => double.IsFinite(times) && times >= 0
        ? new UniformStart(Clamped: true, times)
        : throw new ArgumentOutOfRangeException(nameof(times), times, "expected a finite number that is not negative.");

    /// <summary>At the clean image plus normal noise, neither projected nor clamped: TRADES and RSLAD use a deviation of 0.001.</summary>
    /// <param name="deviation">The standard deviation, in units of [0,1] images.</param>
    public static Start Gaussian(double deviation = 0.001) => double.IsFinite(deviation) && deviation >= 0
        ? new GaussianStart(deviation)
        : throw new ArgumentOutOfRangeException(nameof(deviation), deviation, "expected a finite number that is not negative.");

    /// <summary>Whether the starting point itself is always one that the threat model allows.</summary>
    internal abstract bool IsAllowed { get; }

    internal abstract Tensor Points(Tensor images, ThreatModel threat, Noise noise);

    private sealed record CleanStart : Start
    {
        internal override bool IsAllowed => true;
        public override string ToString() => "from the clean image";
        internal override Tensor Points(Tensor images, ThreatModel threat, Noise noise) => images.clone();
    }

    private sealed record UniformStart(bool Clamped, double Times) : Start
    {
        internal override bool IsAllowed => Clamped && Times <= 1;

        public override string ToString() => (Clamped ? "from a random point" : "from a random point, not clamped")
            + (Times == 1 ? "" : $" within {AttackCatalog.Text(Times)} eps");

        internal override Tensor Points(Tensor images, ThreatModel threat, Noise noise)
        {
            var ball = Times == 1 ? threat : new ThreatModel(threat.Norm, Times * threat.Epsilon);
            var points = images.Plus(ball.RandomPerturbation(images, noise));
            return Clamped ? ball.Project(points, images) : points;
        }
    }

    private sealed record GaussianStart(double Deviation) : Start
    {
        internal override bool IsAllowed => false;
        public override string ToString() => $"from normal noise of {AttackCatalog.Text(Deviation)}";

        internal override Tensor Points(Tensor images, ThreatModel threat, Noise noise) =>
            images.Plus(noise.Normal(images).Mul_(Deviation));
    }
}
