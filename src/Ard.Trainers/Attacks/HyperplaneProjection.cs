namespace Ard.Trainers.Attacks;

/// <summary>The nearest point of a hyperplane within the box [0,1] (Croce and Hein, ICML 2020, section 3.1).</summary>
/// <remarks>
/// The shortest step in Linf and L2 moves value i by min(λ u_i, room_i): room_i is the way to the end of the box, u_i is 1 (Linf) or
/// |normal_i| (L2), and λ is where f(λ) = Σ |normal_i| min(λ u_i, room_i) equals the offset. f is concave and piecewise linear, so Newton's
/// method from λ = 0 does not overshoot and is exact on the right piece, after a few rounds and without sorting. In L1 the values that rise
/// fastest go to the end of the box, one after another, and the last makes up the rest.
/// </remarks>
internal static class HyperplaneProjection
{
    /// <summary>
    /// The shortest steps s [n,d] with normal · s = offset ([n], of either sign) and point + s in the box. Where the box ends before the
    /// hyperplane, the step to the corner nearest to it; where the normal is zero, no step.
    /// </summary>
    public static Tensor Step(Tensor points, Tensor normal, Tensor offset, Norm norm)
    {
        using var scope = NewDisposeScope();
        // Scaled so that neither a square nor λ leaves the range of float32.
        var size = normal.abs().amax([1], keepdim: true).ClampMin(1e-30);
        var ascent = normal / size * offset.sign().unsqueeze(1);
        var distance = offset.abs().unsqueeze(1) / size;
        var weight = ascent.abs();
        var moves = weight.Gt(0);
        var room = where(ascent.Gt(0), 1.Minus(points), points).mul(moves);
        var lengths = norm == Norm.L1
            ? Greedy(weight, room, distance)
            : Balanced(weight, room, distance, norm == Norm.Linf ? moves.to(points.dtype) : weight);
        return lengths.mul_(ascent.sign()).MoveToOuterDisposeScope();
    }

    // Linf and L2.
    private static Tensor Balanced(Tensor weight, Tensor room, Tensor distance, Tensor unit)
    {
        var (reach, gain) = (weight * room, weight * unit);
        var lambda = zeros_like(distance);
        for (var stopped = -1L; ;)
        {
            // Values at the end of the box give what they can; the others have to bring the rest.
            var full = (unit * lambda).ge(room);
            var count = full.sum().item<long>();
            if (count == stopped) break;
            stopped = count;
            var slope = gain.MaskedFill(full, 0).sum([1], keepdim: true);
            var rest = distance - reach.MaskedFill(full.logical_not(), 0).sum([1], keepdim: true);
            var next = where(slope.Gt(0), rest / slope.ClampMin(1e-30), lambda).ClampMax(1e30);
            // Larger only but for rounding, which must not undo a step.
            lambda = lambda.maximum(next);
        }
        return (unit * lambda).minimum(room);
    }

    // L1.
    private static Tensor Greedy(Tensor weight, Tensor room, Tensor distance)
    {
        var order = weight.argsort(1, descending: true);
        var (sorted, rooms) = (weight.gather(1, order), room.gather(1, order));
        var reach = sorted * rooms;
        var rest = (distance - (reach.cumsum(1) - reach)).ClampMin(0);
        return zeros_like(room).scatter(1, order, (rest / sorted.ClampMin(1e-30)).minimum(rooms));
    }
}
