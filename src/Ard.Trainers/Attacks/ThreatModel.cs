namespace Ard.Trainers.Attacks;

/// <summary>How the size of a perturbation is measured, point by point, over all of the point's values.</summary>
public enum Norm
{
    /// <summary>The largest absolute change of a value.</summary>
    Linf,

    /// <summary>The Euclidean length of the change.</summary>
    L2,

    /// <summary>The sum of the absolute changes. Not all attacks can do it: see <see cref="Attack.Norms"/>.</summary>
    L1,
}

/// <summary>
/// What the adversary may do: move a clean image x to any x' with ‖x' - x‖ ≤ epsilon, all values of x' staying in [0,1]. Every rule that
/// depends on the norm is here: the projection, the direction of steepest ascent, the random start and the final check.
/// </summary>
/// <exception cref="ArgumentOutOfRangeException">The norm is unknown, or epsilon is negative or not finite.</exception>
public sealed record ThreatModel(Norm Norm, double Epsilon)
{
    /// <summary>The norm of the perturbation.</summary>
    public Norm Norm { get; } = Enum.IsDefined(Norm)
        ? Norm
        : throw new ArgumentOutOfRangeException(nameof(Norm), Norm, "Norm: expected Linf, L2 or L1.");

    /// <summary>The budget, in units of [0,1] images, finite and not negative; at 0 only the clean image is allowed.</summary>
    public double Epsilon { get; } = double.IsFinite(Epsilon) && Epsilon >= 0
        ? Epsilon
        : throw new ArgumentOutOfRangeException(nameof(Epsilon), Epsilon, "Epsilon: expected a finite number that is not negative.");

    /// <summary>Why the budget is hardly meant; null where nothing speaks against it.</summary>
    internal string? Warning => this switch
    {
        { Epsilon: 0 } => "the adversary may do nothing (8 / 255 is 0 in whole numbers, 8 / 255.0 is not)",
        { Norm: Norm.Linf, Epsilon: >= 1 } => Invariant(
            $"the adversary may make any image of any other; the budget is in units of [0,1] images, such as {Epsilon} / 255.0"),
        _ => null,
    };

    /// <summary>The threat model of the robust distillation papers on CIFAR-10: Linf, 8/255.</summary>
    internal static ThreatModel Cifar10 { get; } = Linf(8.0 / 255);

    /// <summary>What is usual for images: Linf, 8/255 for three channels (as on CIFAR-10), 0.1 for one (as on Fashion-MNIST).</summary>
    /// <param name="channels">The images' channels.</param>
    public static ThreatModel Default(int channels) => channels == 1 ? Linf(0.1) : Cifar10;

    /// <summary>Every value of the image may change by up to <paramref name="epsilon"/>.</summary>
    public static ThreatModel Linf(double epsilon) => new(Norm.Linf, epsilon);

    /// <summary>The image may move by up to <paramref name="epsilon"/> in Euclidean distance.</summary>
    public static ThreatModel L2(double epsilon) => new(Norm.L2, epsilon);

    /// <summary>The absolute changes of the image's values may add up to <paramref name="epsilon"/>.</summary>
    public static ThreatModel L1(double epsilon) => new(Norm.L1, epsilon);

    /// <summary>
    /// Brings points back into the allowed set: into the ball, then into [0,1], which cannot leave the ball again, because the clean image
    /// lies in [0,1] and clamping moves a value towards it. In L1 both at once: the nearest allowed point.
    /// </summary>
    /// <param name="perturbed">Points [N,...].</param>
    /// <param name="images">Their clean images [N,...] in [0,1].</param>
    /// <returns>The projected points [N,...].</returns>
    public Tensor Project(Tensor perturbed, Tensor images)
    {
        if (Norm == Norm.Linf) return perturbed.maximum(images.Minus(Epsilon)).minimum(images.Plus(Epsilon)).Clamp_(0, 1);
        return Project(perturbed, images, Full([images.shape[0]], Epsilon, ScalarType.Float64, images.device), Norm);
    }

