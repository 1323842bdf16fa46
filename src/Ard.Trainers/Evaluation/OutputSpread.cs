namespace Ard.Trainers.Evaluation;

/// <summary>The largest difference between outputs that ought to be the same, in units of the largest output.</summary>
internal static class OutputSpread
{
    /// <summary>Between five passes over the same images.</summary>
    public static double BetweenPasses(Module<Tensor, Tensor> model, Tensor images, Tensor logits)
    {
        var most = 0.0;
        for (var pass = 1; pass < 5; pass++)
        {
            using var scope = NewDisposeScope();
            most = Math.Max(most, Difference(model.call(images), logits));
        }
        return most;
    }

    /// <summary>Between the batch, its halves and another order: what an image's output depends on beside the image.</summary>
    public static double BetweenBatches(Module<Tensor, Tensor> model, Tensor images, Tensor logits)
    {
        if (images.shape[0] < 2) return 0;
        using var scope = NewDisposeScope();
        var halves = cat([.. images.tensor_split(2).Select(half => model.call(half))]);
        var turned = model.call(images.flip([0L])).flip([0L]);
        return Math.Max(Difference(halves, logits), Difference(turned, logits));
    }

    private static double Difference(Tensor logits, Tensor others)
    {
        // What is not finite both times differs by no number; where it is so only once, by infinitely much.
        var difference = (logits - others).abs().MaskedFill(logits.isfinite().logical_or(others.isfinite()).logical_not(), 0)
            .nan_to_num(double.PositiveInfinity).max().to(ScalarType.Float64).item<double>();
        return difference == 0
            ? 0
            : difference / others.nan_to_num(0, 0, 0).abs().max().ClampMin(1e-30).to(ScalarType.Float64).item<double>();
    }
}
