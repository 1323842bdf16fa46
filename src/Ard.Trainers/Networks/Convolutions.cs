using System.Runtime.CompilerServices;
using TorchSharp.Modules;

namespace Ard.Trainers.Networks;

/// <summary>How networks run their layers: in mixed precision, and with BatchNorm folded in (<see cref="FoldedNorm"/>).</summary>
internal static class Convolutions
{
    /// <summary>One layer after another, as in a Sequential. What lies between two is freed as soon as the second has read it.</summary>
    public static Tensor Then(this Tensor input, params IReadOnlyList<IModule<Tensor, Tensor>> layers)
    {
        var output = input;
        for (var i = 0; i < layers.Count; i++)
        {
            var previous = output;
            if (layers[i] is Conv2d first && i + 1 < layers.Count && layers[i + 1] is BatchNorm2d norm && MayFold(first, norm)
                && FoldedNorm.Find(first, norm) is var (weight, bias))
            {
                output = Convolve(first, previous, weight, bias);
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
        FoldedNorm.Forget(norm);
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

    private static bool MayFold(Conv2d convolution, BatchNorm2d norm) =>
        !norm.training && norm.running_mean is not null && convolution.bias is null
        && !(is_grad_enabled() && (convolution.weight.requires_grad || norm.parameters().Any(parameter => parameter.requires_grad)));

    private static Tensor Convolve(Conv2d convolution, Tensor input, Tensor weight, Tensor? bias) => functional.conv2d(
        input, weight.to(input.dtype), bias?.to(input.dtype), convolution.stride, convolution.padding, convolution.dilation,
        convolution.groups);
}