    /// <summary>The same with a budget for each point, float64 [N].</summary>
    internal static Tensor Project(Tensor perturbed, Tensor images, Tensor budgets, Norm norm)
    {
        if (norm == Norm.L1) return L1Ball.Project(perturbed, images, budgets);
        var (change, budget) = (perturbed - images, PerPoint(budgets, images));
        if (norm == Norm.L2) change.mul_((budget / Length(change).ClampMin(Tiny)).ClampMax(1).to(images.dtype));
        else change = change.minimum(budget.to(images.dtype)).maximum(budget.neg().to(images.dtype));
        return images.Plus(change).Clamp_(0, 1);
    }

    /// <summary>
    /// The direction of unit size along which a linear function with this gradient grows fastest: the sign (Linf), or the gradient over its
    /// length, point by point (L2), or along the value with the largest gradient only (L1). Zero where the gradient is 0 or NaN.
    /// </summary>
    /// <param name="gradient">Gradients [N,...] with regard to the images.</param>
    public Tensor SteepestAscent(Tensor gradient) => Norm switch
    {
        Norm.Linf => gradient.sign(),
        Norm.L2 => OverItsLength(InputGradient.Finite(gradient)),
        _ => L1Ball.SparseAscent(
            InputGradient.Finite(gradient), zeros([gradient.shape[0]], dtype: ScalarType.Float64, device: gradient.device)),
    };

    /// <summary>How much a linear function grows along the steepest ascent for each unit of size: the dual norm, [N], float64.</summary>
    internal Tensor Slope(Tensor gradient) => Size(gradient.to(ScalarType.Float64), Dual(Norm));

    /// <summary>The norm that measures gradients where this one measures changes.</summary>
    internal static Norm Dual(Norm norm) => norm switch { Norm.Linf => Norm.L1, Norm.L1 => Norm.Linf, _ => Norm.L2 };

    /// <summary>A random perturbation [N,...] of each image, uniform in the ball of this norm. Not clamped to [0,1].</summary>
    public Tensor RandomPerturbation(Tensor images, Noise noise)
    {
        if (Norm == Norm.Linf) return noise.Uniform(images).Mul_(Epsilon);
        if (Norm == Norm.L1)
        {
            // Exponential sizes, divided by their sum and that of one more, are uniform where the sum is at most 1; signs are fair.
            var signed = noise.Uniform(images);
            var sizes = signed.abs().neg_().Add_(1).ClampMin_(Tiny32).log_().neg_();
            var more = noise.Uniform(PerPoint(images, images.shape[0])).abs_().neg_().Add_(1).ClampMin_(Tiny32).log_().neg_();
            return signed.sign().mul_(sizes).Mul_(Epsilon).div_(PerPoint(sizes.flatten(1).sum(1), images).Plus(more));
        }
        // Uniform in a ball of d dimensions: a uniform direction, and a radius whose d-th power is uniform.
        var direction = SteepestAscent(noise.Normal(images));
        var radius = noise.Uniform(PerPoint(images, images.shape[0])).Add_(1).Mul_(0.5).Pow(1.0 / Values(images));
        return direction.mul_(radius).Mul_(Epsilon);
    }

    /// <summary>The size of each point's perturbation in this norm: [N], float64.</summary>
    /// <param name="perturbed">Points [N,...].</param>
    /// <param name="images">Their clean images [N,...].</param>
    public Tensor Size(Tensor perturbed, Tensor images)
    {
        if (images.numel() == 0) return zeros([images.shape[0]], dtype: ScalarType.Float64, device: images.device);
        return Size(perturbed.to(ScalarType.Float64) - images.to(ScalarType.Float64), Norm);
    }

    private static Tensor Size(Tensor values, Norm norm) => norm switch
    {
        Norm.Linf => values.abs().flatten(1).amax(1),
        Norm.L2 => Length(values).flatten(),
        _ => values.abs().flatten(1).sum(1),
    };

    /// <summary>Checks that points are allowed; granted are 1e-6, in L2 and L1 also the rounding of their dtype. Waits.</summary>
    /// <exception cref="InvalidOperationException">A point is not allowed; the message names the worst one.</exception>
    internal void Verify(Tensor perturbed, Tensor images, string author)
    {
        VerifyShape(perturbed, images, author);
        if (images.numel() == 0) return;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var sizes = Size(perturbed, images);
        var told = Numbers(perturbed.min(), perturbed.max(), sizes.max(), sizes.argmax());
        var (lowest, highest, size, worst) = (told[0], told[1], told[2], told[3]);
        // Written so that a NaN fails as well.
        if (!(lowest >= 0 && highest <= 1))
            throw new InvalidOperationException(Invariant($"{author} returned values from {lowest:R} to {highest:R}, expected [0,1]."));
        if (!(size <= LargestSize(images)))
            throw new InvalidOperationException(
                Invariant($"{author} moved point {worst} by {size:R} in {Norm}, expected at most {Epsilon:R}."));
    }

