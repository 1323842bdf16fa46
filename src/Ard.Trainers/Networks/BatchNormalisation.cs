using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Networks;

/// <summary>
/// Batch normalisation (Ioffe and Szegedy, ICML 2015) in train mode where the channels of a pixel lie side by side. There libtorch adds
/// float32 to float32 for the statistics of the batch, which then have two digits less than on planes, where it adds in float64, one value
/// after the other, and takes three times as long. Here the sums are vectorised and in cascades, which keeps the digits.
/// </summary>
internal static class BatchNormalisation
{
    // Mean² over variance, from which on the difference of two sums has lost too many digits.
    private const double LargeMean = 30;

    /// <summary>
    /// What the layer computes, its running statistics and all gradients, to rounding.
    /// </summary>
    public static Tensor Normalise(this BatchNorm2d norm, Tensor input)
    {
        if (!norm.training || !norm.track_running_stats || !norm.affine || !SideBySide(input)) return norm.call(input);
        var count = (double)(input.numel() / input.shape[1]);
        if (count < 2) return norm.call(input);
        using var scope = NewDisposeScope();
        var mean = Sum(input) / count;
        var variance = Sum(input * input) / count - mean.square();
        var (batchMean, batchVariance) = (mean.detach(), variance.detach());
        if (batchMean.square().gt(batchVariance * LargeMean).any().item<bool>())
            return norm.call(input.contiguous()).MoveToOuterDisposeScope();
        Track(norm, batchMean, batchVariance * (count / (count - 1)));
        // An affine map by the layer's way with running statistics, which is one pass. It takes these for constants, so the gradient of
        // the batch's goes through scale and shift.
        var scale = (variance + norm.eps).rsqrt() * norm.weight!;
        var shift = (batchMean - mean) * scale + norm.bias!;
        return functional.batch_norm(input, batchMean, ones_like(batchMean), scale, shift, eps: 0).MoveToOuterDisposeScope();
    }

    // Not the mean, whose gradient libtorch spreads over the input's shape and then divides there.
    private static Tensor Sum(Tensor input) => input.sum([0L, 2L, 3L]);

    private static void Track(BatchNorm2d norm, Tensor mean, Tensor variance)
    {
        using var noGradient = no_grad();
        norm.num_batches_tracked!.add_(1);
        var share = norm.momentum ?? 1 / norm.num_batches_tracked!.to(ScalarType.Float64).item<double>();
        norm.running_mean!.mul_(1 - share).add_(mean, share);
        norm.running_var!.mul_(1 - share).add_(variance, share);
    }

    private static bool SideBySide(Tensor input) =>
        input.dtype == ScalarType.Float32 && input.device_type == DeviceType.CPU && input.shape[1] > 1 && input.stride(1) == 1;
}
