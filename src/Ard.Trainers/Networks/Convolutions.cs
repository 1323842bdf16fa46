using System.Runtime.CompilerServices;
using TorchSharp.Modules;

namespace Ard.Trainers.Networks;

/// <summary>How networks run their layers: of mixed precision, and with BatchNorm folded in where that is quicker.</summary>
internal static class Convolutions
{
    /// <summary>One layer after another, as in a Sequential. What lies between two is freed as soon as the second has read it.</summary>
    public static Tensor Then(this Tensor input, params IReadOnlyList<IModule<Tensor, Tensor>> layers)
    {
        var output = input;
        for (var i = 0; i < layers.Count; i++)
        {
            var previous = output;
            if (layers[i] is Conv2d first && i + 1 < layers.Count && layers[i + 1] is BatchNorm2d norm && Folds(first, norm, previous))
            {
                output = Folded(first, norm, previous);
                i++;
            }
            else
            {
                output = layers[i] switch
                {
                    Conv2d convolution when convolution.weight.dtype != previous.dtype =>
                        Convolve(convolution, previous, convolution.weight, convolution.bias),
                    BatchNorm2d { training: true, track_running_stats: true } learning => Learning(learning, previous),
                    Linear linear => linear.call(MixedPrecision.Full(previous)),
                    var layer => layer.call(previous),
                };
            }
            if (!ReferenceEquals(previous, input) && !ReferenceEquals(previous, output)) previous.Dispose();
        }
        return output;
    }

    // In train mode TorchSharp counts the batches, by a number that nothing holds (see Arithmetic). So the batch is counted here, and the
    // layer does not see its counter meanwhile.
    private static Tensor Learning(BatchNorm2d norm, Tensor input)
    {
        ref var counter = ref Counter(norm);
        var (counted, momentum) = (counter!.Add_(1), norm.momentum);
        try
        {
            norm.momentum ??= 1 / counted.to(ScalarType.Float64).item<double>();
            counter = null;
            return norm.call(input);
        }
        finally
        {
            (counter, norm.momentum) = (counted, momentum);
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_num_batches_tracked")]
    private static extern ref Tensor? Counter(NormBase norm);

    // In eval mode, where nothing is learnt: each time anew, for that costs a pass over the weights and saves one over the outputs. So
    // nothing has to be kept in step with weights that change, and threads do not meet.
    private static bool Folds(Conv2d convolution, BatchNorm2d norm, Tensor input)
    {
        if (norm.training || norm.running_mean is null || norm.weight is null || norm.bias is null) return false;
        if (is_grad_enabled() && (convolution.weight.requires_grad || norm.weight.requires_grad || norm.bias.requires_grad)) return false;
        var (images, height, width) = (input.shape[0], input.shape[2], input.shape[3]);
        var places = images * height * width / (convolution.stride[0] * convolution.stride[1]);
        return places > convolution.in_channels / convolution.groups * convolution.kernel_size[0] * convolution.kernel_size[1];
    }

    // With running statistics, norm(w * x + b) = (w · scale) * x + (b - mean) · scale + shift.
    private static Tensor Folded(Conv2d convolution, BatchNorm2d norm, Tensor input)
    {
        var scale = norm.running_var!.Plus(norm.eps).rsqrt_().mul_(norm.weight!);
        var weight = convolution.weight * scale.view(-1, 1, 1, 1);
        var bias = convolution.bias is null ? norm.running_mean!.neg() : convolution.bias - norm.running_mean!;
        return Convolve(convolution, input, weight, bias.mul_(scale).Add_(norm.bias!));
    }

    private static Tensor Convolve(Conv2d convolution, Tensor input, Tensor weight, Tensor? bias) => functional.conv2d(
        input, weight.to(input.dtype), bias?.to(input.dtype), convolution.stride, convolution.padding, convolution.dilation,
        convolution.groups);
}