    /// <summary>The first image with a value that is not in [0,1], in words; null where all are. Waits for the device.</summary>
    internal static string? OutOfRange(Tensor images)
    {
        if (images.numel() == 0) return null;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // A NaN goes through minimum and maximum, and fails.
        if (Numbers(images.min(), images.max()) is [>= 0, <= 1]) return null;
        var odd = images.Ge(0).logical_and_(images.Le(1)).logical_not_();
        var row = odd.flatten(1).any(1).nonzero()[0, 0].item<long>();
        var value = images[row].masked_select(odd[row])[0];
        var text = value.dtype == ScalarType.Float64
            ? Invariant($"{value.item<double>():R}") : Invariant($"{value.to(ScalarType.Float32).item<float>():R}");
        return $"image {row} has the value {text}, expected [0,1]";
    }

    /// <summary>Single values as numbers, at one wait for the device.</summary>
    internal static double[] Numbers(params Tensor[] values) =>
        stack(values.Select(value => value.to(ScalarType.Float64))).cpu().data<double>().ToArray();

    internal static void VerifyShape(Tensor perturbed, Tensor images, string author)
    {
        if (!perturbed.shape.SequenceEqual(images.shape) || perturbed.dtype != images.dtype)
            throw new InvalidOperationException(
                $"{author} returned {perturbed.dtype} [{string.Join(",", perturbed.shape)}], " +
                $"expected {images.dtype} [{string.Join(",", images.shape)}] as the images.");
    }

    /// <summary>Which points <see cref="Verify"/> lets pass, given the sizes of their perturbations: bool [N].</summary>
    internal Tensor Allows(Tensor perturbed, Tensor images, Tensor sizes)
    {
        if (images.numel() == 0) return ones([images.shape[0]], dtype: ScalarType.Bool, device: images.device);
        // A NaN is in no range.
        var inRange = perturbed.Ge(0).logical_and_(perturbed.Le(1)).flatten(1).all(1);
        return inRange.logical_and_(sizes.Le(LargestSize(images)));
    }

    /// <summary>The largest size of a perturbation that passes: epsilon and what <see cref="Verify"/> grants.</summary>
    internal double LargestSize(Tensor images)
    {
        var rounded = Norm switch { Norm.Linf => 0, Norm.L2 => Math.Sqrt(Values(images)), _ => Values(images) };
        return Epsilon + 1e-6 + rounded * (images.dtype == ScalarType.Float64 ? 1.2e-16 : 6e-8);
    }

    /// <summary>For people, such as <c>Linf 0.03137</c>.</summary>
    public override string ToString() => Invariant($"{Norm} {Epsilon:G4}");

    // Keeps 0 from being divided by 0.
    private const double Tiny = 1e-300;

    // The smallest distance from 0 of a uniform random number: keeps logarithms finite.
    private const double Tiny32 = 1.0 / (1 << 24);

    // The Euclidean length of each point, [N,1,...,1], in float64: the square of a small float32 gradient would be 0.
    private static Tensor Length(Tensor points) => PerPoint(points.to(ScalarType.Float64).Square().flatten(1).sum(1).sqrt(), points);

    private static Tensor OverItsLength(Tensor points) => (points / Length(points).ClampMin(Tiny)).to(points.dtype);

    /// <summary>One number a point, [N], in a shape that combines with the points': [N,1,...,1].</summary>
    internal static Tensor PerPoint(Tensor values, Tensor points) =>
        values.reshape([values.shape[0], .. Enumerable.Repeat(1L, (int)points.dim() - 1)]);

    private static Tensor PerPoint(Tensor images, long count) => PerPoint(images.new_zeros([count]), images);
    private static long Values(Tensor images) => images.numel() / images.shape[0];
}
