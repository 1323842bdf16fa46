namespace Ard.Trainers.Attacks;

/// <summary>For L1 (Croce and Hein, Mind the box, ICML 2021): clamping to the box after the ball would waste the budget.</summary>
internal static class L1Ball
{
    /// <summary>The point nearest to each, in Euclidean distance, in both the ball (budgets: float64 [N]) and the box [0,1].</summary>
    /// <remarks>
    /// With a the size of a value's change and r the part of it that the box has room for, the answer changes the value by
    /// clip(a - λ, 0, r), in the old direction, with the smallest λ ≥ 0 for which the sum is within the budget. The sum falls in λ and is
    /// linear between the places a - r and a, so sorting those finds λ.
    /// </remarks>
    public static Tensor Project(Tensor points, Tensor images, Tensor budgets)
    {
        if (images.numel() == 0) return images.clone();
        var epsilon = budgets.unsqueeze(1);
        var clean = images.to(ScalarType.Float64).flatten(1);
        var change = points.to(ScalarType.Float64).flatten(1) - clean;
        var size = change.abs();
        var room = size.minimum(where(change.Gt(0), 1.Minus(clean), clean));

        var (places, order) = cat([size - room, size], 1).sort(1);
        // How many values are falling right after each place: one starts at its a - r and stops at its a.
        var falling = where(order.Lt(size.shape[1]), ones_like(places), FullLike(places, -1)).cumsum(1);
        var last = places.shape[1] - 1;
        var lost = (falling.narrow(1, 0, last) * (places.narrow(1, 1, last) - places.narrow(1, 0, last))).cumsum(1);
        var total = room.sum(1, keepdim: true);
        var sums = total - cat([zeros_like(room.narrow(1, 0, 1)), lost], 1);
        var place = sums.ge(epsilon).sum(1, keepdim: true).Minus(1).ClampMin(0);
        var excess = (sums.gather(1, place) - epsilon).ClampMin(0);
        var cut = where(total.gt(epsilon), places.gather(1, place).Plus(excess / falling.gather(1, place).ClampMin(1)), zeros_like(total));

        var kept = (size - cut).ClampMin(0).minimum(room);
        return clean.Plus(change.sign().mul_(kept)).Clamp_(0, 1).reshape(images.shape).to(images.dtype);
    }

    /// <summary>
    /// A direction of size 1 in L1: equal steps along the signs of the largest gradients, a share (float64 [N]) of each point's values; at
    /// least one moves, and all of equal size. One value only would be the steepest; it makes slow progress.
    /// </summary>
    public static Tensor SparseAscent(Tensor gradient, Tensor share)
    {
        var size = gradient.flatten(1).abs();
        var values = size.shape[1];
        var (sorted, _) = size.sort(1);
        var place = 1.Minus(share).Times(values).Clamp(0, values - 1).to(ScalarType.Int64).unsqueeze(1);
        var direction = where(size.ge(sorted.gather(1, place)), gradient.flatten(1).sign(), zeros_like(size));
        return (direction / direction.abs().sum(1, keepdim: true).ClampMin(1)).reshape(gradient.shape);
    }
}
